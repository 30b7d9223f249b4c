/**
 * Views of embeddings: the same float32 vectors, stored in fewer bits or cut to their first dimensions.
 * A view is applied when somebody reads; what is computed and cached is always the float32 vector.
 */
import { createBlock, product, type Block, type Window } from '../cube/block.ts';
import type { Cube, Quantization } from '../cube/cube.ts';
import { digest } from '../cube/digest.ts';
import { permute } from '../cube/permute.ts';
import { forwardRegrid } from '../cube/view.ts';
import type { OperatorManifest } from '../operators/operator.ts';
import { encodingOf, viewOf } from '../operators/quantize.ts';

/** What is wanted of the vectors. */
export interface View {
  readonly quantization: Quantization;
  /** Keep the first so many dimensions. */
  readonly count: number;
}

/**
 * The view of a cube of float32 embeddings, whose bands dimension holds every dimension of the operator.
 * Its values are those a reader of the stored form gets back; its encoding tells writers how to store them.
 */
export function viewedCube(vectors: Cube, manifest: OperatorManifest, view: View): Cube {
  const { quantization, count } = view;
  const regrid = forwardRegrid(vectors, (other) => viewedCube(other, manifest, view));
  const bands = vectors.dimensions.findIndex((d) => d.type === 'bands');
  const all = vectors.dimensions[bands]!;
  if (quantization === 'float32' && count === all.size) return vectors.with({ attributes: { ...vectors.attributes, encoding: encodingOf(manifest, quantization, count) }, ...(regrid && { regrid }) });
  const dimension = { ...all, size: count, labels: vectors.labels(all.name).slice(0, count) };
  const whole = (window: Window): Window => ({ start: window.start.with(bands, 0), size: window.size.with(bands, count) });
  return vectors.with({
    ...(regrid && { regrid }),
    dimensions: vectors.dimensions.with(bands, dimension),
    attributes: { ...vectors.attributes, bands: vectors.attributes.bands!.slice(0, count), encoding: encodingOf(manifest, quantization, count) },
    async read(window, signal) {
      const block = await vectors.read(whole(window), signal);
      return pick(viewBlock(block, bands, manifest, quantization), bands, window.start[bands]!, window.size[bands]!);
    },
    fingerprint: async (window) => digest(['view', quantization, count, window, await vectors.fingerprint(whole(window))]),
  });
}

/** Brings the bands to the front, where the quantisation wants them, and back again. */
function viewBlock(block: Block, bands: number, manifest: OperatorManifest, quantization: Quantization): Block {
  if (quantization === 'float32') return block;
  const order = [bands, ...block.shape.map((_, i) => i).filter((i) => i !== bands)];
  const planar = permute(block, order);
  const data = viewOf(planar.data as Float32Array<ArrayBuffer>, manifest, quantization, block.shape[bands]!);
  return permute({ ...planar, data }, order.map((_, i) => order.indexOf(i)));
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
