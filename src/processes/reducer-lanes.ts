/** Reducers in lanes: an accumulator of expressions that goes through the elements, no-data skipped by selection. */
import type { Expression, Expressions } from '../graph/lanes/expression.ts';
import { rangeOfDType } from '../graph/lanes/facts.ts';
import { laneScalar, type LaneArray, type LaneCode, type LaneEmitter, type LaneOperands, type LaneScalar } from '../graph/lanes/lane-code.ts';
import { arithmeticOf } from '../graph/result-dtype.ts';

/** Numbers of a cell, how many are valid, and whether their statistic is no-data. */
export interface LaneSeries {
  readonly data: LaneArray;
  readonly count: Expression;
  readonly isNull: Expression | null;
}

const NEVER = (make: Expressions) => make.boolean(false);

/** The elements of `data` with ignore_nodata applied; gives up when it differs from cell to cell, or there are none. */
export function seriesLanes(operands: LaneOperands, code: LaneCode): LaneSeries {
  const { make } = code;
  const data = code.array(operands, 'data');
  if (data.elements.length === 0 || data.type !== 'number') return code.giveUp('there are no numbers');
  const ignore = ignoresLanes(operands, code);
  const flags = data.elements.flatMap((e) => (e.isNull === null ? [] : [e.isNull]));
  if (flags.length === 0) return { data, count: make.number(data.elements.length), isNull: null };
  const count = make.sub(make.number(data.elements.length), make.count(flags));
  return { data, count, isNull: ignore ? make.compare('eq', count, make.number(0)) : make.any(flags) };
}

export function ignoresLanes(operands: LaneOperands, code: LaneCode): boolean {
  const value = code.known(operands, 'ignore_nodata');
  return typeof value === 'boolean' ? value : code.giveUp('ignore_nodata must be known');
}

/** Element by element; no-data is replaced by a value that changes nothing. */
function accumulate(make: Expressions, elements: readonly LaneScalar[], initial: Expression, neutral: Expression, step: (total: Expression, x: Expression) => Expression): Expression {
  return elements.reduce((total, { value, isNull }) => step(total, isNull === null ? value : make.choose(isNull, neutral, value)), initial);
}

/** sum, product and mean. */
export function foldLanes(initial: number, step: (make: Expressions, total: Expression, x: Expression) => Expression, finish?: (make: Expressions, total: Expression, count: Expression) => Expression): LaneEmitter {
  return (operands, code) => {
    const { make } = code;
    const { data, count, isNull } = seriesLanes(operands, code);
    const start = make.number(initial);
    const total = accumulate(make, data.elements, start, start, (sum, x) => step(make, sum, x));
    return laneScalar(arithmeticOf([data]), finish ? finish(make, total, count) : total, isNull);
  };
}

/** min and max: begins with the end of the type's range, which no sample lies beyond. */
export function extremeLanes(op: 'least' | 'most'): LaneEmitter {
  return (operands, code) => {
    const { make } = code;
    const { data, isNull } = seriesLanes(operands, code);
    return laneScalar(data.dtype, extreme(make, data, op), isNull);
  };
}

function extreme(make: Expressions, data: LaneArray, op: 'least' | 'most' | 'min' | 'max'): Expression {
  const isLow = op === 'most' || op === 'max';
  const range = rangeOfDType(data.dtype);
  const end = make.number(range ? range[isLow ? 0 : 1] : isLow ? -Infinity : Infinity);
  return accumulate(make, data.elements, end, end, (m, x) => make.binary(op, m, x));
}

/** extrema: both ends, by Math.min and Math.max. */
export const extremaLanes: LaneEmitter = (operands, code) => {
  const { data, isNull } = seriesLanes(operands, code);
  const elements = (['min', 'max'] as const).map((op) => laneScalar(data.dtype, extreme(code.make, data, op), isNull));
  return { kind: 'array', type: 'number', dtype: data.dtype, labels: null, elements };
};

/** Two passes, as varianceOf makes them. */
export function varianceLanes(root: boolean): LaneEmitter {
  return (operands, code) => {
    const { make } = code;
    const { data, count, isNull } = seriesLanes(operands, code);
    const zero = make.number(0);
    const mean = make.div(accumulate(make, data.elements, zero, zero, (sum, x) => make.add(sum, x)), count);
    const squares = data.elements.reduce((sum, x) => {
      const deviation = make.sub(x.value, mean);
      const square = make.mul(deviation, deviation);
      return make.add(sum, x.isNull === null ? square : make.choose(x.isNull, zero, square));
    }, zero);
    const variance = make.div(squares, make.sub(count, make.number(1)));
    return laneScalar(arithmeticOf([data]), root ? make.unary('sqrt', variance) : variance, isNull);
  };
}

/** all and any; see quantifier in reducers.ts. */
export function quantifierLanes(decisive: boolean): LaneEmitter {
  return (operands, code) => {
    const { make } = code;
    const data = code.array(operands, 'data');
    if (data.type !== 'boolean') return code.giveUp('there are no booleans');
    const ignore = ignoresLanes(operands, code);
    const decided = data.elements.map(({ value, isNull }) => {
      const is = decisive ? value : make.not(value);
      return isNull === null ? is : make.and(make.not(isNull), is);
    }).reduce((a, b) => make.or(a, b), NEVER(make));
    const unknown = ignore ? null : make.any(data.elements.map((e) => e.isNull));
    return laneScalar('bool', decisive ? decided : make.not(decided), unknown && make.and(unknown, make.not(decided)));
  };
}

/** first and last, of all elements or of the valid ones. */
export function endLanes(last: boolean): LaneEmitter {
  return (operands, code) => {
    const { make } = code;
    const data = code.array(operands, 'data');
    if (data.elements.length === 0) return code.giveUp('there is no element');
    const ordered = last ? data.elements : data.elements.toReversed();
    if (!ignoresLanes(operands, code)) return ordered.at(-1)!;
    return ordered.reduce((best, x) => (x.isNull === null ? x : laneScalar(
      data.dtype, make.choose(x.isNull, best.value, x.value), best.isNull === null ? null : make.and(x.isNull, best.isNull),
    )));
  };
}
