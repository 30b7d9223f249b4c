/** In which order a run reads the blocks of a cube, seen from the reads so far. Nothing is assumed: a guess must have been right. */
import type { BlockIndex } from './patch-lattice.ts';

/** Steps counted from the first read, and how many fit. */
type Step = (at: BlockIndex, count: BlockIndex) => BlockIndex | null;

/** Row by row. */
const rows: Step = ({ x, y }, count) => {
  if (x + 1 < count.x) return { x: x + 1, y };
  return y + 1 < count.y ? { x: 0, y: y + 1 } : null;
};

/** Columns and rows that the Z-order may pass over, beyond the border, before the guess is given up. */
const MAX_PASSED = 4096;

/** Quarter by quarter, as pyramids are built. */
const quarters: Step = (at, count) => {
  let code = interleave(at.x) + 2 * interleave(at.y);
  for (let passed = 0; passed < MAX_PASSED; passed++) {
    code++;
    const next = { x: everySecond(code), y: everySecond(Math.floor(code / 2)) };
    if (next.x < count.x && next.y < count.y) return next;
  }
  return null;
};

/** The bits of a number with a zero between each and the next; for up to 16 bits. */
function interleave(value: number): number {
  let out = 0;
  for (let bit = 0; bit < 16; bit++) if ((value >> bit) & 1) out += 4 ** bit;
  return out;
}

function everySecond(code: number): number {
  let out = 0;
  for (let bit = 0, rest = code; rest > 0; bit++, rest = Math.floor(rest / 4)) if (rest % 2 === 1) out += 2 ** bit;
  return out;
}

/** Follows the reads of one cube. */
export class Scan {
  readonly #end: BlockIndex;
  #origin: BlockIndex | null = null;
  /** Blocks from one read to the next. */
  #unit = 0;
  #last: BlockIndex | null = null;
  #orders: readonly Step[] = [];

  /** @param end the last block of the cube */
  constructor(end: BlockIndex) {
    this.#end = end;
  }

  /** Notes a read that begins at this block, and guesses where the next one begins; null: who knows. */
  next(start: BlockIndex): BlockIndex | null {
    this.#follow(start);
    const origin = this.#origin!;
    if (this.#unit === 0) return null;
    const at = this.#stepsTo(start);
    const count = { x: Math.floor((this.#end.x - origin.x) / this.#unit) + 1, y: Math.floor((this.#end.y - origin.y) / this.#unit) + 1 };
    const guesses = this.#orders.map((order) => order(at, count));
    const [guess] = guesses;
    if (!guess || guesses.some((other) => other?.x !== guess.x || other.y !== guess.y)) return null;
    return { x: origin.x + guess.x * this.#unit, y: origin.y + guess.y * this.#unit };
  }

  /** Keeps the orders that led here; begins anew when none did. Back at the start (the next date) nothing is unlearned. */
  #follow(start: BlockIndex): void {
    const [origin, last] = [this.#origin, this.#last];
    this.#last = start;
    if (origin === null || last === null) return this.#begin(start);
    if (start.x === origin.x && start.y === origin.y) return undefined;
    if (this.#unit === 0) {
      this.#unit = Math.max(start.x - origin.x, start.y - origin.y);
      this.#orders = [rows, quarters];
    }
    const [from, to] = [this.#stepsTo(last), this.#stepsTo(start)];
    const count = { x: Math.floor((this.#end.x - origin.x) / this.#unit) + 1, y: Math.floor((this.#end.y - origin.y) / this.#unit) + 1 };
    this.#orders = this.#orders.filter((order) => {
      const step = order(from, count);
      return step?.x === to.x && step.y === to.y;
    });
    return this.#orders.length === 0 ? this.#begin(start) : undefined;
  }

  #begin(start: BlockIndex): void {
    this.#origin = start;
    this.#unit = 0;
    this.#orders = [];
  }

  #stepsTo({ x, y }: BlockIndex): BlockIndex {
    return { x: (x - this.#origin!.x) / this.#unit, y: (y - this.#origin!.y) / this.#unit };
  }
}
