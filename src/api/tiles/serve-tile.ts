/** Gets a tile for a request: from who has it already, from the object store, or drawn by a worker. The API draws nothing. */
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { TileResult } from '../../jobs/payloads.ts';
import type { TaskQueues } from '../../jobs/queue.ts';
import { tileObjectKey, tileTaskId, type TileTask } from '../../layers/tile-key.ts';
import type { TileView } from '../../layers/tile-view.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { matches } from '../assets/send.ts';
import { shownCollection, type MapCatalog, type Visitor } from './map-catalog.ts';

export interface TileService {
  readonly maps: MapCatalog;
  readonly admission: Admission;
  readonly queues: TaskQueues;
  readonly objects: ObjectStore;
  /** Told which tiles are used. */
  readonly cache?: { touch(objectKey: string): void };
  readonly visitor?: Visitor;
  /** Tile tasks that may wait before new ones are turned away. */
  readonly maxWaiting?: number;
  /** A tile that is not drawn by then is answered by a hint to ask again; the drawing goes on. */
  readonly deadlineMs?: number;
}

/** Lets requests in one after another: what one has counted, the next has not changed before it is added. */
export class Admission {
  #last: Promise<unknown> = Promise.resolve();

  enter<T>(work: () => Promise<T>): Promise<T> {
    const entered = this.#last.then(work);
    this.#last = entered.catch(() => {});
    return entered;
  }
}

/**
 * Answers with the tile (200) or 304, and gives false when there is nothing to see: how that is told is the
 * caller's business. Throws CollectionNotFound, what the drawing throws, and InfrastructureBusy with the
 * time to come again.
 */
export async function serveTile(service: TileService, request: Request, response: Response, view: TileView): Promise<boolean> {
  const { maps, objects, cache, visitor, deadlineMs = 20_000 } = service;
  const { state, isPrivate } = await shownCollection(maps, view.collection, async () => (visitor ? visitor(request) : null));
  const task = { view, revision: state };
  const id = tileTaskId(task);
  const etag = `"${id}"`;
  response.set({ ETag: etag, 'Cache-Control': `${isPrivate ? 'private' : 'public'}, max-age=60` });
  if (matches(request.headers['if-none-match'], etag)) {
    response.status(304).end();
    return true;
  }
  const stored = await objects.get(tileObjectKey(task));
  if (stored) {
    cache?.touch(tileObjectKey(task));
    return send(response, stored, 'hit');
  }
  const png = await draw(service, task, AbortSignal.timeout(deadlineMs)).catch((error: unknown) => {
    throw (error as Error).name === 'TimeoutError' ? askAgain(2) : error;
  });
  if (png) return send(response, png, 'miss');
  response.removeHeader('ETag');
  return false;
}

/** Has the tile drawn; null when there is nothing to see. */
async function draw({ queues, objects, admission, maxWaiting = 256 }: TileService, task: TileTask, signal: AbortSignal): Promise<Uint8Array | null> {
  const id = tileTaskId(task);
  const add = () => queues.add('tile', { id, payload: task });
  await admission.enter(async () => {
    if ((await queues.depth('tile')).waiting >= maxWaiting) throw askAgain(5);
    await add();
  });
  for (;;) {
    const { objectKey } = await queues.result<TileResult>('tile', id, signal);
    const png = objectKey === null ? null : await objects.get(objectKey);
    if (png || objectKey === null) return png;
    // Drawn some time ago and deleted since: its task must be forgotten to run again.
    signal.throwIfAborted();
    await queues.remove('tile', id);
    await add();
  }
}

function send(response: Response, png: Uint8Array, cache: 'hit' | 'miss'): true {
  response.status(200).set({ 'Content-Type': 'image/png', 'Content-Length': String(png.length), 'Lamina-Cache': cache }).end(png);
  return true;
}

function askAgain(seconds: number): OpenEOError {
  return new OpenEOError('InfrastructureBusy', {}, { detail: `Ask for the tile again in ${seconds} s.`, retryAfterSeconds: seconds });
}
