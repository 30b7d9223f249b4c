/** Category arrays: finding values and labels, and filling gaps. */
import type { Label } from '../cube/dimension.ts';
import type { Code, Operands, ScalarOperand } from '../graph/emit.ts';
import type { Implementation } from '../graph/process.ts';
import { arithmeticOf } from '../graph/result-dtype.ts';
import type { Value } from '../graph/value.ts';
import { containsLanes, findLanes, interpolateLanes } from './array-lanes.ts';
import { arrayOf, elementsOf, isSet, labelsOf, numbersOf } from './arguments.ts';
import { isEqual } from './comparison.ts';
import { parseInstant } from './dates.ts';
import { onLine } from './ranking.ts';

/** Index of the first or last element that equals the value as eq() sees it; null when there is none. */
function indexOf(data: readonly Value[], value: Value, reverse: boolean): number | null {
  const matches = (x: Value) => isEqual(x, value) === true;
  const index = reverse ? data.findLastIndex(matches) : data.findIndex(matches);
  return index < 0 ? null : index;
}

/** Writes the search; returns the names of the index found and of its no-data flag. */
function emitSearch(operands: Operands, code: Code, reverse: boolean): { index: string; missing: string } {
  const data = code.array(operands, 'data');
  const value = searched(operands, data.type, code);
  const [index, missing, position] = [code.variable('0'), code.variable('1'), code.variable('0')];
  code.each(data, (x) => {
    const conditions = [
      ...(reverse ? [] : [`${missing} === 1`]),
      ...(x.isNull === null ? [] : [`(${x.isNull}) === 0`]),
      ...(value.isNull === null ? [] : [`(${value.isNull}) === 0`]),
      `${x.value} === ${value.value}`,
    ];
    code.branch(conditions.join(' && '), () => code.line(`${index} = ${position}; ${missing} = 0;`));
    code.line(`${position} += 1;`);
  });
  return { index, missing };
}

function searched(operands: Operands, type: 'number' | 'boolean', code: Code): ScalarOperand {
  const operand = operands['value'];
  const given = operand?.kind === 'scalar' ? operand.type : operand?.kind === 'constant' ? typeof operand.value : 'none';
  if (given !== type) return code.giveUp('the value is of another type than the elements');
  return type === 'number' ? code.number(operands, 'value') : code.boolean(operands, 'value');
}

const contains: Implementation = {
  run: (args, call) => indexOf(elementsOf(args, 'data', call), args['value'] ?? null, false) !== null,
  emit: (operands, code) => code.scalar('boolean', 'bool', `${emitSearch(operands, code, false).missing} === 0`, null),
  lanes: containsLanes,
};

const find: Implementation = {
  run: (args, call) => indexOf(elementsOf(args, 'data', call), args['value'] ?? null, isSet(args, 'reverse')),
  emit: (operands, code) => {
    const { index, missing } = emitSearch(operands, code, code.known(operands, 'reverse') === true);
    return code.scalar('number', 'float32', index, missing);
  },
  lanes: findLanes,
};

const labelIndex = (labels: readonly Label[] | null, label: Value | undefined) => {
  const index = labels?.findIndex((l) => l === label) ?? -1;
  return index < 0 ? null : index;
};

const findLabel: Implementation = {
  run: (args) => labelIndex(labelsOf(args, 'data'), args['label']),
  emit: (operands, code) => ({ kind: 'constant', value: labelIndex(code.array(operands, 'data').labels, code.known(operands, 'label')) }),
  lanes: (operands, code) => ({ kind: 'constant', value: labelIndex(code.array(operands, 'data').labels, code.known(operands, 'label')) }),
};

/** Positions on the x axis: numbers and instants as they are, otherwise the indices. */
function axisOf(labels: readonly Label[] | null, length: number): number[] {
  const positions = labels?.map((label) => (typeof label === 'number' ? label : parseInstant(label)));
  return positions?.every(Number.isFinite) ? positions : Array.from({ length }, (_, i) => i);
}

/** Fills NaN and no-data between two numbers with the straight line between them; `nulls` are the no-data flags. */
function interpolate(values: Float64Array, nulls: Uint8Array, axis: readonly number[], length: number): void {
  let before = -1;
  for (let i = 0; i < length; i++) {
    const value = values[i]!;
    if (nulls[i] === 1 || Number.isNaN(value)) continue;
    for (let gap = before + 1; before >= 0 && gap < i; gap++) {
      values[gap] = onLine(values[before]!, value, (axis[gap]! - axis[before]!) / (axis[i]! - axis[before]!));
      nulls[gap] = 0;
    }
    before = i;
  }
}

const interpolateLinear: Implementation = {
  run: (args, call) => {
    const data = numbersOf(args, 'data', call);
    const labels = labelsOf(args, 'data');
    const [values, nulls] = [Float64Array.from(data, (x) => x ?? 0), Uint8Array.from(data, (x) => (x === null ? 1 : 0))];
    interpolate(values, nulls, axisOf(labels, data.length), data.length);
    return arrayOf(Array.from(values, (x, i) => (nulls[i] === 1 ? null : x)), labels);
  },
  emit: (operands, code) => {
    const data = code.numbers(operands, 'data');
    if (data.count !== null) return code.giveUp('the array has a different length in every cell');
    const [values, nulls] = [code.scratch(data.length), code.constant(new Uint8Array(data.length))];
    const position = code.variable('0');
    code.each(data, (x) => code.line(`${values}[${position}] = ${x.value}; ${nulls}[${position}] = ${x.isNull ?? '0'}; ${position} += 1;`));
    code.line(`${code.constant(interpolate)}(${values}, ${nulls}, ${code.constant(axisOf(data.labels, data.length))}, ${data.length});`);
    const dtype = arithmeticOf([data]);
    const at = (k: string | number) => code.scalar('number', dtype, `${values}[${k}]`, data.isNullable ? `${nulls}[${k}]` : null);
    return { kind: 'array', type: 'number', dtype, length: data.length, count: null, labels: data.labels, isNullable: data.isNullable, at };
  },
  lanes: (operands, code) => {
    const data = code.array(operands, 'data');
    return interpolateLanes(data, axisOf(data.labels, data.elements.length), code);
  },
};

export const arraySearch: Record<string, Implementation> = {
  array_contains: contains,
  array_find: find,
  array_find_label: findLabel,
  array_interpolate_linear: interpolateLinear,
};
