/** Gets a tile for a request: from who has it already, from the object store, or drawn by a worker. The API draws nothing. */
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { TileResult } from '../../jobs/payloads.ts';
import type { TaskQueues } from '../../jobs/queue.ts';
import { tileObjectKey, tileTaskId } from '../../layers/tile-key.ts';
import type { TileView } from '../../layers/tile-view.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { matches } from '../assets/send.ts';
import { shownCollection, type MapCatalog, type Visitor } from './map-catalog.ts';

/** What the tiles of collections and those of services have in common. */
export interface Drawing {
  readonly admission: Admission;
  readonly queues: TaskQueues;
  readonly objects: ObjectStore;
  /** Told which tiles are used. */
  readonly cache?: { touch(objectKey: string): void };
  /** Tile tasks that may wait before new ones are turned away. */
  readonly maxWaiting?: number;
  /** A tile that is not drawn by then is answered by a hint to ask again; the drawing goes on. */
  readonly deadlineMs?: number;
}

export interface TileService extends Drawing {
  readonly maps: MapCatalog;
  readonly visitor?: Visitor;
}

/** A tile that somebody wants. */
export interface WantedTile {
  /** The same for all who want the same: the ETag. */
  readonly id: string;
  /** For the worker. */
  readonly payload: unknown;
  readonly objectKey: string;
  readonly mediaType: 'image/png' | 'image/jpeg';
  /** Only for whoever asks: no cache in between may keep it. */
  readonly isPrivate: boolean;
  /** Asked before it is drawn, not when it is there already. Throws when it must not be. */
  readonly admit?: () => void;
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
 * Answers with the tile of a collection (200) or 304, and gives false when there is nothing to see: how that
 * is told is the caller's business. Throws CollectionNotFound, and see `serveDrawn`.
 */
export async function serveTile(service: TileService, request: Request, response: Response, view: TileView): Promise<boolean> {
  const { maps, visitor } = service;
  const { state, isPrivate } = await shownCollection(maps, view.collection, async () => (visitor ? visitor(request) : null));
  const task = { view, revision: state };
  return serveDrawn(service, request, response, { id: tileTaskId(task), payload: task, objectKey: tileObjectKey(task), mediaType: 'image/png', isPrivate });
}

/**
 * Answers with the tile (200) or 304; false when there is nothing to see. Throws what the drawing throws, and
 * InfrastructureBusy with the time to come again.
 */
export async function serveDrawn(drawing: Drawing, request: Request, response: Response, tile: WantedTile): Promise<boolean> {
  const { objects, cache, deadlineMs = 20_000 } = drawing;
  const etag = `"${tile.id}"`;
  response.set({ ETag: etag, 'Cache-Control': `${tile.isPrivate ? 'private' : 'public'}, max-age=60` });
  if (matches(request.headers['if-none-match'], etag)) {
    response.status(304).end();
    return true;
  }
  const stored = await objects.get(tile.objectKey);
  if (stored) {
    cache?.touch(tile.objectKey);
    return send(response, stored, tile, 'hit');
  }
  tile.admit?.();
  const picture = await draw(drawing, tile, AbortSignal.timeout(deadlineMs)).catch((error: unknown) => {
    throw (error as Error).name === 'TimeoutError' ? askAgain(2) : error;
  });
  if (picture) return send(response, picture, tile, 'miss');
  response.removeHeader('ETag');
  return false;
}

/** Has the tile drawn; null when there is nothing to see. */
async function draw({ queues, objects, admission, maxWaiting = 256 }: Drawing, { id, payload }: WantedTile, signal: AbortSignal): Promise<Uint8Array | null> {
  const add = () => queues.add('tile', { id, payload });
  await admission.enter(async () => {
    if ((await queues.depth('tile')).waiting >= maxWaiting) throw askAgain(5);
    await add();
  });
  for (;;) {
    const { objectKey } = await queues.result<TileResult>('tile', id, signal);
    const picture = objectKey === null ? null : await objects.get(objectKey);
    if (picture || objectKey === null) return picture;
    // Drawn some time ago and deleted since: its task must be forgotten to run again.
    signal.throwIfAborted();
    await queues.remove('tile', id);
    await add();
  }
}

function send(response: Response, picture: Uint8Array, { mediaType }: WantedTile, cache: 'hit' | 'miss'): true {
  response.status(200).set({ 'Content-Type': mediaType, 'Content-Length': String(picture.length), 'Lamina-Cache': cache }).end(picture);
  return true;
}

function askAgain(seconds: number): OpenEOError {
  return new OpenEOError('InfrastructureBusy', {}, { detail: `Ask for the tile again in ${seconds} s.`, retryAfterSeconds: seconds });
}
