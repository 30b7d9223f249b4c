/**
 * Bodies of inference requests: JSON as the Open Inference Protocol has it, or JSON with the values of tensors as
 * bytes behind it (its binary extension, which the common clients use by default).
 */
import { isUtf8 } from 'node:buffer';
import { isDeeperThan, MAX_JSON_DEPTH } from '../../graph/json-depth.ts';
import type { OperatorManifest } from '../../operators/operator.ts';
import { checkShape, inputTensor, outputTensor, refused } from './tensors.ts';

export interface InferenceRequest {
  /** Given back as it is. */
  readonly id?: string;
  /** Of the operator, as JSON has them. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** Whether the output is wanted as bytes. */
  readonly isBinary: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Parameters of requests that are the protocol's; all others are the operator's. */
const OF_PROTOCOL = new Set(['binary_data_output', 'sequence_id', 'sequence_start', 'sequence_end', 'priority', 'timeout']);

/**
 * @param jsonBytes of the body that are JSON; the rest is binary. null: all
 * @param maxSamples values that the input may have
 * @throws ProcessParameterInvalid, naming the field
 */
export function parseInference(body: Buffer, jsonBytes: number | null, manifest: OperatorManifest, maxSamples: number): InferenceRequest {
  const json = parseJson(body.subarray(0, jsonBytes ?? body.length));
  const parameters = fieldsAt(json['parameters'], 'parameters');
  const input = onlyInput(json['inputs'], manifest);
  const shape = input['shape'];
  if (!Array.isArray(shape)) throw refused('shape', 'the input has none');
  checkShape(manifest, shape as number[], maxSamples);
  const count = (shape as number[]).reduce((a, b) => a * b, 1);
  const data = valuesOf(input, count, jsonBytes === null ? null : body.subarray(jsonBytes));
  if (!data.every(Number.isFinite)) throw refused('data', `values must be finite numbers; the operator takes ${manifest.input.fill} in place of missing ones`);
  if (json['id'] !== undefined && typeof json['id'] !== 'string') throw refused('id', 'it must be a text');
  return {
    ...(json['id'] === undefined ? {} : { id: json['id'] }),
    options: Object.fromEntries(Object.entries(parameters).filter(([name]) => !OF_PROTOCOL.has(name))),
    shape: shape as number[],
    data,
    isBinary: wantsBinary(json['outputs'], parameters, manifest),
  };
}

function parseJson(bytes: Buffer): Fields {
  if (!isUtf8(bytes)) throw refused('body', 'it is not valid UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (error) {
    throw refused('body', `it is not valid JSON: ${(error as Error).message}`);
  }
  if (isDeeperThan(value, MAX_JSON_DEPTH)) throw refused('body', `it is nested more than ${MAX_JSON_DEPTH} deep`);
  return fieldsAt(value, 'body');
}

function fieldsAt(value: unknown, name: string): Fields {
  if (value === undefined && name !== 'body') return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(name, 'it must be a JSON object');
  return value as Fields;
}

function onlyInput(inputs: unknown, manifest: OperatorManifest): Fields {
  const { name } = inputTensor(manifest);
  const list = Array.isArray(inputs) ? inputs.map((input) => fieldsAt(input, 'inputs')) : [];
  if (list.length !== 1 || list[0]!['name'] !== name) throw refused('inputs', `there must be one, whose name is '${name}'`);
  return list[0]!;
}

/** How values of a type lie in bytes, little endian. */
const readers: Readonly<Record<string, { readonly bytes: number; readonly read: (view: DataView, at: number) => number }>> = {
  FP32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  FP64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  UINT8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  UINT16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  INT16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  UINT32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  INT32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
};

function valuesOf(input: Fields, count: number, rest: Buffer | null): Float32Array {
  const datatype = input['datatype'];
  const reader = typeof datatype === 'string' && Object.hasOwn(readers, datatype) ? readers[datatype]! : null;
  if (reader === null) throw refused('datatype', `it must be one of ${Object.keys(readers).join(', ')}`);
  const size = fieldsAt(input['parameters'], 'parameters')['binary_data_size'];
  if (size === undefined) return flattened(input['data'], count);
  if (size !== count * reader.bytes || rest?.length !== size) {
    throw refused('binary_data_size', `the shape takes ${count * reader.bytes} bytes as ${String(datatype)}, and as many must follow the JSON, whose length the header Inference-Header-Content-Length says`);
  }
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
  return Float32Array.from({ length: count }, (_, i) => reader.read(view, i * reader.bytes));
}

/** Row by row; lists in lists are as good as one list. */
function flattened(data: unknown, count: number): Float32Array {
  if (!Array.isArray(data)) throw refused('data', 'it must be a list of numbers');
  const values = new Float32Array(count);
  let at = 0;
  const take = (list: readonly unknown[]) => {
    for (const value of list) {
      if (Array.isArray(value)) take(value);
      else if (typeof value !== 'number') throw refused('data', `value ${at} is no number`);
      else values[at++] = value;
    }
  };
  take(data);
  if (at !== count) throw refused('data', `it has ${at} values, and the shape ${count}`);
  return values;
}

function wantsBinary(outputs: unknown, parameters: Fields, manifest: OperatorManifest): boolean {
  const isDefault = parameters['binary_data_output'] === true;
  if (outputs === undefined) return isDefault;
  const { name } = outputTensor(manifest);
  const list = Array.isArray(outputs) ? outputs.map((output) => fieldsAt(output, 'outputs')) : [];
  if (list.length !== 1 || list[0]!['name'] !== name) throw refused('outputs', `there is one, whose name is '${name}'`);
  const asked = fieldsAt(list[0]!['parameters'], 'parameters')['binary_data'];
  return asked === undefined ? isDefault : asked === true;
}
