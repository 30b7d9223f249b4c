/**
 * Median and quantiles of a series in every lane, by sorting networks.
 *
 * A network sorts keys that order like the numbers: int32 for integers and for float32 (whose bits order so
 * once those of negative numbers are turned over), else the float64 numbers themselves. No-data takes keys
 * beyond all others. For medians half of it goes to either end, so that the middle stays the middle and the
 * network can be cut down to what the middle depends on.
 */
import type { SimdOp } from '../wasm/opcodes.ts';
import type { Vector } from '../wasm/vector-code.ts';
import type { Expression } from './expression.ts';
import type { LaneGenerator, Pair } from './generator.ts';
import { halfExchanges, sortingNetwork } from './sorting-network.ts';
import * as constants from './vectors.ts';

/** A key in as many vectors as its lanes need. */
type Key = readonly Vector[];

/** How the numbers of a series become keys and come back. */
interface KeyKind {
  readonly less: SimdOp;
  readonly greater: SimdOp;
  readonly first: Key;
  readonly last: Key;
  readonly keyOf: (x: Expression) => Key;
  readonly flagOf: (flag: Expression) => Key;
  readonly valueOf: (key: Key) => Pair;
  /** Marks lanes with NaN; null: there is none. */
  readonly isNaN: ((x: Expression) => Key) | null;
  readonly widen: (mask: Key) => Pair;
}

interface Series {
  readonly items: readonly Expression[];
  /** Null where an item is never no-data. */
  readonly flags: readonly (Expression | null)[];
  readonly kind: KeyKind;
}

/** The value of a `median` or `quantile`; anything where all items are no-data. */
export function writeSeries(lanes: LaneGenerator, x: Expression): Pair {
  const n = x.args.length / 2;
  const items = x.args.slice(0, n);
  const flags = x.args.slice(n).map((flag) => (flag.op === 'boolean' && flag.value === 0 ? null : flag));
  const series = { items, flags, kind: kindOf(lanes, items) };
  const value = x.op === 'median' ? writeMedian(lanes, series) : writeQuantile(lanes, series, x.value);
  const nan = writeNaN(lanes, series);
  return nan ? lanes.both('v128.bitselect', lanes.literal64(NaN), value, series.kind.widen(nan)) : value;
}

function kindOf(lanes: LaneGenerator, items: readonly Expression[]): KeyKind {
  const { code } = lanes;
  const narrow = {
    less: 'i32x4.min_s', greater: 'i32x4.max_s',
    first: [code.constant(constants.integers(-2147483648))], last: [code.constant(constants.integers(2147483647))],
    flagOf: (flag: Expression) => [lanes.mask32(flag)],
    widen: ([mask]: Key) => lanes.widen(mask!),
  } as const;
  if (items.every((x) => lanes.isInteger(x))) return { ...narrow, keyOf: (x) => [lanes.integer(x)], valueOf: ([key]) => lanes.convert(key!), isNaN: null };
  if (items.every((x) => lanes.facts.isSingle(x))) {
    return {
      ...narrow,
      keyOf: (x) => [turn(lanes, lanes.single(x))],
      valueOf: ([key]) => lanes.promote(turn(lanes, key!)),
      isNaN: (x) => [code.op('f32x4.ne', [lanes.single(x), lanes.single(x)])],
    };
  }
  return {
    less: 'f64x2.pmin', greater: 'f64x2.pmax',
    first: lanes.literal64(-Infinity), last: lanes.literal64(Infinity),
    keyOf: (x) => lanes.double(x),
    flagOf: (flag) => lanes.mask64(flag),
    valueOf: ([a, b]) => [a!, b!],
    isNaN: (x) => lanes.both('f64x2.ne', lanes.double(x), lanes.double(x)),
    widen: ([a, b]) => [a!, b!],
  };
}

/** From the bits of a float32 to its key and back: negative numbers turn over all bits but the sign. */
function turn({ code }: LaneGenerator, bits: Vector): Vector {
  const sign = code.op('i32x4.lt_s', [bits, code.constant(constants.integers(0))]);
  return code.op('v128.xor', [bits, code.op('v128.and', [sign, code.constant(constants.integers(0x7fffffff))])]);
}

const each = (lanes: LaneGenerator, op: SimdOp, ...args: readonly Key[]): Key => args[0]!.map((_, part) => lanes.code.op(op, args.map((arg) => arg[part]!)));

/** Lanes in which a valid item is NaN. */
function writeNaN(lanes: LaneGenerator, { items, flags, kind }: Series): Key | null {
  const { isNaN } = kind;
  if (!isNaN) return null;
  const marks = items.map((x, k) => (flags[k] ? each(lanes, 'v128.andnot', isNaN(x), kind.flagOf(flags[k])) : isNaN(x)));
  return marks.reduce((a, b) => each(lanes, 'v128.or', a, b));
}

/** Exchanges until the given places hold what they hold in sorted order. */
function sortPlaces(lanes: LaneGenerator, kind: KeyKind, keys: Key[], places: readonly number[]): void {
  for (const { low, high, usesLow, usesHigh } of halfExchanges(sortingNetwork(keys.length), places)) {
    const [a, b] = [keys[low]!, keys[high]!];
    if (usesLow) keys[low] = each(lanes, kind.less, a, b);
    if (usesHigh) keys[high] = each(lanes, kind.greater, a, b);
  }
}

function writeMedian(lanes: LaneGenerator, { items, flags, kind }: Series): Pair {
  const n = items.length;
  const middle = [(n - 1) >> 1, n >> 1] as const;
  const { keys, isOdd } = balance(lanes, { items, flags, kind });
  if (isOdd === null) {
    sortPlaces(lanes, kind, keys, middle);
    return mean(lanes, kind, keys[middle[0]]!, keys[middle[1]]!);
  }
  // With one item of no-data more at the end, the middle of the others lies half a place before the middle of all.
  const below = Math.max(0, (n >> 1) - 1);
  sortPlaces(lanes, kind, keys, [below, ...middle]);
  const low = n % 2 === 0 ? keys[below]! : each(lanes, 'v128.bitselect', keys[below]!, keys[middle[0]]!, isOdd);
  const high = n % 2 === 0 ? each(lanes, 'v128.bitselect', keys[below]!, keys[middle[1]]!, isOdd) : keys[middle[1]]!;
  const between = mean(lanes, kind, low, high);
  // Twice a large float64 is infinite; the sum of two narrower numbers never is.
  if (kind.first.length === 1) return between;
  const single = n % 2 === 0 ? isOdd : each(lanes, 'v128.not', isOdd);
  return lanes.both('v128.bitselect', kind.valueOf(low), between, kind.widen(single));
}

/** Keys with no-data alternately after and before all others, and the lanes with an odd number of it. */
function balance(lanes: LaneGenerator, { items, flags, kind }: Series): { keys: Key[]; isOdd: Key | null } {
  let isOdd: Key | null = null;
  const keys = items.map((x, k) => {
    const key = kind.keyOf(x);
    if (!flags[k]) return key;
    const flag = kind.flagOf(flags[k]);
    const end: Key = isOdd === null ? kind.last : each(lanes, 'v128.bitselect', kind.first, kind.last, isOdd);
    isOdd = isOdd === null ? flag : each(lanes, 'v128.xor', isOdd, flag);
    return each(lanes, 'v128.bitselect', end, key, flag);
  });
  return { keys, isOdd };
}

function mean(lanes: LaneGenerator, kind: KeyKind, low: Key, high: Key): Pair {
  if (low === high) return kind.valueOf(low);
  return lanes.both('f64x2.mul', lanes.both('f64x2.add', kind.valueOf(low), kind.valueOf(high)), lanes.literal64(0.5));
}

/** Hyndman and Fan's type 7, as quantileOf computes it: linear between ranks, position p · (n − 1). */
function writeQuantile(lanes: LaneGenerator, series: Series, probability: number): Pair {
  const { items, flags, kind } = series;
  const n = items.length;
  if (flags.every((flag) => flag === null)) {
    const position = probability * (n - 1);
    const rank = Math.floor(position);
    const keys = sorted(lanes, series);
    const low = kind.valueOf(keys[rank]!);
    return position === rank ? low : onLine(lanes, series, low, kind.valueOf(keys[rank + 1]!), lanes.literal64(position - rank));
  }
  const keys = sorted(lanes, series);
  const last = lanes.convert(lanes.code.op('i32x4.sub', [lanes.code.constant(constants.integers(n - 1)), countFlags(lanes, flags)]));
  const position = lanes.both('f64x2.mul', last, lanes.literal64(probability));
  const rank = lanes.both('f64x2.floor', position);
  const part = lanes.both('f64x2.sub', position, rank);
  const place = lanes.join(lanes.both('i32x4.trunc_sat_f64x2_s_zero', rank));
  const reachable = [...new Set(items.map((_, count) => Math.floor(probability * count)))];
  const low = kind.valueOf(pick(lanes, kind, keys, place, reachable, 0));
  const high = kind.valueOf(pick(lanes, kind, keys, place, reachable.filter((r) => r + 1 < n), 1));
  const isAtRank = lanes.both('f64x2.eq', part, lanes.literal64(0));
  return lanes.both('v128.bitselect', low, onLine(lanes, series, low, high, part), isAtRank);
}

function countFlags(lanes: LaneGenerator, flags: readonly (Expression | null)[]): Vector {
  const zero = lanes.code.constant(constants.integers(0));
  return flags.reduce((sum: Vector, flag) => (flag ? lanes.code.op('i32x4.sub', [sum, lanes.mask32(flag)]) : sum), zero);
}

/** All keys in order, no-data last; written once for all quantiles of a series. */
function sorted(lanes: LaneGenerator, { items, flags, kind }: Series): readonly Key[] {
  return lanes.sortedOnce([...items, ...flags], () => {
    const keys = items.map((x, k) => (flags[k] ? each(lanes, 'v128.bitselect', kind.last, kind.keyOf(x), kind.flagOf(flags[k])) : kind.keyOf(x)));
    sortPlaces(lanes, kind, keys, keys.map((_, k) => k));
    return keys;
  });
}

/** The key `ahead` places after the rank that `place` holds in each lane; ranks are those it can be. */
function pick(lanes: LaneGenerator, kind: KeyKind, keys: readonly Key[], place: Vector, ranks: readonly number[], ahead: number): Key {
  const first: Key = keys[Math.min(keys.length - 1, (ranks[0] ?? 0) + ahead)]!;
  return ranks.slice(1).reduce((chosen, rank) => {
    const isHere = lanes.code.op('i32x4.eq', [place, lanes.code.constant(constants.integers(rank))]);
    const mask: Key = kind.first.length === 1 ? [isHere] : lanes.widen(isHere);
    return each(lanes, 'v128.bitselect', keys[rank + ahead]!, chosen, mask);
  }, first);
}

/** The same steps as onLine in processes/ranking.ts. */
function onLine(lanes: LaneGenerator, { kind }: Series, low: Pair, high: Pair, part: Pair): Pair {
  const distance = lanes.both('f64x2.sub', high, low);
  const rest = lanes.both('f64x2.sub', lanes.literal64(1), part);
  const fromLow = lanes.both('f64x2.add', low, lanes.both('f64x2.mul', distance, part));
  const fromHigh = lanes.both('f64x2.sub', high, lanes.both('f64x2.mul', distance, rest));
  const near = lanes.both('v128.bitselect', fromLow, fromHigh, lanes.both('f64x2.lt', part, lanes.literal64(0.5)));
  if (kind.isNaN === null) return near;
  const weighted = lanes.both('f64x2.add', lanes.both('f64x2.mul', low, rest), lanes.both('f64x2.mul', high, part));
  const far = lanes.both('v128.bitselect', low, weighted, lanes.both('f64x2.eq', low, high));
  const isFinite = lanes.both('f64x2.eq', lanes.both('f64x2.sub', distance, distance), lanes.literal64(0));
  return lanes.both('v128.bitselect', near, far, isFinite);
}
