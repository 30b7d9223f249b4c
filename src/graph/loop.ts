/** The loop around the code of a callback: reads the inputs, runs over the cells in pieces, stores the result. */
import { allocate, type DType, type Samples } from '../cube/dtype.ts';
import type { Label } from '../cube/dimension.ts';
import { OpenEOError } from '../errors.ts';
import type { CodeWriter } from './code-writer.ts';
import type { ArrayOperand, Operand, ScalarOperand, ScalarType } from './emit.ts';
import type { Kernel, KernelData, KernelInput } from './kernel.ts';
import { describeOperand } from './operands.ts';

/** A loop that has been written for inputs with or without no-data. */
export interface Loop {
  readonly dtype: DType;
  readonly length: number | null;
  readonly labels: readonly Label[] | null;
  /** False: the result never has no-data. */
  readonly isNullable: boolean;
  /** Works on the cells of some outer indices and of a range of inner ones; returns 1 when there is no-data among the results. */
  readonly run: CellRange;
}

type CellRange = (
  outerFrom: number, outerTo: number, from: number, to: number, inner: number,
  out: Samples, outNulls: Uint8Array | null, inputs: readonly KernelData[],
) => number;

/** Cells per call: enough to forget the call, few enough that the engine compiles the function while it runs. */
const CELLS_PER_CALL = 4096;

/** How the code reads an input. The names o, i, inner, d0 and m0 are those of the loop in `createLoop`. */
export function inputOperand(writer: CodeWriter, input: KernelInput, index: number, hasNulls: boolean): Operand {
  const type: ScalarType = input.dtype === 'bool' ? 'boolean' : 'number';
  const read = (at: string) => writer.scalar(type, input.dtype, `d${index}[${at}]${type === 'boolean' ? ' !== 0' : ''}`, hasNulls ? `m${index}[${at}]` : null);
  if (input.kind === 'scalar') return read(`${writer.hoisted('o * inner')} + i`);
  const length = input.labels?.length ?? 0;
  const place = (k: string | number) => (/^\d+$/.test(String(k))
    ? `${writer.hoisted(`(o * ${length} + ${k}) * inner`)} + i`
    : `${writer.hoisted(`o * ${length} * inner`)} + i + ${k} * inner`);
  const keyAt = keyReader(writer, input, index, hasNulls, place);
  return {
    kind: 'array', type, dtype: input.dtype, length, count: null, labels: input.labels ?? null, isNullable: hasNulls,
    at: (k) => read(writer.local(place(k))),
    each: (body) => {
      const [k, at] = [writer.variable('0'), writer.variable(place(0))];
      writer.line(`for (; ${k} < ${length}; ${k}++, ${at} += inner) {`);
      body(read(at), k);
      writer.line('}');
    },
    ...(keyAt && { keyAt }),
  } satisfies ArrayOperand;
}

/**
 * Samples as integers that order alike. The bits of a float32 read as an int32 do so once all but the
 * sign are turned over in negative numbers.
 */
function keyReader(writer: CodeWriter, { dtype }: KernelInput, index: number, hasNulls: boolean, place: (k: number) => string): ArrayOperand['keyAt'] {
  if (!['float32', 'uint8', 'int8', 'uint16', 'int16', 'int32'].includes(dtype)) return undefined;
  return (k) => {
    const at = writer.local(place(k));
    const isNull = hasNulls ? writer.local(`m${index}[${at}]`) : null;
    if (dtype !== 'float32') return { key: writer.local(`d${index}[${at}]`), isNull };
    const bits = writer.local(`${writer.hoisted(`new Int32Array(d${index}.buffer, d${index}.byteOffset, d${index}.length)`)}[${at}]`);
    return { key: writer.local(`${bits} ^ (${bits} >> 31 & 0x7fffffff)`), isNull };
  };
}

/** Finishes the code with the storing of the result and makes a function of it. */
export function createLoop(writer: CodeWriter, result: Operand, inputs: number): Loop {
  const shape = storeResult(writer, result);
  const names = Array.from({ length: inputs }, (_, n) => `const d${n} = inputs[${n}].data, m${n} = inputs[${n}].nulls;`);
  const source = `'use strict';
${writer.constants.map((_, n) => `const c${n} = c[${n}];`).join('\n')}
return function cells(outerFrom, outerTo, from, to, inner, out, outNulls, inputs) {
${names.join('\n')}
let hasNull = 0;
for (let o = outerFrom; o < outerTo; o++) {
${writer.preamble}
for (let i = from; i < to; i++) {
${writer.text}
}
}
return hasNull;
};`;
  // Built from numbers and invented names only; see the head of compile.ts.
  // oxlint-disable-next-line typescript/no-implied-eval -- the compiler's purpose
  const create = new Function('c', source) as (constants: readonly unknown[]) => CellRange;
  return { ...shape, run: create(writer.constants) };
}

function storeResult(writer: CodeWriter, result: Operand): Omit<Loop, 'run'> {
  const operand = result.kind === 'constant' ? constantResult(writer, result.value) : result;
  if (operand.kind === 'scalar') {
    store(writer, operand, `${writer.hoisted('o * inner')} + i`);
    return { dtype: operand.dtype, length: null, labels: null, isNullable: operand.isNull !== null };
  }
  if (operand.kind !== 'array') throw unstorable(operand);
  storeArray(writer, operand);
  return { dtype: operand.dtype, length: operand.length, labels: operand.labels, isNullable: operand.isNullable || operand.count !== null };
}

/** A result that does not depend on the inputs. */
function constantResult(writer: CodeWriter, value: (Operand & { kind: 'constant' })['value']): ScalarOperand | ArrayOperand {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return writer.asScalar({ kind: 'constant', value });
  if (typeof value === 'string') throw unstorable({ kind: 'constant', value });
  return writer.array({ result: { kind: 'constant', value } }, 'result');
}

function unstorable(operand: Operand): OpenEOError {
  return new OpenEOError('ProcessGraphInvalid', {}, { detail: `The callback returns ${describeOperand(operand)}; data cubes hold numbers and booleans.` });
}

/** Cells whose array is shorter than the longest possible one are filled up with no-data. */
function storeArray(writer: CodeWriter, array: ArrayOperand): void {
  const start = writer.hoisted(`o * ${array.length} * inner`);
  const place = (index: string) => `${start} + i + ${index} * inner`;
  writer.each(array, (element, index) => store(writer, element, place(index)));
  if (array.count === null) return;
  const rest = writer.variable(array.count);
  writer.line(`for (; ${rest} < ${array.length}; ${rest}++) { outNulls[${place(rest)}] = 1; hasNull = 1; }`);
}

function store(writer: CodeWriter, { type, value, isNull }: ScalarOperand, at: string): void {
  const place = writer.local(at);
  writer.line(`out[${place}] = ${type === 'boolean' ? `${value} ? 1 : 0` : value};`);
  if (isNull === null) return;
  const flag = writer.local(isNull);
  writer.line(`outNulls[${place}] = ${flag}; hasNull |= ${flag};`);
}

/**
 * A kernel of two loops: a fast one for inputs without no-data and one for the rest. Both are written now,
 * so that the kernel keeps nothing of the request it was compiled for.
 */
export function loopKernel(write: (hasNulls: boolean) => Loop): Kernel {
  const [plain, guarded] = [write(false), write(true)];
  const { dtype, length, labels } = plain;
  return {
    dtype, length, labels, isInterpreted: false,
    run: (data, outer, inner) => {
      const hasNulls = data.some((d) => d.nulls !== null);
      return hasNulls ? runLoop(guarded, dtype, data.map(withNulls), outer, inner) : runLoop(plain, dtype, data, outer, inner);
    },
  };
}

/** The guarded loop reads a flag for every sample. */
function withNulls({ data, nulls }: KernelData): KernelData {
  return { data, nulls: nulls ?? new Uint8Array(data.length) };
}

function runLoop(loop: Loop, dtype: DType, data: readonly KernelData[], outer: number, inner: number): KernelData {
  const out = allocate(dtype, outer * (loop.length ?? 1) * inner);
  const nulls = loop.isNullable ? new Uint8Array(out.length) : null;
  const outerStep = Math.max(1, Math.floor(CELLS_PER_CALL / Math.max(1, inner)));
  let hasNull = 0;
  for (let o = 0; o < outer; o += outerStep) {
    const outerTo = Math.min(outer, o + outerStep);
    for (let i = 0; i < inner; i += CELLS_PER_CALL) {
      hasNull |= loop.run(o, outerTo, i, Math.min(inner, i + CELLS_PER_CALL), inner, out, nulls, data);
    }
  }
  return { data: out, nulls: hasNull === 1 ? nulls : null };
}
