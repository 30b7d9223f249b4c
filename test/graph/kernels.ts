/** Runs callbacks on single cells, compiled and interpreted. */
import { GraphCallback } from '../../src/graph/graph-callback.ts';
import type { Kernel, KernelData, KernelInput } from '../../src/graph/kernel.ts';
import { runLanes } from '../../src/graph/lanes/lane-run.ts';
import { encodeProgram } from '../../src/graph/lanes/program.ts';
import { parse } from '../../src/graph/parse.ts';
import type { Call } from '../../src/graph/process.ts';
import { LabeledArray, type Value } from '../../src/graph/value.ts';
import { allocate, type DType } from '../../src/cube/dtype.ts';
import type { ProcessGraph } from '../../src/graph/wire.ts';
import { emptyScope, registry } from '../processes/registry.ts';

const call: Call = {
  scope: emptyScope(),
  path: [{ node_id: 'outer', process_id: 'apply' }],
  originOf: () => { throw new Error('There are no cubes here.'); },
};

/** A callback as the evaluator makes it, with the given parameters of its own. */
export function callbackFrom(process_graph: ProcessGraph, parameters: readonly string[], environment: Readonly<Record<string, Value>> = {}): GraphCallback {
  const declared = parameters.map((name) => ({ name, description: name, schema: {} }));
  const { graph } = parse({ process_graph, parameters: declared }, registry, Object.keys(environment));
  return new GraphCallback(graph, new Map(Object.entries(environment)), call);
}

/** Samples with no-data where a value is null. */
export function samples(values: readonly Value[], dtype: DType): KernelData {
  const data = allocate(dtype, values.length);
  values.forEach((v, i) => { data[i] = Number(v ?? 0); });
  return { data, nulls: values.includes(null) ? Uint8Array.from(values, (v) => (v === null ? 1 : 0)) : null };
}

/** The result of a kernel for the only cell it was run on. */
export function cellResult(kernel: Kernel, inputs: readonly KernelData[]): Value {
  return valueOf(kernel, kernel.run(inputs, 1, 1));
}

/** The same by SIMD lanes; undefined when the kernel has no form for them. */
export function laneResult(kernel: Kernel, inputs: readonly KernelData[]): Value | undefined {
  const encoded = kernel.lanes && encodeProgram(kernel.lanes);
  return encoded ? valueOf(kernel, runLanes({ encoded, plain: null, guarded: null }, inputs, 1, 1)) : undefined;
}

function valueOf(kernel: Kernel, { data, nulls }: KernelData): Value {
  const values = Array.from(data, (v, i): Value => (nulls?.[i] ? null : kernel.dtype === 'bool' ? v !== 0 : v));
  if (kernel.length === null) return values[0]!;
  return kernel.labels ? new LabeledArray(values, kernel.labels) : values;
}

/** A value as the input of a kernel, when cubes can hold it. `nullType` is for no-data without anything else. */
export function asInput(name: string, value: Value, nullType: 'number' | 'boolean' = 'number'): { input: KernelInput; data: KernelData } | null {
  const elements = value instanceof LabeledArray ? value.values : Array.isArray(value) ? value as readonly Value[] : [value];
  const types = new Set(elements.filter((v) => v !== null).map((v) => typeof v));
  const [type = nullType] = types;
  if (types.size > 1 || (type !== 'number' && type !== 'boolean')) return null;
  const dtype = type === 'boolean' ? 'bool' : 'float64';
  const data = samples(elements, dtype);
  if (!Array.isArray(value) && !(value instanceof LabeledArray)) return { input: { name, kind: 'scalar', dtype }, data };
  // A dimension always has labels: an array without gets its indices, a second one others.
  const labels = value instanceof LabeledArray ? value.labels : elements.map((_, i) => (name === 'array2' ? 1000 + i : i));
  return { input: { name, kind: 'array', dtype, labels }, data };
}
