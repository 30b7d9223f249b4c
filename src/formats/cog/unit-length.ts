/** Overviews of embeddings: a mean of unit vectors is shorter than 1 and is brought back to it. */
import type { Block } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { vectorLayout } from '../../cube/quantize.ts';

/** True for a cube of whole unit vectors; the first dimensions of one alone have no length to keep. */
export function hasUnitVectors(cube: Cube): boolean {
  const { embedding, encoding } = cube.attributes;
  return embedding?.norm === 'unit' && encoding !== undefined && encoding.method !== 'binary' && cube.find('bands')?.size === embedding.dimensions;
}

/** A new block whose vectors, along `axis`, have length 1. No-data stays, and so does a vector of zeros, which has no direction. */
export function withUnitLength(block: Block, axis: number): Block {
  const { outer, count, inner } = vectorLayout(block.shape, axis);
  const data = block.data.slice();
  const squares = new Float64Array(inner);
  for (let o = 0; o < outer; o++) {
    const start = o * count * inner;
    squares.fill(0);
    for (let i = start, cell = 0; i < start + count * inner; i++, cell = (cell + 1) % inner) {
      const value = data[i]!;
      if (value === value && block.nulls?.[i] !== 1) squares[cell]! += value * value;
    }
    for (let i = start, cell = 0; i < start + count * inner; i++, cell = (cell + 1) % inner) {
      if (squares[cell]! > 0) data[i]! /= Math.sqrt(squares[cell]!);
    }
  }
  return { ...block, data };
}
