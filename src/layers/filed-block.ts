/** Blocks of embeddings out of materialised files. */
import { product } from '../cube/block.ts';
import type { RasterOpener } from '../catalog/read-asset.ts';
import type { FilePointer } from './block-catalog.ts';
import type { StoredBlock } from './block-file.ts';

/**
 * Reads blocks [dimensions, edge, edge] of float32 vectors; null when the file is gone, or is not what the
 * pointer says, so that the block is computed again.
 */
export function filedBlocks(rasters: RasterOpener): (pointer: FilePointer, shape: readonly number[]) => Promise<StoredBlock | null> {
  return async ({ href, band, window }, shape) => {
    const bands = Array.from({ length: shape[0]! }, (_, i) => band + i);
    try {
      const file = await rasters.open(href);
      if (file.dtype !== 'float32' || file.bands.length < band + bands.length) return null;
      const { data, nulls } = await file.read({ level: 0, window, bands }, new AbortController().signal);
      if (data.length !== product(shape)) return null;
      // A vector is there as a whole or not at all: one flag per cell says it.
      const cells = window.width * window.height;
      return { dtype: 'float32', shape, data, nulls: nulls?.slice(0, cells) ?? new Uint8Array(cells) };
    } catch {
      return null;
    }
  };
}
