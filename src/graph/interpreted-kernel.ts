/** A kernel that runs the interpreter cell by cell: for callbacks the compiler can't write as a loop. */
import { OpenEOError } from '../errors.ts';
import { allocate, type DType } from '../cube/dtype.ts';
import type { Label } from '../cube/dimension.ts';
import { describeValue } from './schema-words.ts';
import type { Kernel, KernelData, KernelInput } from './kernel.ts';
import { widestDType } from './result-dtype.ts';
import { LabeledArray, type Value } from './value.ts';

export type Interpret = (parameters: Readonly<Record<string, Value>>) => Value;

interface Shape {
  readonly dtype: DType;
  readonly length: number | null;
  readonly labels: readonly Label[] | null;
}

/**
 * What a callback returns can't be told from its graph alone, so it is run on a few made-up cells first.
 * Throws the callback's error when none of them works. Arrays that come out shorter than the longest one
 * seen are filled up with no-data, longer ones are an error.
 */
export function interpretedKernel(inputs: readonly KernelInput[], interpret: Interpret): Kernel {
  const shape = shapeOf(probe(inputs, interpret), inputs);
  return {
    ...shape,
    isInterpreted: true,
    run: (data, outer, inner) => runCells(inputs, interpret, shape, data, outer, inner),
  };
}

const probes: ((index: number, dtype: DType) => Value)[] = [
  (index, dtype) => (dtype === 'bool' ? true : index + 1),
  (index, dtype) => (dtype === 'bool' ? index % 2 === 0 : -index - 0.5),
  (_, dtype) => (dtype === 'bool' ? false : 0),
  () => null,
];

function probe(inputs: readonly KernelInput[], interpret: Interpret): Value[] {
  const results: Value[] = [];
  let failure: unknown;
  for (const sample of probes) {
    const values = inputs.map((input) => (input.kind === 'scalar'
      ? sample(0, input.dtype)
      : new LabeledArray((input.labels ?? []).map((_, i) => sample(i, input.dtype)), input.labels ?? [])));
    try {
      results.push(interpret(Object.fromEntries(inputs.map((input, i) => [input.name, values[i]!]))));
    } catch (error) {
      failure ??= error;
    }
  }
  if (results.length === 0) throw failure;
  return results;
}

function shapeOf(results: readonly Value[], inputs: readonly KernelInput[]): Shape {
  const arrays = results.filter((r) => Array.isArray(r) || r instanceof LabeledArray) as (readonly Value[] | LabeledArray)[];
  const elements = arrays.length > 0 ? arrays.flatMap(elementsOf) : results;
  const sample = elements.find((v) => v !== null);
  const dtype = typeof sample === 'boolean' ? 'bool' : widestDType(inputs.map((i) => i.dtype));
  if (sample !== undefined && typeof sample !== 'number' && typeof sample !== 'boolean') {
    throw new OpenEOError('ProcessGraphInvalid', {}, { detail: `The callback returns ${describeValue(sample)}; data cubes hold numbers and booleans.` });
  }
  if (arrays.length === 0) return { dtype, length: null, labels: null };
  const longest = arrays.reduce((a, b) => (elementsOf(b).length > elementsOf(a).length ? b : a));
  return { dtype, length: elementsOf(longest).length, labels: longest instanceof LabeledArray ? longest.labels : null };
}

const elementsOf = (array: readonly Value[] | LabeledArray) => (array instanceof LabeledArray ? array.values : array);

function runCells(inputs: readonly KernelInput[], interpret: Interpret, shape: Shape, data: readonly KernelData[], outer: number, inner: number): KernelData {
  const length = shape.length ?? 1;
  const out = allocate(shape.dtype, outer * length * inner);
  const nulls = new Uint8Array(out.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const parameters = Object.fromEntries(inputs.map((input, n) => [input.name, cellValue(input, data[n]!, o, i, inner)]));
      const result = interpret(parameters);
      const elements = shape.length === null ? [result] : arrayElements(result, length);
      for (let k = 0; k < length; k++) {
        const at = (o * length + k) * inner + i;
        const value = elements[k] ?? null;
        if (value === null) nulls[at] = 1;
        else out[at] = storable(value, shape.dtype);
      }
    }
  }
  return { data: out, nulls: nulls.includes(1) ? nulls : null };
}

function cellValue(input: KernelInput, { data, nulls }: KernelData, o: number, i: number, inner: number): Value {
  const length = input.kind === 'array' ? (input.labels ?? []).length : 1;
  const values = Array.from({ length }, (_, k): Value => {
    const at = (o * length + k) * inner + i;
    if (nulls?.[at]) return null;
    return input.dtype === 'bool' ? data[at] !== 0 : data[at]!;
  });
  return input.kind === 'array' ? new LabeledArray(values, input.labels ?? []) : values[0]!;
}

function arrayElements(result: Value, length: number): readonly Value[] {
  const elements = result instanceof LabeledArray ? result.values : Array.isArray(result) ? result as readonly Value[] : null;
  if (!elements) throw inconsistent(`${describeValue(result)} for one and an array for another`);
  if (elements.length > length) throw inconsistent(`${elements.length} values for one and at most ${length} for another`);
  return elements;
}

function storable(value: Value, dtype: DType): number {
  if (typeof value === (dtype === 'bool' ? 'boolean' : 'number')) return Number(value);
  throw inconsistent(`${describeValue(value)} for one and ${dtype === 'bool' ? 'a boolean' : 'a number'} for another`);
}

function inconsistent(what: string): OpenEOError {
  return new OpenEOError('ProcessGraphInvalid', {}, { detail: `The callback must return the same kind of value for every pixel, but gives ${what}.` });
}
