/** A service whose maps are really drawn, out of small scenes, for the tests of secondary web services. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { tileGrid } from '../../src/layers/tile-grid.ts';
import { transformBounds } from '../../src/geo/crs.ts';
import { definitionSource } from '../../src/catalog/remote/definitions.ts';
import { createServiceTileHandler } from '../../src/workers/service-tile.ts';
import type { ServiceTask } from '../../src/services/task.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';
import { startService, type TestService } from './service.ts';

export type Json = Record<string, unknown>;

export let service: TestService;
let toy: ToyService;
let folder: string;
export let ann: Record<string, string>;
export let bob: Record<string, string>;
/** Tasks that workers were given; they take none while this is null. */
export let drawn: ServiceTask[] | null;

/** Starts it before the tests of a file. The scene has B02 = 1000 + column and B08 = 3000, on 2021-05-01, and half of both on 2021-06-01. */
export function publishMaps(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamina-services-'));
    const sample = (band: number, x: number) => (band === 0 ? 1000 + x : 3000);
    toy = await toyService(folder, [
      await writeItem(folder, 'a', '2021-05-01T10:00:00Z', sample),
      await writeItem(folder, 'b', '2021-06-01T10:00:00Z', (band, x) => Math.floor(sample(band, x) / 2)),
    ]);
    service = await startService({ registry: toy.engine.registry });
    const engine = { ...toy.engine, definitions: definitionSource(service.userProcesses, () => Promise.reject(new Error('no network'))) };
    const handle = createServiceTileHandler({ engine, objects: service.objects, services: service.services.store, logs: service.services.logs, maxSamples: 1e8 });
    await service.queues.work<ServiceTask, unknown>('tile', 1, async (task, { signal }) => {
      if (drawn === null) return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('The test ends.'))));
      drawn.push(task);
      return handle(task, signal);
    });
    [ann, bob] = [await service.token('ann'), await service.token('bob')];
  });
  beforeEach(() => void (drawn = []));
  afterAll(async () => {
    await service.close();
    await toy.close();
    await rm(folder, { recursive: true, force: true });
  });
}

/** From now on workers take tasks, or none. */
export function work(isThere: boolean): void {
  drawn = isThere ? [] : null;
}

export const load = (changes: Json = {}) => ({ process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: null, temporal_extent: null, bands: ['B02'], ...changes } });
export const newest = { process_id: 'reduce_dimension', arguments: { data: { from_node: 'load' }, dimension: 't', reducer: { process_graph: { m: { process_id: 'max', arguments: { data: { from_parameter: 'data' } }, result: true } } } } };
export const highest = { load: load(), max: { ...newest, result: true } };
export const raw = (changes: Json = {}) => ({ load: { ...load(changes), result: true } });
export const grey = { min: 0, max: 2550, visibility: 'public' };

export const call = (method: string, path: string, body?: unknown, who: Record<string, string> = ann, version = '1.3') => fetch(`${service.url}/openeo/${version}${path}`, {
  method, headers: { ...who, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});

export async function publish(graph: Json, configuration: Json = grey, more: Json = {}): Promise<Json & { id: string; url: string }> {
  const created = await call('POST', '/services', { type: 'xyz', process: { process_graph: graph }, configuration, ...more });
  if (created.status !== 201) throw new Error(await created.text());
  const id = created.headers.get('openeo-identifier')!;
  expect(created.headers.get('location')).toBe(`${service.url}/openeo/1.3/services/${id}`);
  return describeService(id);
}

export const describeService = async (id: string) => (await call('GET', `/services/${id}`)).json() as Promise<Json & { id: string; url: string }>;

export async function refusal(body: unknown, method = 'POST', path = '/services'): Promise<[number, string, string]> {
  const answer = await call(method, path, body);
  const { code, message } = await answer.json() as { code: string; message: string };
  return [answer.status, code, message];
}

/** The tile of a zoom that holds the middle of the scene. */
export function tileAt(zoom: number): { z: number; x: number; y: number } {
  const [n, latitude] = [2 ** zoom, (50.5378 * Math.PI) / 180];
  return { z: zoom, x: Math.floor(((4.4255 + 180) / 360) * n), y: Math.floor(((1 - Math.asinh(Math.tan(latitude)) / Math.PI) / 2) * n) };
}

export const { z, x, y } = tileAt(15);
export const at = (url: string, [a, b, c]: readonly number[] = [z, x, y]) => url.replace('{z}', String(a)).replace('{x}', String(b)).replace('{y}', String(c));

interface Picture {
  readonly data: Buffer;
  readonly width: number;
  /** [r, g, b, a] */
  readonly pixel: (column: number, row: number) => number[];
}

export async function pictureOf(answer: Response): Promise<Picture> {
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  const { data, info } = await sharp(Buffer.from(await answer.arrayBuffer())).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, pixel: (column, row) => [...data.subarray((row * info.width + column) * 4, (row * info.width + column) * 4 + 4)] };
}

/** Column and row of the scene's pixel under the middle of a tile's pixel; null outside of the scene. */
function sceneAt(column: number, row: number, size = 256): { column: number; row: number } | null {
  const grid = tileGrid(z, x, y);
  const step = (grid.stepX * 256) / size;
  const [east, north] = [grid.originX + (column + 0.5) * step, grid.originY - (row + 0.5) * step];
  const there = transformBounds({ west: east, east, south: north, north, crs: 'EPSG:3857' }, 'EPSG:32631');
  const place = { column: Math.floor((there.west - 600_000) / 10), row: Math.floor((5_600_000 - there.north) / 10) };
  return place.column >= 0 && place.row >= 0 && place.column < 128 && place.row < 128 ? place : null;
}

/** Pixels of the tile that lie well inside of the scene, with their place in it. */
export function places(size = 256): { column: number; row: number; scene: { column: number; row: number } }[] {
  const found = [];
  for (let row = 3; row < size; row += 31) for (let column = 3; column < size; column += 31) {
    const scene = sceneAt(column, row, size);
    if (scene && scene.column > 1 && scene.row > 1 && scene.column < 126 && scene.row < 126) found.push({ column, row, scene });
  }
  expect(found.length).toBeGreaterThan(8);
  return found;
}

export const shade = (value: number) => Math.round(value / 10);
export const isNear = (a: number, b: number) => Math.abs(a - b) <= 1;
