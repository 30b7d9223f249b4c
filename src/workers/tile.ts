/** Lane 'tile': renders one map tile and keeps it in the object store. */
import { encodePng } from '../formats/tile-png.ts';
import type { TileResult } from '../jobs/payloads.ts';
import type { Engine } from '../layers/scope.ts';
import { renderView, TILE_SIZE } from '../layers/tile.ts';
import { tileObjectKey, type TileTask } from '../layers/tile-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export function createTileHandler(engine: Engine, store: ObjectStore): (task: TileTask, signal: AbortSignal) => Promise<TileResult> {
  return async (task, signal) => {
    const pixels = await renderView(engine, task.view, signal);
    if (!pixels) return { objectKey: null, mediaType: 'image/png' };
    const objectKey = tileObjectKey(task);
    await store.put(objectKey, await encodePng(new Uint8Array(pixels.buffer), TILE_SIZE), { contentType: 'image/png' });
    return { objectKey, mediaType: 'image/png' };
  };
}
