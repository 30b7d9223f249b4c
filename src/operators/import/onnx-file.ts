/** What an ONNX file says of itself, read without running it. The numbers are those of fields in onnx.proto. */
import { wireFields } from './protobuf.ts';

/** A tensor that goes in or comes out. */
export interface OnnxValue {
  readonly name: string;
  /** TensorProto.DataType: 1 is float32, 7 is int64. */
  readonly type: number;
  /** null: whatever size. */
  readonly shape: readonly (number | null)[];
}

export interface OnnxDescription {
  /** Version of the standard operators. */
  readonly opset: number;
  /** Without those that have a value in the file. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Files beside it that hold its weights. */
  readonly weights: readonly string[];
}

export const FLOAT32 = 1;

/** Describes a model. Throws RangeError for bytes that are no ONNX model. */
export function describeOnnx(model: Buffer): OnnxDescription {
  let graph: Buffer | null = null;
  let opset = 0;
  for (const field of wireFields(model)) {
    if (field.number === 7) graph = field.bytes;
    if (field.number === 8) opset ||= standardVersion(field.bytes);
  }
  if (graph === null || opset === 0) throw new RangeError('it is no ONNX model: it has no graph');
  return { opset, ...describeGraph(graph) };
}

/** 0 for operators of somebody else. */
function standardVersion(operators: Buffer): number {
  const [domain, version] = [text(operators, 1), number(operators, 2)];
  return domain === '' || domain === 'ai.onnx' ? version : 0;
}

function describeGraph(graph: Buffer): Omit<OnnxDescription, 'opset'> {
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  const known = new Set<string>();
  const weights = new Set<string>();
  for (const { number: field, bytes } of wireFields(graph)) {
    if (field === 11) inputs.push(describeValue(bytes));
    if (field === 12) outputs.push(describeValue(bytes));
    if (field !== 5) continue;
    known.add(text(bytes, 8));
    for (const entry of messages(bytes, 13)) if (text(entry, 1) === 'location') weights.add(text(entry, 2));
  }
  return { inputs: inputs.filter(({ name }) => !known.has(name)), outputs, weights: [...weights] };
}

function describeValue(value: Buffer): OnnxValue {
  const [type] = messages(value, 2);
  const [tensor] = type ? messages(type, 1) : [];
  const [shape] = tensor ? messages(tensor, 2) : [];
  const sizes = shape ? messages(shape, 1).map((dimension) => number(dimension, 1)) : [];
  return { name: text(value, 1), type: tensor ? number(tensor, 1) : 0, shape: sizes.map((size) => (size > 0 ? size : null)) };
}

function messages(message: Buffer, wanted: number): Buffer[] {
  return [...wireFields(message)].filter((field) => field.number === wanted).map(({ bytes }) => bytes);
}

function text(message: Buffer, wanted: number): string {
  return messages(message, wanted)[0]?.toString('utf8') ?? '';
}

function number(message: Buffer, wanted: number): number {
  return [...wireFields(message)].find((field) => field.number === wanted)?.value ?? 0;
}
