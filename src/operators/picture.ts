/** Embeddings as colours: three fixed directions of the operator's space, so a colour means the same everywhere. */
import { createBlock, product, type Block } from '../cube/block.ts';
import { isFloat } from '../cube/dtype.ts';
import type { OperatorManifest } from './operator.ts';

/**
 * RGB bytes [3, cells] of a block of embeddings [dimensions, cells] (leading dimensions of size 1 are
 * ignored): the projection on each component of the operator's basis, low…high drawn as 0…255. Null where
 * the first dimension is null.
 *
 * A block with the first k dimensions only is projected on the first k numbers of each component, as if the
 * others stood at their mean: colours are paler than those of whole vectors, but never of another hue for
 * what is left out. Bits are not drawn, because a basis of lengths says nothing about them. Throws RangeError
 * for bits and for more dimensions than the operator has.
 */
export function pictureOf(block: Block, manifest: OperatorManifest): Block {
  const { dimensions } = manifest.output;
  const shape = block.shape.slice(block.shape.findIndex((n) => n !== 1));
  const count = shape[0] ?? 0;
  if (count < 1 || count > dimensions) throw new RangeError(`a picture needs the first 1 to ${dimensions} dimensions of '${manifest.name}', the block is [${block.shape.join(', ')}]`);
  if (!isFloat(block.dtype)) throw new RangeError(`a picture needs vectors, and the block holds ${block.dtype}: draw single dimensions of a binary view`);
  const cells = product(shape.slice(1));
  const picture = createBlock('uint8', [3, ...shape.slice(1)]);
  for (let channel = 0; channel < 3; channel++) picture.data.set(drawChannel(block, manifest, channel, cells, count), channel * cells);
  const nulls = block.nulls?.subarray(0, cells);
  return nulls?.includes(1) ? { ...picture, nulls: tile(nulls, 3) } : picture;
}

/** 255 · ((v − mean)·component − low) / (high − low), clamped. */
function drawChannel({ data }: Block, { rgb }: OperatorManifest, channel: number, cells: number, count: number): Uint8ClampedArray {
  const component = rgb.components[channel]!.slice(0, count);
  const low = rgb.low[channel]!;
  const gain = 255 / (rgb.high[channel]! - low);
  const start = -low - component.reduce((sum, weight, i) => sum + weight * rgb.mean[i]!, 0);
  const sums = new Float32Array(cells).fill(start * gain);
  component.forEach((weight, dimension) => {
    const factor = weight * gain;
    for (let cell = 0, from = dimension * cells; cell < cells; cell++, from++) sums[cell]! += factor * data[from]!;
  });
  return Uint8ClampedArray.from(sums);
}

function tile(values: Uint8Array, times: number): Uint8Array {
  const out = new Uint8Array(values.length * times);
  for (let i = 0; i < times; i++) out.set(values, i * values.length);
  return out;
}
