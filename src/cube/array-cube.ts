/** Cubes that lie in memory, and reading a cube into memory. */
import type { Grid } from '../geo/grid.ts';
import { product, type Block } from './block.ts';
import { Cube, type CubeAttributes } from './cube.ts';
import { digest, digestBytes } from './digest.ts';
import type { Dimension } from './dimension.ts';
import type { DType, Samples } from './dtype.ts';
import { cropBlock } from './paste.ts';

export interface ArrayCubeParts {
  readonly dimensions: readonly Dimension[];
  readonly grid?: Grid | null;
  readonly dtype: DType;
  /** Row-major in the order of the dimensions. */
  readonly data: Samples;
  readonly nulls?: Uint8Array | null;
  readonly attributes?: CubeAttributes;
}

/**
 * A cube over samples in memory. Beyond its extent everything is no-data. The fingerprint is a digest of
 * the samples in the window, so equal content has equal fingerprints wherever it came from.
 * Throws RangeError when the number of samples does not match the dimensions (a programming error).
 */
export function arrayCube(parts: ArrayCubeParts): Cube {
  const shape = parts.dimensions.map((d) => d.size);
  if (parts.data.length !== product(shape)) throw new RangeError(`${parts.data.length} samples for the shape [${shape.join(', ')}]`);
  const block: Block = { dtype: parts.dtype, shape, data: parts.data, nulls: parts.nulls ?? null };
  const whole = { start: shape.map(() => 0), size: shape };
  return new Cube({
    dimensions: parts.dimensions,
    grid: parts.grid ?? null,
    dtype: parts.dtype,
    ...(parts.attributes && { attributes: parts.attributes }),
    read: async (window) => cropBlock(block, whole, window),
    fingerprint: async (window) => blockDigest(cropBlock(block, whole, window)),
  });
}

/** Digest of what a block says: type, shape and valid samples; what lies under no-data does not count. */
function blockDigest(block: Block): string {
  const facts = digest([block.dtype, block.shape]);
  if (!block.nulls?.includes(1)) return digestBytes(facts, block.data);
  const nulls = block.nulls;
  const data = block.data.slice();
  for (let i = 0; i < nulls.length; i++) if (nulls[i]) data[i] = 0;
  return digestBytes(facts, data, nulls);
}

/** Reads the whole cube as one block. Only for cubes that are known to be small. */
export function readAll(cube: Cube, signal?: AbortSignal): Promise<Block> {
  return cube.read(cube.fullWindow(), signal);
}
