/** Lane 'tile': renders one map tile and keeps it in the object store. */
import { createHash } from 'node:crypto';
import { encodePng } from '../formats/tile-png.ts';
import type { TileResult } from '../jobs/payloads.ts';
import { renderView, TILE_SIZE, type TileView } from '../layers/tile.ts';
import type { Engine } from '../layers/scope.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** A tile task: what to draw, and the state of the catalog it is drawn from. */
export interface TileTask {
  readonly view: TileView;
  /** Revision of the collection and its source: a changed catalog gives new tiles. */
  readonly revision: string;
}

/** Where the tile of a task is kept; also the task's id. */
export function tileKey(task: TileTask): string {
  return createHash('sha256').update(JSON.stringify(['tile/1', task.view, task.revision])).digest('hex');
}

export function createTileHandler(engine: Engine, store: ObjectStore): (task: TileTask, signal: AbortSignal) => Promise<TileResult> {
  return async (task, signal) => {
    const pixels = await renderView(engine, task.view, signal);
    if (!pixels) return { objectKey: null, mediaType: 'image/png' };
    const objectKey = `tiles/${tileKey(task)}.png`;
    await store.put(objectKey, await encodePng(pixels, TILE_SIZE), { contentType: 'image/png' });
    return { objectKey, mediaType: 'image/png' };
  };
}
