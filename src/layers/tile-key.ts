/** The name of a tile: what is drawn, from which state of the catalog. */
import { createHash } from 'node:crypto';
import type { TileView } from './tile-view.ts';

/** A tile to draw. Travels on the tile queue. */
export interface TileTask {
  readonly view: TileView;
  /** Revision of the collection and its source: a changed catalog gives new tiles. */
  readonly revision: string;
}

/** Task id of a tile, and its name in the object store. */
export function tileTaskId(task: TileTask): string {
  return createHash('sha256').update(JSON.stringify(['tile/2', task.view, task.revision])).digest('hex');
}

export function tileObjectKey(task: TileTask): string {
  return `tiles/${tileTaskId(task)}.png`;
}
