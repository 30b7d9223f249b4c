/** Map tiles of collections: XYZ PNGs and their TileJSON. The worker draws; this asks for it and sends it. */
import { Router, type Request, type Response } from 'express';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { TileResult } from '../../jobs/payloads.ts';
import type { TaskQueues } from '../../jobs/queue.ts';
import { isVisible } from '../../layers/layer.ts';
import type { TileView } from '../../layers/tile.ts';
import type { VirtualCatalog } from '../../layers/virtual-catalog.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { StacCollection } from '../../catalog/types.ts';
import { matches } from '../assets/send.ts';
import { farthestZoom } from '../../layers/tile-zoom.ts';
import { tileObjectKey, tileTaskId, type TileTask } from '../../layers/tile-key.ts';

export interface TileDependencies {
  readonly catalog: {
    collection(id: string): Promise<StacCollection | null>;
    revision(id: string): Promise<number>;
  };
  readonly virtual: VirtualCatalog;
  readonly queues: TaskQueues;
  readonly objects: ObjectStore;
  /** Told which tiles are used. */
  readonly cache?: { touch(objectKey: string): void };
  readonly publicUrl: (request: Request) => string;
  /** Finds out who asks; absent: everybody is a visitor. */
  readonly visitor?: (request: Request) => Promise<string | null>;
  /** Tile tasks that may wait before new ones are turned away. */
  readonly maxWaiting?: number;
  /** A tile that is not drawn by then is answered by a hint to ask again; the drawing goes on. */
  readonly deadlineMs?: number;
}

const MAX_ZOOM = 22;

export function createTileRouter(dependencies: TileDependencies): Router {
  const router = Router();
  router.get('/tiles/:collection/tilejson.json', (request, response) => tileJson(dependencies, request, response));
  router.get('/tiles/:collection/:z/:x/:y.png', (request, response) => tile(dependencies, request, response));
  return router;
}

async function tile(dependencies: TileDependencies, request: Request<{ collection: string; z: string; x: string; y: string }>, response: Response): Promise<void> {
  const { catalog, virtual, queues, objects, maxWaiting = 256, deadlineMs = 20_000 } = dependencies;
  const view = parseView(request);
  const { isPrivate } = await findShown(dependencies, request, view.collection);
  const task = { view, revision: await revisionOf(catalog, virtual, view.collection) };
  const etag = `"${tileTaskId(task)}"`;
  response.set({ ETag: etag, 'Cache-Control': `${isPrivate ? 'private' : 'public'}, max-age=60` });
  if (matches(request.headers['if-none-match'], etag)) return void response.status(304).end();
  const stored = await objects.get(tileObjectKey(task));
  if (stored) {
    dependencies.cache?.touch(tileObjectKey(task));
    return send(response, stored, 'hit');
  }
  if ((await queues.depth('tile')).waiting >= maxWaiting) return askAgain(response, 5);
  try {
    const png = await draw(dependencies, task, AbortSignal.timeout(deadlineMs));
    if (png) return send(response, png, 'miss');
    // 204 is what map clients draw as nothing.
    response.removeHeader('ETag');
    response.status(204).end();
  } catch (error) {
    if ((error as Error).name !== 'TimeoutError') throw error;
    askAgain(response, 2);
  }
}

/** Has the tile drawn; null when there is nothing to see. */
async function draw({ queues, objects }: TileDependencies, task: TileTask, signal: AbortSignal): Promise<Uint8Array | null> {
  const id = tileTaskId(task);
  for (;;) {
    await queues.add('tile', { id, payload: task });
    const { objectKey } = await queues.result<TileResult>('tile', id, signal);
    const png = objectKey === null ? null : await objects.get(objectKey);
    if (png || objectKey === null) return png;
    // Drawn some time ago and deleted since: its task must be forgotten to run again.
    signal.throwIfAborted();
    await queues.remove('tile', id);
  }
}

function send(response: Response, png: Uint8Array, cache: 'hit' | 'miss'): void {
  response.status(200).set({ 'Content-Type': 'image/png', 'Lamina-Cache': cache }).end(png);
}

function askAgain(response: Response, seconds: number): void {
  response.set('Retry-After', String(seconds));
  throw new OpenEOError('InfrastructureBusy', {}, { detail: `Ask for the tile again in ${seconds} s.` });
}

/** The collection, if whoever asks may see it. Throws CollectionNotFound. */
async function findShown({ catalog, visitor }: TileDependencies, request: unknown, id: string): Promise<{ stored: StacCollection; isPrivate: boolean }> {
  const stored = await catalog.collection(id);
  const isPrivate = stored !== null && !isVisible(stored, null);
  const user = isPrivate && visitor ? await visitor(request as Request) : null;
  if (!stored || !isVisible(stored, user)) throw new OpenEOError('CollectionNotFound', { identifier: id });
  return { stored, isPrivate };
}

async function revisionOf(catalog: TileDependencies['catalog'], virtual: VirtualCatalog, id: string): Promise<string> {
  const layer = await virtual.layer(id);
  const own = await catalog.revision(id);
  if (!layer) return String(own);
  const sources = await Promise.all(layer.definition.sources.map((source) => catalog.revision(source)));
  return [own, ...sources, layer.operator?.digest ?? ''].join('.');
}

function parseView(request: Request<{ collection: string; z: string; x: string; y: string }>): TileView {
  const { collection } = request.params;
  const [z, x, y] = (['z', 'x', 'y'] as const).map((name) => wholeNumber(name, request.params[name])) as [number, number, number];
  if (z > MAX_ZOOM) throw invalidArgument('tiles', 'z', `it must be 0 to ${MAX_ZOOM}, not ${z}`);
  if (x >= 2 ** z || y >= 2 ** z) throw invalidArgument('tiles', 'x', `zoom ${z} has ${2 ** z} × ${2 ** z} tiles, there is no ${x}/${y}`);
  const query = (name: string) => {
    const value = request.query[name];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return { collection, z, x, y, interval: parseInterval(query('datetime')), bands: query('bands')?.split(',') ?? null, range: parseRange(query('rescale')) };
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,8}$/.test(text)) throw invalidArgument('tiles', name, `'${text}' is no whole number`);
  return Number(text);
}

/** An instant stands for its whole UTC day, as in map clients' time sliders; 'a/b' is an interval. */
function parseInterval(text: string | null): TileView['interval'] {
  if (text === null) return null;
  const instant = (part: string) => {
    const date = new Date(part);
    if (Number.isNaN(date.getTime())) throw invalidArgument('tiles', 'datetime', `'${part}' is no RFC 3339 date`);
    return date;
  };
  const parts = text.split('/');
  if (parts.length > 2) throw invalidArgument('tiles', 'datetime', 'it must be an instant or start/end');
  const bound = (part: string) => (part === '' || part === '..' ? null : instant(part).toISOString());
  if (parts.length === 2) {
    const [from, to] = [bound(parts[0]!), bound(parts[1]!)];
    if (from !== null && to !== null && from >= to) throw invalidArgument('tiles', 'datetime', 'its start must be before its end');
    return [from, to];
  }
  const start = new Date(instant(text).toISOString().slice(0, 10));
  return [start.toISOString(), new Date(start.getTime() + 86_400_000).toISOString()];
}

function parseRange(text: string | null): TileView['range'] {
  if (text === null) return null;
  const [low, high, ...more] = text.split(',').map(Number);
  if (low === undefined || high === undefined || more.length > 0 || !Number.isFinite(high - low) || high <= low) throw invalidArgument('tiles', 'rescale', 'it must be two numbers, the smaller one first');
  return [low, high];
}

async function tileJson(dependencies: TileDependencies, request: Request<{ collection: string }>, response: Response): Promise<void> {
  const { collection: id } = request.params;
  const { virtual, publicUrl } = dependencies;
  const { stored, isPrivate } = await findShown(dependencies, request, id);
  if (isPrivate) response.set('Cache-Control', 'private');
  const described = await virtual.describe(stored);
  const box = described.extent.spatial.bbox[0]!;
  const [west, south, east, north] = box.length === 6 ? [box[0]!, box[1]!, box[3]!, box[4]!] : (box as [number, number, number, number]);
  const layer = await virtual.layer(id);
  response.json({
    tilejson: '3.0.0',
    name: described.title ?? id,
    description: described.description,
    scheme: 'xyz',
    tiles: [`${publicUrl(request)}/tiles/${encodeURIComponent(id)}/{z}/{x}/{y}.png`],
    bounds: [west, south, east, north],
    center: [(west + east) / 2, (south + north) / 2, 13],
    minzoom: layer?.operator ? farthestZoom(layer.operator.manifest.input.gsd * layer.operator.manifest.patch) : 5,
    maxzoom: 16,
  });
}
