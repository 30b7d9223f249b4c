/** Category arrays: making, joining and taking apart. */
import type { Label } from '../cube/dimension.ts';
import type { DType } from '../cube/dtype.ts';
import { OpenEOError } from '../errors.ts';
import type { ArrayOperand, Code, Operands, ScalarOperand } from '../graph/emit.ts';
import type { LaneArray, LaneScalar } from '../graph/lanes/lane-code.ts';
import type { Call, Implementation } from '../graph/process.ts';
import { selectionOf } from '../graph/result-dtype.ts';
import { LabeledArray, type Arguments, type Value } from '../graph/value.ts';
import { chainLanes } from './array-lanes.ts';
import { arrayOf, elementsOf, invalid, isSet, labelsOf, numberOf } from './arguments.ts';

/** Where array_element finds its element; null: nowhere, and no-data is wanted then. */
function positionOf(length: number, labels: readonly Label[] | null, args: Arguments, call: Call): number | null {
  const [index, label] = [args['index'] ?? null, args['label'] ?? null];
  if (index !== null && label !== null) throw new OpenEOError('ArrayElementParameterConflict', {});
  if (index === null && label === null) throw new OpenEOError('ArrayElementParameterMissing', {});
  const position = label === null ? numberOf(args, 'index', call)! : labeledPosition(labels, label);
  if (Number.isInteger(position) && position >= 0 && position < length) return position;
  if (isSet(args, 'return_nodata')) return null;
  const missing = label === null
    ? `index ${position}: it has ${length} elements, counted from 0`
    : `label ${JSON.stringify(label)}: the labels are ${textOf(labels!)}`;
  throw new OpenEOError('ArrayElementNotAvailable', {}, { detail: `There is no ${missing}.` });
}

function labeledPosition(labels: readonly Label[] | null, label: Value): number {
  if (labels === null) throw new OpenEOError('ArrayNotLabeled', {});
  return labels.findIndex((l) => l === label);
}

function textOf(labels: readonly Label[]): string {
  const shown = labels.slice(0, 20).map((l) => JSON.stringify(l)).join(', ');
  return labels.length > 20 ? `${shown}, …` : shown || 'empty';
}

const element: Implementation = {
  run: (args, call) => {
    const data = elementsOf(args, 'data', call);
    const position = positionOf(data.length, labelsOf(args, 'data'), args, call);
    return position === null ? null : data[position]!;
  },
  emit: (operands, code) => {
    const data = code.array(operands, 'data');
    if (data.count !== null) return code.giveUp('the array has a different length in every cell');
    const args = Object.fromEntries(['index', 'label', 'return_nodata'].map((name) => [name, code.known(operands, name)]));
    const position = positionOf(data.length, data.labels, args, code.call);
    return position === null ? { kind: 'constant', value: null } : data.at(position);
  },
  lanes: (operands, code) => {
    const data = code.array(operands, 'data');
    const args = Object.fromEntries(['index', 'label', 'return_nodata'].map((name) => [name, code.known(operands, name)]));
    const position = positionOf(data.elements.length, data.labels, args, code.call);
    return position === null ? { kind: 'constant', value: null } : data.elements[position]!;
  },
};

const create: Implementation = {
  run: (args, call) => {
    const data = elementsOf(args, 'data', call);
    const repeat = repeatOf(args['repeat'] ?? 1, data.length, call);
    return Array.from({ length: repeat }, () => data).flat(1) as Value[];
  },
  emit: (operands, code) => {
    const data = code.array(operands, 'data');
    const repeat = repeatOf(code.known(operands, 'repeat') ?? 1, data.length, code.call);
    return repeat === 1 ? { ...data, labels: null } : chain(Array.from({ length: repeat }, () => data), null, code);
  },
  lanes: (operands, code) => {
    const data = code.array(operands, 'data');
    const repeat = repeatOf(code.known(operands, 'repeat') ?? 1, data.elements.length, code.call);
    return repeat === 1 ? { ...data, labels: null } : chainLanes(Array.from({ length: repeat }, () => data), null, code);
  },
};

/** Longer arrays than this are no use in a cell of a cube, and must not exhaust the memory. */
const MAX_LENGTH = 1 << 16;

function repeatOf(repeat: Value, length: number, call: Call): number {
  if (typeof repeat !== 'number' || !Number.isInteger(repeat) || repeat < 1) throw invalid(call, 'repeat', 'it must be an integer of at least 1');
  if (repeat * length > MAX_LENGTH) throw invalid(call, 'repeat', `the array would have ${repeat * length} elements; the limit is ${MAX_LENGTH}`);
  // Nothing, however often, is nothing.
  return length === 0 ? 1 : repeat;
}

/** Arrays up to this length are kept as single operands. */
const MAX_WRITTEN_OUT = 256;

/** The elements of arrays one after the other. */
function chain(parts: readonly ArrayOperand[], labels: readonly Label[] | null, code: Code): ArrayOperand {
  const types = new Set(parts.filter((p) => p.length > 0).map((p) => p.type));
  if (types.size > 1) return code.giveUp('numbers and booleans are mixed');
  const filled = parts.filter((p) => p.length > 0);
  if (filled.length === 0) return code.tuple([], labels);
  const length = filled.reduce((sum, p) => sum + p.length, 0);
  if (length <= MAX_WRITTEN_OUT && filled.every((p) => p.elements)) return code.tuple(filled.flatMap((p) => p.elements!), labels);
  const [type] = types;
  const isFull = filled.every((p) => p.count === null);
  const dtype = type === 'boolean' ? 'bool' : selectionOf(filled.flatMap((p): { dtype: DType }[] => [...(p.elements ?? [p])]));
  return code.collect({ type: type!, dtype, length, isFull, labels }, (append) => {
    for (const part of filled) code.each(part, append);
  });
}

/** Labels of both arrays together; null when one of them has none. Throws ArrayLabelConflict for a label in both. */
function joinLabels(a: readonly Label[] | null, b: readonly Label[] | null): readonly Label[] | null {
  if (a === null || b === null) return null;
  const common = b.find((label) => a.includes(label));
  if (common !== undefined) throw new OpenEOError('ArrayLabelConflict', {}, { detail: `It is ${JSON.stringify(common)}.` });
  return [...a, ...b];
}

/** Graphs of many clients append a single value with array_concat: it is taken for an array of one, without a label. */
const listOf = (value: Value | undefined): Value | undefined => (typeof value === 'number' || typeof value === 'boolean' ? [value] : value);

const concat: Implementation = {
  run: (args, call) => {
    const lists = { array1: listOf(args['array1']), array2: listOf(args['array2']) };
    const values = [...elementsOf(lists, 'array1', call), ...elementsOf(lists, 'array2', call)];
    return arrayOf(values, joinLabels(labelsOf(lists, 'array1'), labelsOf(lists, 'array2')));
  },
  emit: (operands, code) => {
    const list = (name: string) => {
      const operand = operands[name];
      if (operand?.kind === 'scalar') return code.tuple([operand], null);
      return code.array(operand?.kind === 'constant' ? { [name]: { ...operand, value: listOf(operand.value) ?? null } } : operands, name);
    };
    const [a, b] = [list('array1'), list('array2')];
    return chain([a, b], joinLabels(a.labels, b.labels), code);
  },
  lanes: (operands, code) => {
    const list = (name: string): LaneArray => {
      const operand = operands[name];
      if (operand?.kind === 'scalar') return { kind: 'array', type: operand.type, dtype: operand.dtype, labels: null, elements: [operand] };
      return code.array(operand?.kind === 'constant' ? { [name]: { ...operand, value: listOf(operand.value) ?? null } } : operands, name);
    };
    const [a, b] = [list('array1'), list('array2')];
    return chainLanes([a, b], joinLabels(a.labels, b.labels), code);
  },
};

/** The labels after a value was appended; the next index when the new label is not given. */
function appendLabel(labels: readonly Label[] | null, label: Value): readonly Label[] | null {
  if (labels === null && label !== null) throw new OpenEOError('ArrayNotLabeled', {}, { detail: 'A label can’t be given to an element of an array without labels.' });
  if (labels === null) return null;
  const next = (label ?? labels.length) as Label;
  if (labels.includes(next)) throw new OpenEOError('LabelExists', {}, { detail: `It is ${JSON.stringify(next)}.` });
  return [...labels, next];
}

const append: Implementation = {
  run: (args, call) => {
    const values = [...elementsOf(args, 'data', call), args['value'] ?? null];
    return arrayOf(values, appendLabel(labelsOf(args, 'data'), args['label'] ?? null));
  },
  emit: (operands, code) => {
    const data = code.array(operands, 'data');
    const labels = appendLabel(data.labels, code.known(operands, 'label') ?? null);
    return chain([data, code.tuple([single(operands, 'value', data, code)])], labels, code);
  },
  lanes: (operands, code) => {
    const data = code.array(operands, 'data');
    const labels = appendLabel(data.labels, code.known(operands, 'label') ?? null);
    return chainLanes([data, singleLanes(code.single(operands['value']))], labels, code);
  },
};

/** A value to go into an array, of the array's type. */
function single(operands: Operands, name: string, data: ArrayOperand, code: Code): ScalarOperand {
  const operand = operands[name];
  const type = operand?.kind === 'scalar' ? operand.type : operand?.kind === 'constant' && operand.value !== null ? typeof operand.value : data.type;
  if (type === 'boolean') return code.boolean(operands, name);
  return type === 'number' ? code.number(operands, name) : code.giveUp('the value is neither number nor boolean');
}

const singleLanes = (value: LaneScalar): LaneArray => ({ kind: 'array', type: value.type, dtype: value.dtype, labels: null, elements: [value] });

const createLabeled: Implementation = {
  run: (args, call) => {
    const [values, labels] = [elementsOf(args, 'data', call), elementsOf(args, 'labels', call) as readonly Label[]];
    checkLabels(values.length, labels, call);
    return new LabeledArray(values, labels);
  },
  emit: (operands, code) => {
    const data = code.array(operands, 'data');
    const labels = code.known(operands, 'labels') as readonly Label[];
    if (data.count !== null) return code.giveUp('the array has a different length in every cell');
    checkLabels(data.length, labels, code.call);
    return { ...data, labels };
  },
  lanes: (operands, code) => ({ ...code.array(operands, 'data'), labels: code.known(operands, 'labels') as readonly Label[] }),
};

function checkLabels(length: number, labels: readonly Label[], call: Call): void {
  if (labels.length !== length) throw new OpenEOError('ArrayLengthMismatch', {}, { detail: `There are ${length} values and ${labels.length} labels.` });
  if (!labels.every((l) => typeof l === 'string' || typeof l === 'number')) throw invalid(call, 'labels', 'labels are strings or numbers');
  if (new Set(labels).size < length) throw invalid(call, 'labels', 'every label may occur only once');
}

const labels: Implementation = {
  run: (args, call) => [...(labelsOf(args, 'data') ?? elementsOf(args, 'data', call).keys())],
  emit: (operands, code) => {
    const data = code.array(operands, 'data');
    if (data.count !== null) return code.giveUp('the array has a different length in every cell');
    return { kind: 'constant', value: [...(data.labels ?? Array.from({ length: data.length }).keys())] };
  },
  lanes: (operands, code) => {
    const data = code.array(operands, 'data');
    return { kind: 'constant', value: [...(data.labels ?? data.elements.keys())] };
  },
};

const modify: Implementation = {
  run: (args, call) => {
    const [data, values] = [elementsOf(args, 'data', call), elementsOf(args, 'values', call)];
    const [index, length] = [numberOf(args, 'index', call)!, numberOf(args, 'length', call)!];
    if (index > data.length) throw new OpenEOError('ArrayElementNotAvailable', {}, { detail: `The index is ${index}, but the array has ${data.length} elements.` });
    const kept = (list: readonly Label[]) => list.toSpliced(index, length);
    const [a, b] = [labelsOf(args, 'data'), labelsOf(args, 'values')];
    const [ofData, ofValues] = [data.length === 0 ? [] : a, values.length === 0 ? [] : b];
    const isLabeled = (a !== null || b !== null) && ofData !== null && ofValues !== null;
    if (isLabeled) joinLabels(kept(ofData), ofValues);
    return arrayOf(data.toSpliced(index, length, ...values), isLabeled ? ofData.toSpliced(index, length, ...ofValues) : null);
  },
};

export const arrays: Record<string, Implementation> = {
  array_append: append,
  array_concat: concat,
  array_create: create,
  array_create_labeled: createLabeled,
  array_element: element,
  array_labels: labels,
  array_modify: modify,
};
