/** Median, quantiles and extrema: numbers by rank. A NaN among the numbers makes every result NaN. */
import { OpenEOError } from '../errors.ts';
import type { Code, Operands } from '../graph/emit.ts';
import type { Expression } from '../graph/lanes/expression.ts';
import { laneScalar, type LaneCode, type LaneEmitter } from '../graph/lanes/lane-code.ts';
import type { Call, Implementation } from '../graph/process.ts';
import { arithmeticOf } from '../graph/result-dtype.ts';
import type { Arguments, Value } from '../graph/value.ts';
import { elementsOf, invalid } from './arguments.ts';
import { emitNetworkMedian, MAX_NETWORK } from './median-network.ts';
import { extremaLanes, seriesLanes, type LaneSeries } from './reducer-lanes.ts';
import { eachValid, ignoresNodata, validNumbers } from './reducers.ts';
import { onLine, selectRank, sortNumbers } from './ranking.ts';

/** The middle of the first `count` numbers; their order is changed. */
function medianOf(numbers: Float64Array, count: number): number {
  const upper = count >> 1;
  if (count <= 32) {
    sortNumbers(numbers, count);
    return count % 2 === 1 ? numbers[upper]! : middle(numbers[upper - 1]!, numbers[upper]!);
  }
  const high = selectRank(numbers, count, upper);
  if (count % 2 === 1) return high;
  // What lies before the selected rank is not greater: its largest number is the other middle.
  let low = -Infinity;
  for (let i = 0; i < upper; i++) low = Math.max(low, numbers[i]!);
  return middle(low, high);
}

const middle = (low: number, high: number) => (low + high) / 2;

/** Hyndman and Fan's type 7: linear between ranks, position p·(n − 1). The numbers must be sorted. */
export function quantileOf(sorted: Float64Array, count: number, probability: number): number {
  const position = probability * (count - 1);
  const rank = Math.floor(position);
  const part = position - rank;
  const low = sorted[rank]!;
  if (part === 0) return low;
  return onLine(low, sorted[rank + 1]!, part);
}

const median: Implementation = {
  run: (args, call) => {
    const values = validNumbers(args, call);
    if (values === null) return null;
    return values.some(Number.isNaN) ? NaN : medianOf(Float64Array.from(values), values.length);
  },
  emit: (operands, code) => {
    const data = code.numbers(operands, 'data');
    if (data.keyAt && data.length > 0 && data.length <= MAX_NETWORK) return emitNetworkMedian(data, ignoresNodata(operands, code), code);
    const { count, isNull, hasNaN, numbers } = gather(operands, code);
    const compute = `${hasNaN} ? NaN : ${code.constant(medianOf)}(${numbers}, ${count})`;
    return code.scalar('number', arithmeticOf([data]), isNull === null ? compute : `${count} === 0 ? 0 : ${compute}`, isNull);
  },
  lanes: (operands, code) => {
    const series = networkSeries(seriesLanes(operands, code), code);
    return laneScalar(arithmeticOf([series.data]), ofSeries('median', series, code), series.isNull);
  },
};

/** Longer series are sorted or selected from one cell after the other: the networks grow faster than their advantage. */
const MAX_LANES = 64;

function networkSeries(series: LaneSeries, code: LaneCode): LaneSeries {
  return series.data.elements.length <= MAX_LANES ? series : code.giveUp('the series is too long for a network');
}

function ofSeries(op: 'median' | 'quantile', { data }: LaneSeries, { make }: LaneCode, value = 0): Expression {
  return make.ofSeries(op, data.elements.map((e) => e.value), data.elements.map((e) => e.isNull ?? make.boolean(false)), value);
}

const quantileLanes: LaneEmitter = (operands, code) => {
  const args = { probabilities: code.known(operands, 'probabilities'), q: code.known(operands, 'q') };
  const probabilities = probabilitiesOf(args, code.call);
  const series = networkSeries(seriesLanes(operands, code), code);
  const dtype = arithmeticOf([series.data]);
  const elements = probabilities.map((p) => laneScalar(dtype, ofSeries('quantile', series, code, p), series.isNull));
  return elements.length === 0 ? code.giveUp('there is nothing to compute') : { kind: 'array', type: 'number', dtype, labels: null, elements };
};

/** Writes the valid numbers of a cell into a buffer. */
function gather(operands: Operands, code: Code): { count: string; isNull: string | null; hasNaN: string; numbers: string } {
  const data = code.numbers(operands, 'data');
  const numbers = code.scratch(data.length);
  const [next, hasNaN] = [code.variable('0'), code.variable('false')];
  const { isNull } = eachValid(data, ignoresNodata(operands, code), code, (x) => {
    code.line(`${numbers}[${next}] = ${x.value}; ${next} += 1;`);
    code.line(`${hasNaN} = ${hasNaN} || ${x.value} !== ${x.value};`);
  });
  return { count: next, isNull, hasNaN, numbers };
}

/** The probabilities asked for: given ones, or those that cut into q equal parts. */
function probabilitiesOf(args: Arguments, call: Call): number[] {
  const [probabilities, q] = [args['probabilities'] ?? null, args['q'] ?? null];
  if (probabilities !== null && q !== null) throw new OpenEOError('QuantilesParameterConflict', {});
  const given = probabilities ?? q;
  if (given === null) throw new OpenEOError('QuantilesParameterMissing', {});
  if (typeof given === 'number') return cuts(given, probabilities === null ? 'q' : 'probabilities', call);
  const list = elementsOf(args, 'probabilities', call);
  if (!list.every((p) => typeof p === 'number' && p >= 0 && p <= 1)) throw invalid(call, 'probabilities', 'probabilities lie between 0 and 1');
  if (list.some((p, i) => i > 0 && p! < list[i - 1]!)) throw new OpenEOError('AscendingProbabilitiesRequired', {});
  return list as number[];
}

const MAX_INTERVALS = 10_000;

function cuts(q: number, parameter: string, call: Call): number[] {
  if (!Number.isInteger(q) || q < 2 || q > MAX_INTERVALS) throw invalid(call, parameter, `the number of intervals must be an integer from 2 to ${MAX_INTERVALS}`);
  return Array.from({ length: q - 1 }, (_, i) => (i + 1) / q);
}

function quantilesOf(values: readonly number[] | null, probabilities: readonly number[]): Value {
  if (values === null) return probabilities.map(() => null);
  if (values.some(Number.isNaN)) return probabilities.map(() => NaN);
  const sorted = Float64Array.from(values).sort();
  return probabilities.map((p) => quantileOf(sorted, sorted.length, p));
}

const quantiles: Implementation = {
  run: (args, call) => quantilesOf(validNumbers(args, call), probabilitiesOf(args, call)),
  emit: (operands, code) => {
    const args = { probabilities: code.known(operands, 'probabilities'), q: code.known(operands, 'q') };
    const probabilities = probabilitiesOf(args, code.call);
    const data = code.numbers(operands, 'data');
    const { count, isNull, hasNaN, numbers } = gather(operands, code);
    code.line(`${code.constant(sortNumbers)}(${numbers}, ${count});`);
    const pick = code.constant(quantileOf);
    return code.tuple(probabilities.map((p) => {
      const value = `${hasNaN} ? NaN : ${pick}(${numbers}, ${count}, ${p})`;
      return code.scalar('number', arithmeticOf([data]), isNull === null ? value : `${count} === 0 ? 0 : ${value}`, isNull);
    }));
  },
  lanes: quantileLanes,
};

const extrema: Implementation = {
  run: (args, call) => {
    const values = validNumbers(args, call);
    if (values === null) return [null, null];
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  },
  emit: (operands, code) => {
    const data = code.numbers(operands, 'data');
    const [low, high] = [code.variable('Infinity'), code.variable('-Infinity')];
    const { isNull } = eachValid(data, ignoresNodata(operands, code), code, (x) => {
      code.line(`${low} = Math.min(${low}, ${x.value}); ${high} = Math.max(${high}, ${x.value});`);
    });
    return code.tuple([low, high].map((v) => code.scalar('number', data.dtype, v, isNull)));
  },
  lanes: extremaLanes,
};

export const orderStatistics: Record<string, Implementation> = { extrema, median, quantiles };
