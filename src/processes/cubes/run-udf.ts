/** run_udf: a function of the user on a cube, or in a callback on the values of a pixel. */
import { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { Callback } from '../../graph/callback.ts';
import type { Kernel, KernelData, KernelInput } from '../../graph/kernel.ts';
import type { Call, Implementation } from '../../graph/process.ts';
import type { Scope } from '../../graph/scope.ts';
import type { UdfCellResult, UdfCells, UdfSamples, UdfSandbox } from '../../graph/udf.ts';
import { LabeledArray, type Arguments, type Value } from '../../graph/value.ts';
import { kindOf, optionalTextOf, textOf } from './arguments.ts';
import { samplesOf, udfCube } from './udf-cube.ts';

const ID = 'run_udf';

export const runUdf: Implementation = {
  run(args, call) {
    const { data } = args;
    if (data instanceof Cube) return onCube(data, args, call);
    const source = textOf(args, ID, 'udf');
    if (isCode(source)) return onValue(data ?? null, openSandbox(source, args, call, 'values'));
    if (call.path.length > 1) throw invalidArgument(ID, 'udf', 'inside a callback it must be the code itself: addresses and files are read only for run_udf on a whole cube');
    return readCode(source, call).then((code) => onValue(data ?? null, openSandbox(code, args, call, 'values')));
  },
  kernel(args, input, call) {
    const source = textOf(args, ID, 'udf');
    return isCode(source) ? cellKernel(openSandbox(source, args, call, 'values'), input) : null;
  },
};

/** The standard tells code from addresses and paths by its line breaks. */
const isCode = (source: string) => /[\r\n]/.test(source);

async function onCube(cube: Cube, args: Arguments, call: Call): Promise<Cube> {
  const source = textOf(args, ID, 'udf');
  const code = isCode(source) ? source : await readCode(source, call);
  const meaning = digest([code, textOf(args, ID, 'runtime'), optionalTextOf(args, ID, 'version'), contextOf(args)]);
  return udfCube(cube, openSandbox(code, args, call, 'cube'), meaning, call.scope.signal);
}

function readCode(source: string, { scope }: Call): Promise<string> {
  return serviceOf(scope).read(source);
}

function serviceOf({ udf }: Scope): NonNullable<Scope['udf']> {
  if (udf) return udf;
  throw new OpenEOError('ProcessUnsupported', { process: ID, namespace: 'backend' }, { detail: 'Functions of users run in jobs and synchronous requests only.' });
}

/** Sandboxes by what runs in them. A scope is one run of one user, so nothing is shared beyond that. */
const opened = new WeakMap<Scope, Map<string, UdfSandbox>>();

/** Cubes wait for their sandbox, values block it. */
function openSandbox(code: string, args: Arguments, { scope }: Call, use: 'cube' | 'values'): UdfSandbox {
  const request = { runtime: textOf(args, ID, 'runtime'), version: optionalTextOf(args, ID, 'version'), code, context: contextOf(args) };
  const known = opened.get(scope) ?? new Map<string, UdfSandbox>();
  opened.set(scope, known);
  const key = digest([use, request]);
  const sandbox = known.get(key) ?? serviceOf(scope).open({ ...request, log: scope.log });
  known.set(key, sandbox);
  return sandbox;
}

/** Settings as JSON knows them. */
function contextOf(args: Arguments): unknown {
  const plain = (value: Value | undefined): unknown => {
    if (value instanceof Cube || value instanceof Callback) throw invalidArgument(ID, 'context', `it can't hold ${kindOf(value)}`);
    if (value instanceof LabeledArray) return value.values.map(plain);
    if (Array.isArray(value)) return (value as readonly Value[]).map(plain);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
    return value ?? null;
  };
  return plain(args['context'] ?? {});
}

/** Pixels per call: each must end within the time limit. */
const CELLS_PER_CALL = 1 << 15;

/** A callback blocks the service while it computes, so it can't go on for ever. */
const LONGEST_MS = 30_000;

/** What the function gives for made-up pixels decides what the kernel gives. */
function cellKernel(sandbox: UdfSandbox, { kind, dtype, labels = [] }: KernelInput): Kernel {
  const layout = { labels: kind === 'array' ? labels : null, isBoolean: dtype === 'bool' };
  const result = sandbox.callSync({ kind: 'probe', cells: { ...layout, outer: 1, inner: 1 } });
  return {
    dtype: result.type === 'boolean' ? 'bool' : 'float64', length: result.length, labels: null,
    run: ([block], outer, inner) => {
      const length = result.length ?? 1;
      const out: KernelData = { data: result.type === 'boolean' ? new Uint8Array(outer * length * inner) : new Float64Array(outer * length * inner), nulls: new Uint8Array(outer * length * inner) };
      const until = performance.now() + LONGEST_MS;
      for (const part of partsOf(outer, inner)) {
        if (performance.now() > until) throw new OpenEOError('UdfFailed', { reason: `a callback computed longer than ${LONGEST_MS / 1000} s; run_udf on the whole cube has no such limit` });
        const samples = samplesOf(gather(block!, part, inner, layout.labels?.length ?? 1));
        scatter(sandbox.callSync({ kind: 'cells', cells: { ...layout, outer: part.outer, inner: part.inner }, samples, result }), out, part, inner, length);
      }
      return { data: out.data, nulls: out.nulls!.includes(1) ? out.nulls : null };
    },
  };
}

/** Some of the outer indices with all inner ones, or one with some of them. */
interface Part {
  readonly firstOuter: number;
  readonly outer: number;
  readonly firstInner: number;
  readonly inner: number;
}

function* partsOf(outer: number, inner: number): Generator<Part> {
  const outerStep = Math.max(1, Math.floor(CELLS_PER_CALL / Math.max(1, inner)));
  const innerStep = Math.min(inner, CELLS_PER_CALL);
  for (let o = 0; o < outer; o += outerStep) {
    for (let i = 0; i < inner; i += innerStep) yield { firstOuter: o, outer: Math.min(outerStep, outer - o), firstInner: i, inner: Math.min(innerStep, inner - i) };
  }
}

/** Visits the runs of a part: where they lie in the whole, in the part, and how long they are. */
function eachRun(part: Part, inner: number, length: number, visit: (whole: number, own: number) => void): void {
  for (let o = 0; o < part.outer; o++) {
    for (let k = 0; k < length; k++) visit(((part.firstOuter + o) * length + k) * inner + part.firstInner, (o * length + k) * part.inner);
  }
}

function gather({ data, nulls }: KernelData, part: Part, inner: number, length: number): KernelData {
  const size = part.outer * length * part.inner;
  const own = { data: new Float64Array(size), nulls: nulls && new Uint8Array(size) };
  eachRun(part, inner, length, (from, to) => {
    own.data.set(data.subarray(from, from + part.inner), to);
    if (nulls) own.nulls!.set(nulls.subarray(from, from + part.inner), to);
  });
  return own;
}

function scatter({ data, nulls }: UdfSamples, out: KernelData, part: Part, inner: number, length: number): void {
  eachRun(part, inner, length, (to, from) => {
    out.data.set(data.subarray(from, from + part.inner), to);
    if (nulls) out.nulls!.set(nulls.subarray(from, from + part.inner), to);
  });
}

/** A single value or array. */
function onValue(value: Value, sandbox: UdfSandbox): Value {
  const labels = value instanceof LabeledArray ? value.labels : Array.isArray(value) ? value.map((_, i) => i) : null;
  const elements = value instanceof LabeledArray ? value.values : Array.isArray(value) ? value as readonly Value[] : [value];
  const numbers = elements.map((element) => {
    if (element === null || typeof element === 'number' || typeof element === 'boolean') return element;
    throw invalidArgument(ID, 'data', `functions take data cubes, numbers, booleans and arrays of them, not ${kindOf(element)}`);
  });
  const known = numbers.filter((v) => v !== null);
  const cells: UdfCells = { outer: 1, inner: 1, labels, isBoolean: known.length > 0 && known.every((v) => typeof v === 'boolean') };
  const samples = samplesOf({ data: Float64Array.from(numbers, (v) => Number(v ?? 0)), nulls: Uint8Array.from(numbers, (v) => (v === null ? 1 : 0)) });
  const result = sandbox.callSync({ kind: 'probe', cells });
  return valuesOf(sandbox.callSync({ kind: 'cells', cells, samples, result }), result);
}

function valuesOf({ data, nulls }: { readonly data: Float64Array; readonly nulls: Uint8Array | null }, { length, type }: UdfCellResult): Value {
  const values = Array.from(data, (v, i): Value => (nulls?.[i] ? null : type === 'boolean' ? v !== 0 : v));
  return length === null ? values[0]! : values;
}
