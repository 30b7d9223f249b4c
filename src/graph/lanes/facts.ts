/** What can be proved about the numbers of an expression, so that they are computed in narrower lanes with the same result. */
import type { DType } from '../../cube/dtype.ts';
import type { Expression } from './expression.ts';

/** Smallest and largest value of a number that is always an integer and never −0. */
export type Range = readonly [low: number, high: number];

const ranges: Readonly<Partial<Record<DType, Range>>> = {
  uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767],
  uint32: [0, 4294967295], int32: [-2147483648, 2147483647],
};

/** Numbers between low and high that are multiples of step, a power of two. −0 may be among them. */
interface Multiples {
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

/** What an integer type holds; undefined for other types. */
export const rangeOfDType = (dtype: DType): Range | undefined => ranges[dtype];

/** Integers up to here are exact as float32, and so are multiples of a power of two up to as many steps. */
const SINGLE = 1 << 24;

export class Facts {
  readonly #ranges = new Map<Expression, Range | null>();
  readonly #single = new Map<Expression, boolean>();
  readonly #multiples = new Map<Expression, Multiples | null>();

  /** The range of an integer expression; null when it may be something else. */
  rangeOf(x: Expression): Range | null {
    return recall(this.#ranges, x, () => this.#findRange(x));
  }

  /** Whether the number fits into an int32 at all times. */
  isInt32(x: Expression): boolean {
    return within(this.rangeOf(x), -2147483648, 2147483647);
  }

  /** Whether float32 holds the number exactly at all times. */
  isSingle(x: Expression): boolean {
    return recall(this.#single, x, () => this.#findSingle(x));
  }

  #findRange(x: Expression): Range | null {
    const op: string = x.op;
    switch (op) {
      case 'sample': return ranges[x.dtype!] ?? null;
      case 'number': return Number.isInteger(x.value) && !Object.is(x.value, -0) ? [x.value, x.value] : null;
      case 'count': return [0, x.args.length];
      case 'ceil': case 'floor': case 'trunc': case 'nearest': return this.rangeOf(x.args[0]!);
      case 'abs': case 'add': case 'sub': case 'min': case 'max': case 'least': case 'most': return this.#combine(x);
      case 'choose': return x.type === 'number' ? this.#union(x.args.slice(1)) : null;
      case 'stored': {
        const range = this.rangeOf(x.args[0]!);
        return within(range, -SINGLE, SINGLE) ? range : null;
      }
      default: return null;
    }
  }

  /** A difference of equal integers is +0, so sums and differences stay without −0. Products need not: 0 · −1. */
  #combine(expression: Expression): Range | null {
    const [op, [a, b]]: readonly [string, readonly Expression[]] = [expression.op, expression.args];
    const [x, y] = [this.rangeOf(a!), b ? this.rangeOf(b) : null];
    if (x === null || (b !== undefined && y === null)) return null;
    switch (op) {
      case 'abs': return [0, Math.max(Math.abs(x[0]), Math.abs(x[1]))];
      case 'add': return exact([x[0] + y![0], x[1] + y![1]]);
      case 'sub': return exact([x[0] - y![1], x[1] - y![0]]);
      case 'min': case 'least': return [Math.min(x[0], y![0]), Math.min(x[1], y![1])];
      default: return [Math.max(x[0], y![0]), Math.max(x[1], y![1])];
    }
  }

  #union(parts: readonly Expression[]): Range | null {
    const all = parts.map((part) => this.rangeOf(part));
    return all.reduce((a, b) => a && b && [Math.min(a[0], b[0]), Math.max(a[1], b[1])]) ?? null;
  }

  #multiplesOf(x: Expression): Multiples | null {
    return recall(this.#multiples, x, () => this.#findMultiples(x));
  }

  /** Band arithmetic on integers is often exact although it is none on integers: 2.5 · (nir − red). */
  #findMultiples(x: Expression): Multiples | null {
    const range = this.rangeOf(x);
    if (range) return known({ low: range[0], high: range[1], step: 1 });
    if (x.op === 'number') return Number.isFinite(x.value) ? known({ low: x.value, high: x.value, step: stepOf(x.value) }) : null;
    if (x.op !== 'add' && x.op !== 'sub' && x.op !== 'mul') return null;
    const [a, b] = x.args.map((arg) => this.#multiplesOf(arg));
    if (!a || !b) return null;
    if (x.op === 'add') return known({ low: a.low + b.low, high: a.high + b.high, step: Math.min(a.step, b.step) });
    if (x.op === 'sub') return known({ low: a.low - b.high, high: a.high - b.low, step: Math.min(a.step, b.step) });
    const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
    return known({ low: Math.min(...corners), high: Math.max(...corners), step: a.step * b.step });
  }

  #findSingle(x: Expression): boolean {
    if (this.rangeOf(x)) return within(this.rangeOf(x), -SINGLE, SINGLE);
    const multiples = this.#multiplesOf(x);
    if (multiples && stepsOf(multiples) <= SINGLE) return true;
    const op: string = x.op;
    switch (op) {
      case 'sample': return x.dtype === 'float32';
      case 'number': return Object.is(Math.fround(x.value), x.value);
      case 'stored': return true;
      case 'abs': case 'ceil': case 'floor': case 'trunc': case 'nearest':
      case 'min': case 'max': case 'least': case 'most': return x.args.every((arg) => this.isSingle(arg));
      case 'choose': return x.args.slice(1).every((arg) => this.isSingle(arg));
      default: return false;
    }
  }
}

const stepsOf = ({ low, high, step }: Multiples) => Math.max(Math.abs(low), Math.abs(high)) / step;

/** Multiples that float64 might round, or that are too small for float32's exponents, are no longer known. */
const known = (multiples: Multiples): Multiples | null => (stepsOf(multiples) <= Number.MAX_SAFE_INTEGER && multiples.step >= 2 ** -64 && stepsOf(multiples) * multiples.step <= 2 ** 64 ? multiples : null);

/** The largest power of two, at most 1, that divides a number. */
function stepOf(value: number): number {
  let step = 1;
  while (step >= 2 ** -64 && !Number.isInteger(value / step)) step /= 2;
  return step;
}

/** Sums that float64 might round are no longer known. */
const exact = (range: Range): Range | null => (within(range, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ? range : null);

function within(range: Range | null, low: number, high: number): boolean {
  return range !== null && range[0] >= low && range[1] <= high;
}

function recall<T>(known: Map<Expression, T>, x: Expression, find: () => T): T {
  if (!known.has(x)) known.set(x, find());
  return known.get(x)!;
}
