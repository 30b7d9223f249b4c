/** Lane 'tile': renders one map tile, keeps it in the object store and notes it in the list of what the cache holds. */
import { boxInDegrees } from '../geo/bbox.ts';
import { encodePng } from '../formats/tile-png.ts';
import type { TileResult } from '../jobs/payloads.ts';
import { noCatalog, type BlockCatalog } from '../layers/block-catalog.ts';
import { openOverviews } from '../layers/overview.ts';
import type { Engine } from '../layers/scope.ts';
import { renderView, TILE_SIZE, tileGrid } from '../layers/tile.ts';
import { tileObjectKey, type TileTask } from '../layers/tile-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export function createTileHandler(engine: Engine, store: ObjectStore, catalog: BlockCatalog = noCatalog): (task: TileTask, signal: AbortSignal) => Promise<TileResult> {
  const overviews = openOverviews(store, catalog);
  return async (task, signal) => {
    const pixels = await renderView(engine, task.view, signal, overviews);
    if (!pixels) return { objectKey: null, mediaType: 'image/png' };
    const objectKey = tileObjectKey(task);
    const png = await encodePng(new Uint8Array(pixels.buffer), TILE_SIZE);
    await store.put(objectKey, png, { contentType: 'image/png' });
    const { collection: layer, z, x, y, matrixSet } = task.view;
    catalog.note({ objectKey, kind: 'tile', state: 'stored', layer, bytes: png.length, footprint: boxInDegrees(tileGrid(z, x, y, matrixSet)) });
    return { objectKey, mediaType: 'image/png' };
  };
}
