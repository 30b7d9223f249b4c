/**
 * Writes a function that goes over cells in steps of four, with values in 128-bit vectors.
 *
 * The body of the loop is a straight line of instructions on numbered values. Only at the end do values get
 * locals: one whose last reader has been written hands its local on, so that even long bodies have a small
 * frame. Constants are made once, before the loop.
 */
import { encodeModule, signed, unsigned } from './binary.ts';
import { plain, simd, types, type SimdOp } from './opcodes.ts';

/** Cells that one turn of the loop computes. */
export const STEP = 4;

/** A vector: the place of the instruction that makes it, or −1 − the place of a constant. */
export type Vector = number;

interface Instruction {
  readonly op: SimdOp;
  readonly args: readonly Vector[];
  /** Bytes after the opcode: constants, shuffles, lanes. */
  readonly immediates: readonly number[];
  /** Where in memory; cell c is at offset + c · size. */
  readonly place: Place | null;
  readonly hasResult: boolean;
}

export interface Place {
  readonly offset: number;
  /** Bytes of one cell there: 1, 2, 4 or 8. */
  readonly size: 1 | 2 | 4 | 8;
}

/** Longer bodies take the engine too long to compile. */
const MAX_INSTRUCTIONS = 20_000;

/** The body grew beyond what is worth compiling. */
export class TooLong extends Error {}

/** Locals: the parameter n, the positions of the cell in arrays of 1, 2, 4 and 8 bytes, then vectors. */
const COUNT = 0;
const POSITION = { 1: 1, 2: 2, 4: 3, 8: 4 } as const;
const FIRST_VECTOR = 5;

export class VectorCode {
  readonly #body: Instruction[] = [];
  readonly #constants = new Map<string, readonly number[]>();
  readonly #alarms: Vector[] = [];

  /** Adds an instruction on vectors. */
  op(op: SimdOp, args: readonly Vector[], immediates: readonly number[] = []): Vector {
    return this.#push({ op, args, immediates, place: null, hasResult: true });
  }

  /** Reads the cells of this step. */
  load(op: SimdOp, place: Place, ahead = 0): Vector {
    return this.#push({ op, args: [], immediates: [], place: { ...place, offset: place.offset + ahead }, hasResult: true });
  }

  /** Writes the cells of this step; `ahead` in bytes, `lane` for the stores that write one lane. */
  store(op: SimdOp, place: Place, value: Vector, { ahead = 0, lane }: { ahead?: number; lane?: number } = {}): void {
    this.#push({ op, args: [value], immediates: lane === undefined ? [] : [lane], place: { ...place, offset: place.offset + ahead }, hasResult: false });
  }

  /** A vector of 16 known bytes. */
  constant(bytes: Uint8Array): Vector {
    const key = bytes.join();
    if (!this.#constants.has(key)) this.#constants.set(key, [...bytes]);
    return -1 - [...this.#constants.keys()].indexOf(key);
  }

  /** The function returns 1 when any bit of these vectors was set in any step. */
  alarm(vector: Vector): void {
    this.#alarms.push(vector);
  }

  /** The module with the function `run`; see encodeModule. */
  encode(pages: number): Uint8Array<ArrayBuffer> {
    const { locals, frame } = this.#assignLocals();
    const alarm = FIRST_VECTOR + this.#constants.size + frame;
    const get = (vector: Vector) => [plain['local.get'], ...unsigned(vector < 0 ? FIRST_VECTOR - 1 - vector : locals[vector]!)];
    const code: number[] = [];
    const push = (bytes: readonly number[]) => {
      for (const byte of bytes) code.push(byte);
    };
    [...this.#constants.values()].forEach((bytes, i) => push([...encodeOp('v128.const'), ...bytes, plain['local.set'], ...unsigned(FIRST_VECTOR + i)]));
    push([plain.loop, types.none]);
    this.#body.forEach((instruction, i) => push(encodeInstruction(instruction, get, locals[i]!)));
    for (const vector of this.#alarms) push([plain['local.get'], ...unsigned(alarm), ...get(vector), ...encodeOp('v128.or'), plain['local.set'], ...unsigned(alarm)]);
    push(advance);
    push([plain['local.get'], ...unsigned(alarm), ...encodeOp('v128.any_true'), plain.end]);
    return encodeModule({ locals: [[4, types.i32], [this.#constants.size + frame + 1, types.v128]], code }, pages);
  }

  #push(instruction: Instruction): Vector {
    if (this.#body.length >= MAX_INSTRUCTIONS) throw new TooLong('the body is too long');
    return this.#body.push(instruction) - 1;
  }

  /** A local for every result; those that nobody reads any more are given away again. */
  #assignLocals(): { locals: readonly number[]; frame: number } {
    const last = new Map<Vector, number>();
    this.#body.forEach(({ args }, i) => args.forEach((arg) => last.set(arg, i)));
    for (const vector of this.#alarms) last.set(vector, Infinity);
    const first = FIRST_VECTOR + this.#constants.size;
    const locals: number[] = [];
    const free: number[] = [];
    let frame = 0;
    this.#body.forEach(({ args, hasResult }, i) => {
      for (const arg of new Set(args)) if (arg >= 0 && last.get(arg) === i) free.push(locals[arg]!);
      locals.push(hasResult ? free.pop() ?? first + frame++ : -1);
      if (hasResult && !last.has(i)) free.push(locals[i]!);
    });
    return { locals, frame };
  }
}

const encodeOp = (op: SimdOp) => [0xfd, ...unsigned(simd[op])];

function encodeInstruction({ op, args, immediates, place, hasResult }: Instruction, get: (vector: Vector) => number[], local: number): number[] {
  const address = place ? [plain['local.get'], POSITION[place.size]] : [];
  // Alignment is a hint only; 0 promises nothing.
  const memory = place ? [0, ...unsigned(place.offset)] : [];
  return [...address, ...args.flatMap(get), ...encodeOp(op), ...memory, ...immediates, ...(hasResult ? [plain['local.set'], ...unsigned(local)] : [])];
}

/** Steps all positions and goes back to the loop's start while cells are left. */
const advance: readonly number[] = [
  ...([1, 2, 4, 8] as const).flatMap((size) => [
    plain['local.get'], POSITION[size], plain['i32.const'], ...signed(STEP * size), plain['i32.add'], plain['local.set'], POSITION[size],
  ]),
  plain['local.get'], POSITION[1], plain['local.get'], COUNT, plain['i32.lt_u'], plain.br_if, 0, plain.end,
];
