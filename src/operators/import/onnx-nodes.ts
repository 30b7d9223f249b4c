/** Writes nodes and constants of ONNX graphs. The numbers are those of fields in onnx.proto. */
import { bytesField, numberField } from './protobuf.ts';
import { FLOAT32 } from './onnx-file.ts';

const INT64 = 7;

/** A piece of a graph: nodes (field 1) and constants (field 5), to be put among its fields. */
export class GraphPiece {
  readonly #opset: number;
  readonly #prefix: string;
  readonly fields: Buffer[] = [];
  #count = 0;

  /** `prefix` begins all names that this gives, so that two pieces of a graph don't use the same. */
  constructor(opset: number, prefix: string) {
    this.#opset = opset;
    this.#prefix = prefix;
  }

  /** Adds a node; gives the name of its result. */
  node(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, number | readonly number[]>> = {}, output = this.#name(operator)): string {
    this.fields.push(bytesField(1, [
      ...inputs.map((name) => bytesField(1, name)), bytesField(2, output), bytesField(3, output), bytesField(4, operator),
      ...Object.entries(attributes).map(([name, value]) => bytesField(5, attribute(name, value))),
    ]));
    return output;
  }

  /** Adds a constant of float32; gives its name. */
  floats(values: readonly number[], shape: readonly number[] = [values.length], name = this.#name('floats')): string {
    return this.#constant(name, FLOAT32, shape, Buffer.from(Float32Array.from(values).buffer));
  }

  /** Adds a constant of whole numbers; gives its name. */
  integers(...values: readonly number[]): string {
    return this.#constant(this.#name('integers'), INT64, [values.length], Buffer.from(BigInt64Array.from(values, BigInt).buffer));
  }

  /** The mean over one axis; from opset 18 on axes are an input. */
  mean(input: string, axis: number): string {
    return this.#opset < 18 ? this.node('ReduceMean', [input], { axes: [axis], keepdims: 0 }) : this.node('ReduceMean', [input, this.integers(axis)], { keepdims: 0 });
  }

  #constant(name: string, type: number, shape: readonly number[], raw: Buffer): string {
    this.fields.push(bytesField(5, [...shape.map((size) => numberField(1, size)), numberField(2, type), bytesField(8, name), bytesField(9, raw)]));
    return name;
  }

  #name(kind: string): string {
    return `${this.#prefix}_${kind}_${this.#count++}`;
  }
}

function attribute(name: string, value: number | readonly number[]): Buffer[] {
  if (typeof value === 'number') return [bytesField(1, name), numberField(3, value), numberField(20, 2)];
  return [bytesField(1, name), ...value.map((entry) => numberField(8, entry)), numberField(20, 7)];
}

/** The declaration of an input or output of float32; a size that is free has a name. */
export function valueInfo(name: string, shape: readonly (number | string)[]): Buffer[] {
  const sizes = shape.map((size) => bytesField(1, [typeof size === 'number' ? numberField(1, size) : bytesField(2, size)]));
  return [bytesField(1, name), bytesField(2, [bytesField(1, [numberField(1, FLOAT32), bytesField(2, sizes)])])];
}
