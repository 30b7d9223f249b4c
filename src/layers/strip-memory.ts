/**
 * Memory in which blocks are put beside each other. A row of a block is too short for the engine's own copy of
 * typed arrays, and a loop over its samples takes five times as long as the memory: so rows are copied by a
 * function in WebAssembly (`memory.copy` of the bulk memory operations), on memory of its own.
 */
import { encodeModule, signed, unsigned } from '../graph/wasm/binary.ts';
import { Scratch } from '../graph/wasm/engine.ts';
import { plain, types } from '../graph/wasm/opcodes.ts';

const MEBIBYTE = 2 ** 20;
/** The numbers of a move, then one block, then the strip. */
const BLOCK = 64;
const STRIP = BLOCK + 4 * MEBIBYTE;
const END = STRIP + 8 * MEBIBYTE;
const PAGES = Math.ceil(END / 2 ** 16);

/** Which rows of a block go where in the strip; all in bytes but the counts. */
export interface Move {
  readonly rowBytes: number;
  readonly rows: number;
  readonly planes: number;
  readonly from: number;
  /** From row to row and from plane to plane. */
  readonly fromRow: number;
  readonly fromPlane: number;
  readonly to: number;
  readonly toRow: number;
  readonly toPlane: number;
}

/** Memories that nobody uses; each holds what strips have touched of its 12 MiB. */
const spare: StripMemory[] = [];
const MAX_SPARE = 4;

export class StripMemory {
  readonly #scratch = new Scratch(PAGES);
  readonly #move = new Int32Array(this.#scratch.bytes.buffer, 0, 9);
  readonly #block = new Float32Array(this.#scratch.bytes.buffer, BLOCK, (STRIP - BLOCK) / 4);
  /** The strip, from its first byte. */
  readonly vectors = new Float32Array(this.#scratch.bytes.buffer, STRIP, (END - STRIP) / 4);

  /** Whether blocks and strips of so many samples have room. */
  static fits(block: number, strip: number): boolean {
    return block * 4 <= STRIP - BLOCK && strip * 4 <= END - STRIP;
  }

  static take(): StripMemory {
    return spare.pop() ?? new StripMemory();
  }

  /** Gives it back; its strip is somebody else's from now on. */
  release(): void {
    if (spare.length < MAX_SPARE) spare.push(this);
  }

  /** Copies rows of a block, of which there is at least one, into the strip. */
  put(vectors: Float32Array, move: Move): void {
    this.#block.set(vectors);
    this.#move.set([move.rowBytes, move.rows, move.planes, BLOCK + move.from, move.fromRow, move.fromPlane, STRIP + move.to, move.toRow, move.toPlane]);
    this.#scratch.load(module)(0);
  }
}

const [ROW_BYTES, ROWS, PLANES, FROM, FROM_ROW, FROM_PLANE, TO, TO_ROW, TO_PLANE] = [0, 4, 8, 12, 16, 20, 24, 28, 32];
const [PLANE, ROW, SOURCE, TARGET] = [1, 2, 3, 4];

const get = (local: number) => [plain['local.get'], local];
const set = (local: number) => [plain['local.set'], local];
const integer = (value: number) => [plain['i32.const'], ...signed(value)];
/** A number of the move. */
const given = (address: number) => [...integer(0), plain['i32.load'], 2, ...unsigned(address)];
const add = (local: number, step: readonly number[]) => [...get(local), ...step, plain['i32.add'], ...set(local)];
const atPlane = (first: number, step: number) => [...given(first), ...given(step), ...get(PLANE), plain['i32.mul'], plain['i32.add']];
const again = (counter: number, count: number) => [...add(counter, integer(1)), ...get(counter), ...given(count), plain['i32.lt_u'], plain.br_if, 0, plain.end];

const module = encodeModule({
  locals: [[4, types.i32]],
  code: [
    plain.loop, types.none,
    ...atPlane(FROM, FROM_PLANE), ...set(SOURCE), ...atPlane(TO, TO_PLANE), ...set(TARGET), ...integer(0), ...set(ROW),
    plain.loop, types.none,
    ...get(TARGET), ...get(SOURCE), ...given(ROW_BYTES), ...plain['memory.copy'],
    ...add(SOURCE, given(FROM_ROW)), ...add(TARGET, given(TO_ROW)),
    ...again(ROW, ROWS),
    ...again(PLANE, PLANES),
    ...integer(0), plain.end,
  ],
}, PAGES);
