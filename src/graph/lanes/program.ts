/** A callback as expressions: plain data that is kept with its kernel, put together with others and written as WebAssembly. */
import { sampleSize, type DType } from '../../cube/dtype.ts';
import { NotCompilable, type ConstantOperand } from '../emit.ts';
import { SCRATCH_PAGES, layOut, outFlagPlace, outPlace, type Layout } from './layout.ts';
import type { Graph } from '../graph.ts';
import type { KernelInput } from '../kernel.ts';
import type { Call } from '../process.ts';
import type { Environment } from '../graph.ts';
import { TooLong, type Place, type Vector } from '../wasm/vector-code.ts';
import { writeGraph } from '../walk.ts';
import type { Expression } from './expression.ts';
import { rangeOfDType } from './facts.ts';
import { LaneGenerator } from './generator.ts';
import type { LaneArray, LaneCallback, LaneOperand, LaneScalar } from './lane-code.ts';
import { laneScalar } from './lane-code.ts';
import { LaneWriter } from './lane-writer.ts';
import * as constants from './vectors.ts';

export interface LaneInput {
  readonly dtype: DType;
  /** Elements of an array; 1 for a single value. */
  readonly length: number;
}

export interface LaneResult {
  readonly value: Expression;
  readonly isNull: Expression | null;
}

export interface LaneProgram {
  readonly inputs: readonly LaneInput[];
  readonly dtype: DType;
  /** Length of the array that is returned; null: a single value. */
  readonly length: number | null;
  /** For inputs without no-data, and for all others. One result per element. */
  readonly plain: readonly LaneResult[];
  readonly guarded: readonly LaneResult[];
}

export interface Source {
  readonly graph: Graph;
  readonly constants: Environment;
  readonly inputs: readonly KernelInput[];
  readonly call: Call;
}

/** Elements of an array that a program can have one by one: longer ones take longer to write than they save. */
const MAX_ELEMENTS = 1024;
/** Nodes of a callback with everything in it. Expressions are written recursively: each node may be a level more. */
const MAX_NODES = 250;

/** The program of a callback; null when something in it has no form for lanes, or gives another type than `dtype`. */
export function writeProgram(source: Source, dtype: DType, length: number | null): LaneProgram | null {
  const inputs = source.inputs.map((input) => ({ dtype: input.dtype, length: input.kind === 'array' ? input.labels?.length ?? 0 : 1 }));
  if ([...inputs.map((i) => i.dtype), dtype].includes('float16')) return null;
  if (source.graph.size > MAX_NODES || inputs.some((input) => input.length > MAX_ELEMENTS)) return null;
  return orNull(() => {
    const [plain, guarded] = [writeResults(source, false), writeResults(source, true)];
    const isExpected = [plain, guarded].every((results) => results.dtype === dtype && results.length === length);
    return isExpected ? { inputs, dtype, length, plain: plain.elements, guarded: guarded.elements } : null;
  });
}

/** Null instead of NotCompilable and TooLong, and for expressions too deep for the stack: the JavaScript kernel does it all. */
export function orNull<T>(write: () => T): T | null {
  try {
    return write();
  } catch (error) {
    if (error instanceof NotCompilable || error instanceof TooLong || error instanceof RangeError) return null;
    throw error;
  }
}

function writeResults({ graph, constants: known, inputs, call }: Source, hasNulls: boolean): { dtype: DType; length: number | null; elements: readonly LaneScalar[] } {
  const writer = new LaneWriter();
  const environment = new Map<string, LaneOperand>([...known].map(([name, value]) => [name, { kind: 'constant', value }]));
  inputs.forEach((input, i) => environment.set(input.name, inputOperand(writer, input, i, hasNulls)));
  const result: LaneOperand = writeGraph<LaneScalar | LaneArray | LaneCallback>(writer, graph, environment, call);
  if (result.kind === 'callback') return writer.giveUp('a callback is returned');
  if (result.kind === 'array' || (result.kind === 'constant' && isArray(result))) {
    const array = writer.array({ result }, 'result');
    return { dtype: array.dtype, length: array.elements.length, elements: array.elements };
  }
  const scalar = writer.single(result);
  return { dtype: scalar.dtype, length: null, elements: [scalar] };
}

const isArray = ({ value }: ConstantOperand) => value !== null && typeof value === 'object';

function inputOperand(writer: LaneWriter, { kind, dtype, labels }: KernelInput, input: number, hasNulls: boolean): LaneOperand {
  const element = (k: number) => laneScalar(dtype, writer.make.sample(input, k, dtype), hasNulls ? writer.make.flag(input, k) : null);
  if (kind === 'scalar') return element(0);
  const type = dtype === 'bool' ? 'boolean' : 'number';
  return { kind: 'array', type, dtype, labels: labels ?? null, elements: Array.from({ length: labels?.length ?? 0 }, (_, k) => element(k)) };
}

export interface Encoded {
  readonly layout: Layout;
  /** Modules for inputs without and with no-data. */
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly guarded: Uint8Array<ArrayBuffer>;
  readonly program: LaneProgram;
}

/** The program as WebAssembly; null when it is too long, or has too many rows for the scratch memory. */
export function encodeProgram(program: LaneProgram): Encoded | null {
  const layout = layOut({ inputs: program.inputs, output: { dtype: program.dtype, length: program.plain.length } });
  if (!layout || program.plain.length === 0) return null;
  return orNull(() => ({ layout, program, plain: encode(program, program.plain, layout), guarded: encode(program, program.guarded, layout) }));
}

function encode({ dtype }: LaneProgram, results: readonly LaneResult[], layout: Layout): Uint8Array<ArrayBuffer> {
  const lanes = new LaneGenerator(layout);
  results.forEach(({ value, isNull }, k) => {
    storeValue(lanes, value, dtype, outPlace(layout, k, dtype));
    if (isNull === null) return;
    const flag = lanes.mask32(isNull);
    storeMask(lanes, flag, outFlagPlace(layout, k));
    lanes.code.alarm(flag);
  });
  return lanes.code.encode(SCRATCH_PAGES);
}

function storeValue(lanes: LaneGenerator, x: Expression, dtype: DType, place: Place): void {
  const { code } = lanes;
  if (dtype === 'bool') return storeMask(lanes, lanes.mask32(x), place);
  if (dtype === 'float32') return code.store('v128.store', place, lanes.single(x));
  if (dtype === 'float64') return lanes.double(x).forEach((part, i) => code.store('v128.store', place, part, { ahead: i * 16 }));
  const [range, limits] = [lanes.facts.rangeOf(x), rangeOfDType(dtype)];
  if (!range || !limits || range[0] < limits[0] || range[1] > limits[1]) throw new NotCompilable(`the result may not fit into ${dtype}`);
  if (dtype === 'uint32') return code.store('v128.store', place, lanes.join(lanes.both('i32x4.trunc_sat_f64x2_u_zero', lanes.double(x))));
  storeInteger(lanes, lanes.integer(x), dtype, place);
}

/** One byte per lane, 0 or 1. */
function storeMask(lanes: LaneGenerator, mask: Vector, place: Place): void {
  storeInteger(lanes, lanes.code.op('v128.and', [mask, lanes.code.constant(constants.integers(1))]), 'uint8', place);
}

/** Narrowing instructions hold values inside the narrower type, where these are anyway. */
function storeInteger({ code }: LaneGenerator, x: Vector, dtype: DType, place: Place): void {
  const sign = dtype.startsWith('u') ? 'u' : 's';
  if (sampleSize(dtype) === 4) return code.store('v128.store', place, x);
  const half = code.op(`i16x8.narrow_i32x4_${sign}`, [x, x]);
  if (sampleSize(dtype) === 2) return code.store('v128.store64_lane', place, half, { lane: 0 });
  code.store('v128.store32_lane', place, code.op(`i8x16.narrow_i16x8_${sign}`, [half, half]), { lane: 0 });
}
