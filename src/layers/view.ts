/**
 * Views of embeddings: the same float32 vectors, stored in fewer bits or cut to their first dimensions.
 * A view is applied when somebody reads; what is computed and cached is always the float32 vector.
 */
import { createBlock, product, type Block, type Window } from '../cube/block.ts';
import type { Cube, Quantization } from '../cube/cube.ts';
import { digest } from '../cube/digest.ts';
import { quantizedBlock } from '../cube/quantize.ts';
import { forwardRegrid } from '../cube/view.ts';
import { invalidArgument } from '../errors.ts';
import type { ViewRequest } from '../graph/scope.ts';
import type { OperatorManifest, OperatorRegistry } from '../operators/operator.ts';
import { encodingOf } from '../operators/quantize.ts';
import { embeddingLabels } from './describe.ts';

/** What is wanted of the vectors. */
export interface View {
  readonly quantization: Quantization;
  /** Keep the first so many dimensions. */
  readonly count: number;
}

/** Hears how many elements of the vectors that were read an encoding could not hold. */
export type OnSaturated = (count: number) => void;

/**
 * The view of a cube of float32 embeddings, whose bands dimension holds the first dimensions of the operator,
 * `count` or more. Its values are those a reader of the stored form gets back; its encoding tells writers how
 * to store them. Bits are uint8, everything else stays float32.
 */
export function viewedCube(vectors: Cube, manifest: OperatorManifest, view: View, onSaturated?: OnSaturated): Cube {
  const { quantization, count } = view;
  const regrid = forwardRegrid(vectors, (other) => viewedCube(other, manifest, view, onSaturated));
  const bands = vectors.dimensions.findIndex((d) => d.type === 'bands');
  const all = vectors.dimensions[bands]!;
  const encoding = encodingOf(manifest, quantization, count);
  const attributes = { ...vectors.attributes, encoding };
  if (quantization === 'float32' && count === all.size) return vectors.with({ attributes, ...(regrid && { regrid }) });
  const dimension = { ...all, size: count, labels: vectors.labels(all.name).slice(0, count) };
  const whole = (window: Window): Window => ({ start: window.start.with(bands, 0), size: window.size.with(bands, count) });
  return vectors.with({
    ...(regrid && { regrid }),
    dtype: quantization === 'binary' ? 'uint8' : vectors.dtype,
    dimensions: vectors.dimensions.with(bands, dimension),
    attributes: { ...attributes, bands: vectors.attributes.bands!.slice(0, count) },
    async read(window, signal) {
      const block = await vectors.read(whole(window), signal);
      return pick(quantizedBlock(block, bands, encoding, onSaturated), bands, window.start[bands]!, window.size[bands]!);
    },
    fingerprint: async (window) => digest(['view', quantization, count, window, await vectors.fingerprint(whole(window))]),
  });
}

/**
 * The view of a cube that holds float32 embeddings already, e.g. of a layer. Throws ProcessParameterInvalid
 * when it holds none, when they are quantised, when other than the operator's first dimensions are left, and
 * as `keptDimensions` does; OperatorNotFound when nobody knows their operator any more.
 */
export function requestedView({ process, data, quantization, dimensions }: ViewRequest, operators: OperatorRegistry, onSaturated?: OnSaturated): Cube {
  const { operator, encoding } = data.attributes;
  const bands = data.find('bands');
  if (operator === undefined || !bands) throw invalidArgument(process, 'data', 'it holds no embeddings; compress_embed makes them, layers have them');
  if (encoding && encoding.method !== 'float32') throw invalidArgument(process, 'data', `it holds the view ${encoding.method} already; only float32 embeddings have views`);
  const { manifest } = operators.resolve(operator);
  const names = embeddingLabels(manifest.output.dimensions);
  if (!data.labels(bands.name).every((label, i) => label === names[i])) {
    throw invalidArgument(process, 'data', `its labels must be the first of '${manifest.name}' (${names[0]}, ${names[1] ?? '…'}, …) in their order; pick or rename dimensions after this process`);
  }
  return viewedCube(data, manifest, { quantization, count: keptDimensions(process, dimensions, manifest, bands.size) }, onSaturated);
}

/** How many dimensions are kept when `wanted` are asked for (null: all) of those there are. Throws ProcessParameterInvalid. */
export function keptDimensions(process: string, wanted: number | null, { name, output }: OperatorManifest, available = output.dimensions): number {
  if (wanted === null || wanted === available) return available;
  if (wanted < 1 || wanted > available) {
    const owner = available === output.dimensions ? `operator '${name}'` : 'the cube';
    throw invalidArgument(process, 'dimensions', `${owner} has 1 to ${available} dimensions, not ${wanted}`);
  }
  if (!output.prefix_truncatable) throw invalidArgument(process, 'dimensions', `operator '${name}' can't be cut to its first dimensions`);
  return wanted;
}

/** `size` of the bands from `start` on. */
function pick(block: Block, bands: number, start: number, size: number): Block {
  if (start === 0 && size === block.shape[bands]) return block;
  const inner = product(block.shape.slice(bands + 1));
  const step = block.shape[bands]! * inner;
  const out = createBlock(block.dtype, block.shape.with(bands, size));
  const nulls = block.nulls && new Uint8Array(out.data.length);
  for (let from = start * inner, to = 0; to < out.data.length; from += step, to += size * inner) {
    out.data.set(block.data.subarray(from, from + size * inner), to);
    nulls?.set(block.nulls!.subarray(from, from + size * inner), to);
  }
  return nulls ? { ...out, nulls } : out;
}
