/**
 * Makes operators of ONNX models that were not made to be ones. An operator takes raw numbers [n, bands, rows, columns] of any size
 * and gives [n, dimensions, rows, columns] of patches; a vision transformer takes one chip of normalised pixels and gives one vector,
 * or one per token. The difference is put into the graph itself, so that the result runs wherever ONNX runs:
 *
 *     raw pixels → cut into chips → scaled → the model as it was → one vector per chip → put side by side
 */
import { FLOAT32, type OnnxValue } from './onnx-file.ts';
import { GraphPiece, valueInfo } from './onnx-nodes.ts';
import { bytesField, wireFields } from './protobuf.ts';

export const PIXELS = 'lamina_pixels';
export const EMBEDDING = 'lamina_embedding';

/** One tensor that the model wants besides the pixels, and the numbers that it always gets. */
export interface FixedInput {
  readonly name: string;
  /** null: as many as there are chips. */
  readonly shape: readonly (number | null)[];
  /** For one chip. */
  readonly values: readonly number[];
}

export interface Adaptation {
  readonly opset: number;
  /** The input for the pixels, and the output with the vectors. */
  readonly input: OnnxValue;
  readonly output: OnnxValue;
  readonly bands: number;
  readonly dimensions: number;
  /** Each band becomes value · scale + offset; null: it is taken as it is. */
  readonly scaling: { readonly scale: readonly number[]; readonly offset: readonly number[] } | null;
  /** Pixels along the edge of a chip, for a model that takes one chip at a time; null: it takes any size and gives a grid. */
  readonly chip: number | null;
  /** What the model gives for a chip: one vector, a vector per token of which the mean or the first (class) token is taken, or a grid. */
  readonly pooling: 'none' | 'mean' | 'class' | 'grid';
  /** Tokens before those of the image, which the mean leaves out. */
  readonly classTokens: number;
  readonly fixed: readonly FixedInput[];
}

/** The adapted model. Throws RangeError for bytes that are no ONNX model. */
export function adaptOnnx(model: Buffer, plan: Adaptation): Buffer {
  return Buffer.concat([...wireFields(model)].map((field) => (field.number === 7 ? bytesField(7, adaptGraph(field.bytes, plan)) : field.whole)));
}

function adaptGraph(graph: Buffer, plan: Adaptation): Buffer[] {
  const before = new GraphPiece(plan.opset, 'lamina_before');
  const after = new GraphPiece(plan.opset, 'lamina_after');
  const cut = plan.chip === null ? null : cutIntoChips(before, plan.bands, plan.chip);
  const scaled = scale(before, cut?.chips ?? PIXELS, plan);
  before.node('Identity', [scaled], {}, plan.input.name);
  for (const fixed of plan.fixed) giveFixed(before, fixed, scaled);
  const vectors = pool(after, plan);
  after.node('Identity', [cut === null ? vectors : sideBySide(after, vectors, cut, plan.dimensions)], {}, EMBEDDING);
  // Nodes stand in the order in which they run; declared inputs and outputs are those of the whole.
  // 13: sizes that were found out for the former inputs.
  const kept = [...wireFields(graph)].filter(({ number }) => number !== 11 && number !== 12 && number !== 13);
  return [
    ...before.fields, ...kept.map(({ whole }) => whole), ...after.fields,
    bytesField(11, valueInfo(PIXELS, ['n', plan.bands, 'rows', 'columns'])),
    bytesField(12, valueInfo(EMBEDDING, ['n', plan.dimensions, 'patch_rows', 'patch_columns'])),
  ];
}

interface Cut {
  readonly chips: string;
  /** Sizes as tensors of one number. */
  readonly n: string;
  readonly rows: string;
  readonly columns: string;
}

/** [n, bands, rows · chip, columns · chip] → [n · rows · columns, bands, chip, chip] */
function cutIntoChips(piece: GraphPiece, bands: number, chip: number): Cut {
  const shape = piece.node('Shape', [PIXELS]);
  const size = (axis: number) => piece.node('Gather', [shape, piece.integers(axis)]);
  const [n, edge] = [size(0), piece.integers(chip)];
  const [rows, columns] = [piece.node('Div', [size(2), edge]), piece.node('Div', [size(3), edge])];
  const split = piece.node('Concat', [n, piece.integers(bands), rows, edge, columns, edge], { axis: 0 });
  const apart = piece.node('Transpose', [piece.node('Reshape', [PIXELS, split])], { perm: [0, 2, 4, 1, 3, 5] });
  return { chips: piece.node('Reshape', [apart, piece.integers(-1, bands, chip, chip)]), n, rows, columns };
}

/** A constant, repeated for every chip where the model wants it so. */
function giveFixed(piece: GraphPiece, { name, shape, values }: FixedInput, chips: string): void {
  const rest = shape.slice(1).map((size) => size ?? 1);
  if (shape[0] !== null) return void piece.floats(values, shape.map((size) => size ?? 1), name);
  const count = piece.node('Gather', [piece.node('Shape', [chips]), piece.integers(0)]);
  piece.node('Expand', [piece.floats(values, [1, ...rest]), rest.length === 0 ? count : piece.node('Concat', [count, piece.integers(...rest)], { axis: 0 })], {}, name);
}

function scale(piece: GraphPiece, pixels: string, { scaling, bands }: Adaptation): string {
  if (scaling === null) return pixels;
  const shape = [1, bands, 1, 1];
  return piece.node('Add', [piece.node('Mul', [pixels, piece.floats(scaling.scale, shape)]), piece.floats(scaling.offset, shape)]);
}

/** [chips, dimensions], or the grid as it is. */
function pool(piece: GraphPiece, { output, pooling, classTokens, dimensions, chip }: Adaptation): string {
  const flat = (name: string) => piece.node('Reshape', [name, piece.integers(-1, dimensions)]);
  const range = (from: number, to: number) => piece.node('Slice', [output.name, piece.integers(from), piece.integers(to), piece.integers(1)]);
  switch (pooling) {
    case 'none': return flat(output.name);
    case 'class': return flat(range(0, 1));
    case 'mean': return piece.mean(classTokens === 0 ? output.name : range(classTokens, 2 ** 31 - 1), 1);
    // Of a chip the mean over its grid; of a model that takes any size, its grid.
    case 'grid': return chip === null ? output.name : piece.mean(piece.node('Reshape', [output.name, piece.integers(0, dimensions, -1)]), 2);
  }
}

/** [n · rows · columns, dimensions] → [n, dimensions, rows, columns] */
function sideBySide(piece: GraphPiece, vectors: string, { n, rows, columns }: Cut, dimensions: number): string {
  const shape = piece.node('Concat', [n, rows, columns, piece.integers(dimensions)], { axis: 0 });
  return piece.node('Transpose', [piece.node('Reshape', [vectors, shape])], { perm: [0, 3, 1, 2] });
}

/** Why a model can't be adapted; null when it can. */
export function adaptationProblem(input: OnnxValue, output: OnnxValue): string | null {
  if (input.type !== FLOAT32) return `its input '${input.name}' is not float32: export it with a cast inside`;
  if (output.type !== FLOAT32) return `its output '${output.name}' is not float32: export it with a cast inside`;
  if (input.shape.length !== 4) return `its input '${input.name}' has ${input.shape.length} dimensions and not four (n, bands, rows, columns)`;
  return output.shape.length >= 2 && output.shape.length <= 4 ? null : `its output '${output.name}' has ${output.shape.length} dimensions; vectors have two (chips, dimensions), tokens three, grids four`;
}
