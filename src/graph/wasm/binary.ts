/** The binary format of a WebAssembly module with one function over a memory that it is given. */
import { types } from './opcodes.ts';

/** Unsigned LEB128: seven bits a byte, lowest first, the top bit says that more follow. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128 of an int32: the sixth bit of the last byte is the sign. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = rest === (low & 0x40 ? -1 : 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

const name = (text: string) => [...unsigned(text.length), ...Buffer.from(text, 'ascii')];
const list = (items: readonly (readonly number[])[]) => [...unsigned(items.length), ...items.flat()];

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

export interface FunctionBody {
  /** Runs of locals after the parameter: how many of which type. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: readonly number[];
}

/**
 * A module that imports the memory `env.memory` of exactly `pages` pages (64 KiB each) and exports the
 * function `run: (n: i32) → i32`.
 */
export function encodeModule(body: FunctionBody, pages: number): Uint8Array<ArrayBuffer> {
  const locals = list(body.locals.map(([count, type]) => [...unsigned(count), type]));
  const size = locals.length + body.code.length;
  const header = [
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, list([[types.func, ...list([[types.i32]]), ...list([[types.i32]])]])),
    ...section(2, list([[...name('env'), ...name('memory'), 2, 1, ...unsigned(pages), ...unsigned(pages)]])),
    ...section(3, list([[0]])),
    ...section(7, list([[...name('run'), 0, 0]])),
  ];
  const functions = [1, ...unsigned(size)];
  const code = [10, ...unsigned(functions.length + size), ...functions];
  return Uint8Array.from([...header, ...code, ...locals].concat(body.code));
}
