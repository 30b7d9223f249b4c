/**
 * Writes expressions as SIMD instructions for four cells at once.
 *
 * A number can be had in three forms: as two vectors of float64, which is what it means, as one of float32
 * (rounded once, as storing does), and as one of int32 where it is an integer. Narrow forms are taken where
 * they give the same bits: float64 holds more than twice the digits of a float32, so one operation on
 * float32 values gives the same float32 in either (Figueroa 1995). Conditions are masks of ones and zeros,
 * in lanes of 32 or 64 bits.
 */
import type { DType } from '../../cube/dtype.ts';
import { NotCompilable } from '../emit.ts';
import type { SimdOp } from '../wasm/opcodes.ts';
import { VectorCode, type Vector } from '../wasm/vector-code.ts';
import type { BinaryOp, Expression, Relation } from './expression.ts';
import { Facts } from './facts.ts';
import { flagPlace, samplePlace, type Layout } from './layout.ts';
import { writeSeries } from './series.ts';
import * as constants from './vectors.ts';

/** Two vectors: of cells 0 and 1, and of cells 2 and 3. */
export type Pair = readonly [Vector, Vector];

type Lanes = 'f32x4' | 'f64x2';

export class LaneGenerator {
  readonly code = new VectorCode();
  readonly facts = new Facts();
  readonly #layout: Layout;
  readonly #doubles = new Map<Expression, Pair>();
  readonly #singles = new Map<Expression, Vector>();
  readonly #integers = new Map<Expression, Vector>();
  readonly #masks32 = new Map<Expression, Vector>();
  readonly #masks64 = new Map<Expression, Pair>();
  readonly #flags = new Map<Expression, Vector>();
  readonly #isInteger = new Map<Expression, boolean>();
  readonly #narrow = new Map<Expression, boolean>();
  readonly #sorted = new Map<string, readonly (readonly Vector[])[]>();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** The number as float64. */
  double(x: Expression): Pair {
    return recall(this.#doubles, x, () => this.#writeDouble(x));
  }

  /** The number rounded to float32. */
  single(x: Expression): Vector {
    return recall(this.#singles, x, () => this.#writeSingle(x));
  }

  /** The number as int32; it must be an integer that fits (`isInteger`, or known to the caller). */
  integer(x: Expression): Vector {
    return recall(this.#integers, x, () => (this.isInteger(x) ? this.#writeInteger(x) : this.join(this.#truncate(this.double(x)))));
  }

  /** The condition in lanes of 32 bits. */
  mask32(x: Expression): Vector {
    return recall(this.#masks32, x, () => (this.#isNarrow(x) ? this.#writeMask32(x) : this.narrow(this.mask64(x))));
  }

  /** The condition in lanes of 64 bits. */
  mask64(x: Expression): Pair {
    return recall(this.#masks64, x, () => (this.#isNarrow(x) ? this.widen(this.mask32(x)) : this.#writeMask64(x)));
  }

  /** Whether the number is computed in int32. */
  isInteger(x: Expression): boolean {
    return recall(this.#isInteger, x, () => this.facts.isInt32(x) && x.args.every((arg) => arg.type === 'boolean' || this.isInteger(arg)));
  }

  both(op: SimdOp, ...args: readonly Pair[]): Pair {
    return [this.code.op(op, args.map((a) => a[0])), this.code.op(op, args.map((a) => a[1]))];
  }

  /** Two vectors with their values in the low half, as one. */
  join([low, high]: Pair): Vector {
    return this.code.op('i8x16.shuffle', [low, high], constants.lowHalves);
  }

  /** A 64-bit mask as one of 32 bits. */
  narrow([low, high]: Pair): Vector {
    return this.code.op('i8x16.shuffle', [low, high], constants.evenWords);
  }

  widen(mask: Vector): Pair {
    return [this.code.op('i64x2.extend_low_i32x4_s', [mask]), this.code.op('i64x2.extend_high_i32x4_s', [mask])];
  }

  /** The keys of a series in order (see series.ts), written when they are asked for the first time. */
  sortedOnce(items: readonly (Expression | null)[], write: () => readonly (readonly Vector[])[]): readonly (readonly Vector[])[] {
    const key = items.map((x) => x?.id ?? '').join();
    const found = this.#sorted.get(key) ?? write();
    this.#sorted.set(key, found);
    return found;
  }

  #upper(x: Vector): Vector {
    return this.code.op('i8x16.shuffle', [x, x], constants.upperHalf);
  }

  promote(x: Vector): Pair {
    return [this.code.op('f64x2.promote_low_f32x4', [x]), this.code.op('f64x2.promote_low_f32x4', [this.#upper(x)])];
  }

  convert(x: Vector): Pair {
    return [this.code.op('f64x2.convert_low_i32x4_s', [x]), this.code.op('f64x2.convert_low_i32x4_s', [this.#upper(x)])];
  }

  #truncate(x: Pair): Pair {
    return this.both('i32x4.trunc_sat_f64x2_s_zero', x);
  }

  literal64(value: number): Pair {
    const vector = this.code.constant(constants.doubles(value));
    return [vector, vector];
  }

  #writeDouble(x: Expression): Pair {
    if (x.op === 'number') return this.literal64(x.value);
    if (this.isInteger(x)) return this.convert(this.integer(x));
    if (x.op === 'sample') return this.#loadDouble(x);
    if (x.op === 'median' || x.op === 'quantile') return writeSeries(this, x);
    if (this.#isOfSingles(x)) return this.promote(this.single(x));
    if (x.op === 'choose') return this.both('v128.bitselect', this.double(x.args[1]!), this.double(x.args[2]!), this.mask64(x.args[0]!));
    const [a, b] = x.args.map((arg) => this.double(arg));
    if (b === undefined) return this.both(`f64x2.${x.op as 'abs'}`, a!);
    const beyond = keeping[x.op as BinaryOp];
    if (!beyond) return this.both(`f64x2.${x.op as 'add'}`, a!, b);
    return this.both('v128.bitselect', b, this.both(`f64x2.${beyond}`, a!, b), this.both('f64x2.ne', b, b));
  }

  /** Whether a number that float32 holds exactly is best computed there. */
  #isOfSingles(x: Expression): boolean {
    return x.op === 'stored' || (this.facts.isSingle(x) && this.#hasSingles(x));
  }

  #hasSingles(x: Expression): boolean {
    return x.args.every((arg) => arg.type === 'boolean' || this.facts.isSingle(arg));
  }

  #loadDouble({ input, element, dtype }: Expression): Pair {
    const place = samplePlace(this.#layout, input, element, dtype!);
    if (dtype === 'float64') return [this.code.load('v128.load', place), this.code.load('v128.load', place, 16)];
    if (dtype === 'float32') return pairOf((i) => this.code.op('f64x2.promote_low_f32x4', [this.code.load('v128.load64_zero', place, i * 8)]));
    return pairOf((i) => this.code.op('f64x2.convert_low_i32x4_u', [this.code.load('v128.load64_zero', place, i * 8)]));
  }

  #writeSingle(x: Expression): Vector {
    if (x.op === 'number') return this.code.constant(constants.singles(x.value));
    if (x.op === 'stored') return this.single(x.args[0]!);
    if (x.op === 'choose') return this.code.op('v128.bitselect', [this.single(x.args[1]!), this.single(x.args[2]!), this.mask32(x.args[0]!)]);
    if (this.facts.isSingle(x) && this.isInteger(x)) return this.code.op('f32x4.convert_i32x4_s', [this.integer(x)]);
    if (x.op === 'sample' && x.dtype === 'float32') return this.code.load('v128.load', samplePlace(this.#layout, x.input, x.element, 'float32'));
    if (roundsOnce.has(x.op) && this.#hasSingles(x)) return this.#writeOnSingles(x);
    return this.join(this.both('f32x4.demote_f64x2_zero', this.double(x)));
  }

  #writeOnSingles(x: Expression): Vector {
    const [a, b] = x.args.map((arg) => this.single(arg));
    if (b === undefined) return this.code.op(`f32x4.${x.op as 'abs'}`, [a!]);
    const beyond = keeping[x.op as BinaryOp];
    if (!beyond) return this.code.op(`f32x4.${x.op as 'add'}`, [a!, b]);
    return this.code.op('v128.bitselect', [b, this.code.op(`f32x4.${beyond}`, [a!, b]), this.code.op('f32x4.ne', [b, b])]);
  }

  #writeInteger(x: Expression): Vector {
    const op: string = x.op;
    switch (op) {
      case 'sample': return this.#loadInteger(x.input, x.element, x.dtype!);
      case 'number': return this.code.constant(constants.integers(x.value));
      case 'count': return this.#count(x.args);
      case 'choose': return this.code.op('v128.bitselect', [this.integer(x.args[1]!), this.integer(x.args[2]!), this.mask32(x.args[0]!)]);
      case 'ceil': case 'floor': case 'trunc': case 'nearest': case 'stored': return this.integer(x.args[0]!);
      default: return this.code.op(integerOps[op as keyof typeof integerOps], x.args.map((arg) => this.integer(arg)));
    }
  }

  #loadInteger(input: number, element: number, dtype: DType): Vector {
    const place = samplePlace(this.#layout, input, element, dtype);
    switch (dtype) {
      case 'uint8': return this.#widenBytes('u', this.code.load('v128.load32_zero', place));
      case 'int8': return this.#widenBytes('s', this.code.load('v128.load32_zero', place));
      case 'uint16': return this.code.load('v128.load16x4_u', place);
      case 'int16': return this.code.load('v128.load16x4_s', place);
      case 'int32': return this.code.load('v128.load', place);
      case 'bool': case 'uint32': case 'float16': case 'float32': case 'float64': throw new NotCompilable(`${dtype} is not computed in int32`);
    }
  }

  #widenBytes(sign: 's' | 'u', bytes: Vector): Vector {
    return this.code.op(`i32x4.extend_low_i16x8_${sign}`, [this.code.op(`i16x8.extend_low_i8x16_${sign}`, [bytes])]);
  }

  /** A mask of ones is −1. */
  #count(conditions: readonly Expression[]): Vector {
    const zero = this.code.constant(constants.integers(0));
    return conditions.reduce((sum, condition) => this.code.op('i32x4.sub', [sum, this.mask32(condition)]), zero);
  }

  /** Whether a condition comes in lanes of 32 bits by itself. */
  #isNarrow(x: Expression): boolean {
    return recall(this.#narrow, x, () => this.#findNarrow(x));
  }

  #findNarrow(x: Expression): boolean {
    if (x.op === 'flag' || x.op === 'truth' || x.op === 'boolean') return true;
    if (relations.has(x.op)) return x.args.every((arg) => this.isInteger(arg)) || x.args.every((arg) => this.facts.isSingle(arg));
    return x.args.some((arg) => arg.type === 'boolean' && arg.op !== 'boolean' && this.#isNarrow(arg));
  }

  #writeMask32(x: Expression): Vector {
    if (x.op === 'boolean') return this.code.constant(constants.integers(-x.value));
    const flags = flagsOf(x);
    if (flags) return this.#isSet(this.#joinFlags(flags));
    if (x.op === 'choose') return this.code.op('v128.bitselect', [this.mask32(x.args[1]!), this.mask32(x.args[2]!), this.mask32(x.args[0]!)]);
    if (!relations.has(x.op)) return this.code.op(`v128.${x.op as 'and'}`, x.args.map((arg) => this.mask32(arg)));
    if (x.args.every((arg) => this.isInteger(arg))) return this.code.op(integerRelations[x.op as Relation], x.args.map((arg) => this.integer(arg)));
    return this.code.op(relationOf('f32x4', x.op as Relation), x.args.map((arg) => this.single(arg)));
  }

  /** The bytes of all flags together: flags are widened once for all, not each. */
  #joinFlags(flags: readonly Expression[]): Vector {
    const placeOf = ({ op, input, element }: Expression) => (op === 'flag' ? flagPlace(this.#layout, input, element) : samplePlace(this.#layout, input, element, 'bool'));
    const loaded = flags.map((flag) => recall(this.#flags, flag, () => this.code.load('v128.load32_zero', placeOf(flag))));
    return loaded.reduce((a, b) => this.code.op('v128.or', [a, b]));
  }

  #isSet(bytes: Vector): Vector {
    return this.code.op('i32x4.gt_s', [this.#widenBytes('u', bytes), this.code.constant(constants.integers(0))]);
  }

  #writeMask64(x: Expression): Pair {
    if (x.op === 'choose') return this.both('v128.bitselect', this.mask64(x.args[1]!), this.mask64(x.args[2]!), this.mask64(x.args[0]!));
    if (!relations.has(x.op)) return this.both(`v128.${x.op as 'and'}`, ...x.args.map((arg) => this.mask64(arg)));
    return this.both(relationOf('f64x2', x.op as Relation), ...x.args.map((arg) => this.double(arg)));
  }
}

const relations: ReadonlySet<string> = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
const relationOf = (lanes: Lanes, relation: Relation): SimdOp => `${lanes}.${relation}`;
const integerRelations = { eq: 'i32x4.eq', ne: 'i32x4.ne', lt: 'i32x4.lt_s', le: 'i32x4.le_s', gt: 'i32x4.gt_s', ge: 'i32x4.ge_s' } as const;
const integerOps = { abs: 'i32x4.abs', add: 'i32x4.add', sub: 'i32x4.sub', min: 'i32x4.min_s', least: 'i32x4.min_s', max: 'i32x4.max_s', most: 'i32x4.max_s' } as const;

/** Instructions that keep the first value unless the second is beyond it. */
const keeping: Partial<Record<BinaryOp, 'pmin' | 'pmax'>> = { least: 'pmin', most: 'pmax' };

/** Operations whose result on float32 values is, once rounded, the float32 that the float32 instruction gives. */
const roundsOnce: ReadonlySet<string> = new Set(['add', 'sub', 'mul', 'div', 'sqrt', 'abs', 'ceil', 'floor', 'trunc', 'nearest', 'min', 'max', 'least', 'most']);

/** The bytes (flags and samples of type bool) of which a condition asks whether any is set; null when it asks for something else. */
function flagsOf(x: Expression): readonly Expression[] | null {
  if (x.op === 'flag' || x.op === 'truth') return [x];
  if (x.op !== 'or') return null;
  const parts = x.args.map(flagsOf);
  return parts.includes(null) ? null : [...new Set(parts.flatMap((part) => part!))];
}

const pairOf = (make: (i: number) => Vector): Pair => [make(0), make(1)];

function recall<T>(known: Map<Expression, T>, x: Expression, write: () => T): T {
  const found = known.get(x) ?? write();
  known.set(x, found);
  return found;
}
