/** Category reducer: from an array of numbers or booleans to one value. No-data is left out unless ignore_nodata is false. */
import type { ArrayOperand, Code, Emitter, Operands, ScalarOperand } from '../graph/emit.ts';
import type { LaneEmitter } from '../graph/lanes/lane-code.ts';
import type { Call, Implementation } from '../graph/process.ts';
import { arithmeticOf } from '../graph/result-dtype.ts';
import type { Arguments } from '../graph/value.ts';
import { booleansOf, elementsOf, isSet, numbersOf } from './arguments.ts';
import { endLanes, extremeLanes, foldLanes, quantifierLanes, varianceLanes } from './reducer-lanes.ts';

/** The valid numbers; null when the result is no-data: none is valid, or one is missing and counts. */
export function validNumbers(args: Arguments, call: Call): readonly number[] | null {
  const data = numbersOf(args, 'data', call);
  const valid = data.filter((x) => x !== null);
  const isIncomplete = valid.length < data.length && !isSet(args, 'ignore_nodata');
  return valid.length === 0 || isIncomplete ? null : valid;
}

/** Writes ignore_nodata, which must be known before the loop runs. */
export function ignoresNodata(operands: Operands, code: Code): boolean {
  const value = code.known(operands, 'ignore_nodata');
  return typeof value === 'boolean' ? value : code.giveUp('ignore_nodata must be known');
}

/** Counts of a cell's array: names or numbers. */
export interface Tally {
  readonly count: string;
  /** No-data flag of the result. */
  readonly isNull: string | null;
}

/**
 * Writes the loop over the valid elements. Returns how many there are, and the flag of a result that is
 * no-data when there are none, or when one is missing and no-data counts.
 */
export function eachValid(data: ArrayOperand, ignore: boolean, code: Code, step: (x: ScalarOperand) => void): Tally {
  if (!data.isNullable) {
    code.each(data, step);
    const count = data.count ?? String(data.length);
    const isNull = data.count !== null ? code.local(`${count} === 0 ? 1 : 0`) : data.length === 0 ? '1' : null;
    return { count, isNull };
  }
  const count = code.variable('0');
  const missing = ignore ? null : code.variable('0');
  code.each(data, (x) => code.branch(
    x.isNull === null ? 'true' : `(${x.isNull}) === 0`,
    () => {
      step(x);
      code.line(`${count} += 1;`);
    },
    missing === null ? undefined : () => code.line(`${missing} = 1;`),
  ));
  return { count, isNull: code.local(`${count} === 0 ? 1 : ${missing ?? '0'}`) };
}

interface Fold {
  readonly run: (values: readonly number[]) => number;
  readonly initial: string;
  readonly step: (sum: string, x: string) => string;
  readonly finish?: (sum: string, count: string) => string;
  /** A selection gives back one of the elements, in their type. */
  readonly selects?: boolean;
  readonly lanes: LaneEmitter;
}

/** A reducer with one number of memory. */
function fold(spec: Fold): Implementation {
  return {
    run: (args, call) => {
      const values = validNumbers(args, call);
      return values && spec.run(values);
    },
    emit: (operands, code) => {
      const data = code.numbers(operands, 'data');
      const memory = code.variable(spec.initial);
      const tally = eachValid(data, ignoresNodata(operands, code), code, (x) => code.line(`${memory} = ${spec.step(memory, x.value)};`));
      const dtype = spec.selects ? data.dtype : arithmeticOf([data]);
      return code.scalar('number', dtype, spec.finish ? spec.finish(memory, tally.count) : memory, tally.isNull);
    },
    lanes: spec.lanes,
  };
}

const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Sum of squared deviations from the mean over n − 1, in two passes. */
export function varianceOf(values: readonly number[]): number {
  const mean = sumOf(values) / values.length;
  return values.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / (values.length - 1);
}

const emitVariance = (root: boolean): Emitter => (operands, code) => {
  const data = code.numbers(operands, 'data');
  const ignore = ignoresNodata(operands, code);
  const sum = code.variable('0');
  const tally = eachValid(data, ignore, code, (x) => code.line(`${sum} += ${x.value};`));
  const mean = code.local(`${sum} / ${tally.count}`);
  const squares = code.variable('0');
  eachValid(data, true, code, (x) => code.line(`${squares} += (${x.value} - ${mean}) * (${x.value} - ${mean});`));
  const variance = `${squares} / (${tally.count} - 1)`;
  return code.scalar('number', arithmeticOf([data]), root ? `Math.sqrt(${variance})` : variance, tally.isNull);
};

function spread(root: boolean): Implementation {
  return {
    run: (args, call) => {
      const values = validNumbers(args, call);
      return values && (root ? Math.sqrt(varianceOf(values)) : varianceOf(values));
    },
    emit: emitVariance(root),
    lanes: varianceLanes(root),
  };
}

/** all: false decides; any: true decides. Without elements the other value is the result. */
function quantifier(decisive: boolean): Implementation {
  return {
    run: (args, call) => {
      const data = booleansOf(args, 'data', call);
      if (data.includes(decisive)) return decisive;
      return data.includes(null) && !isSet(args, 'ignore_nodata') ? null : !decisive;
    },
    emit: (operands, code) => {
      const data = code.booleans(operands, 'data');
      const ignore = ignoresNodata(operands, code);
      const decided = code.variable('false');
      const unknown = code.variable('0');
      code.each(data, (x) => {
        const holds = decisive ? x.value : `!${x.value}`;
        const mark = () => code.line(`${decided} = ${decided} || ${holds};`);
        if (x.isNull === null) mark();
        else code.branch(`(${x.isNull}) === 0`, mark, ignore ? undefined : () => code.line(`${unknown} = 1;`));
      });
      return code.scalar('boolean', 'bool', decisive ? decided : `!${decided}`, ignore ? null : `${decided} ? 0 : ${unknown}`);
    },
    lanes: quantifierLanes(decisive),
  };
}

/** first and last; with ignore_nodata the first and last valid one. */
function end(last: boolean): Implementation {
  return {
    run: (args, call) => {
      const data = elementsOf(args, 'data', call);
      if (!isSet(args, 'ignore_nodata')) return data.at(last ? -1 : 0) ?? null;
      return (last ? data.findLast((x) => x !== null) : data.find((x) => x !== null)) ?? null;
    },
    emit: (operands, code) => {
      const data = code.array(operands, 'data');
      const ignore = ignoresNodata(operands, code);
      if (data.length > 0 && data.count === null && (!ignore || !data.isNullable)) return data.at(last ? data.length - 1 : 0);
      const value = code.variable(data.type === 'boolean' ? 'false' : '0');
      const [missing, found] = [code.variable('1'), code.variable('false')];
      code.each(data, (x) => {
        const isTaken = [last ? [] : `!${found}`, ignore && x.isNull !== null ? `(${x.isNull}) === 0` : []].flat().join(' && ');
        code.branch(isTaken === '' ? 'true' : isTaken, () => code.line(`${value} = ${x.value}; ${missing} = ${x.isNull ?? '0'}; ${found} = true;`));
      });
      return code.scalar(data.type, data.dtype, value, missing);
    },
    lanes: endLanes(last),
  };
}

export const reducers: Record<string, Implementation> = {
  all: quantifier(false),
  any: quantifier(true),
  first: end(false),
  last: end(true),
  max: fold({ run: (v) => v.reduce((a, b) => Math.max(a, b)), initial: '-Infinity', step: (m, x) => `${x} > ${m} || ${x} !== ${x} ? ${x} : ${m}`, selects: true, lanes: extremeLanes('most') }),
  mean: fold({ run: (v) => sumOf(v) / v.length, initial: '0', step: (s, x) => `${s} + ${x}`, finish: (s, n) => `${s} / ${n}`, lanes: foldLanes(0, (make, s, x) => make.add(s, x), (make, s, n) => make.div(s, n)) }),
  min: fold({ run: (v) => v.reduce((a, b) => Math.min(a, b)), initial: 'Infinity', step: (m, x) => `${x} < ${m} || ${x} !== ${x} ? ${x} : ${m}`, selects: true, lanes: extremeLanes('least') }),
  product: fold({ run: (v) => v.reduce((a, b) => a * b, 1), initial: '1', step: (p, x) => `${p} * ${x}`, lanes: foldLanes(1, (make, p, x) => make.mul(p, x)) }),
  sd: spread(true),
  sum: fold({ run: sumOf, initial: '0', step: (s, x) => `${s} + ${x}`, lanes: foldLanes(0, (make, s, x) => make.add(s, x)) }),
  variance: spread(false),
};
