/** Tiles of processes: four of them are the one that they lie in, at the edges of everything too. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { describeMap, drawTile } from '../../src/services/draw.ts';
import type { ServiceDefinition } from '../../src/services/service.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';
import { utmGrid } from '../layers/fixtures.ts';

let folder: string;
let toy: ToyService;
const options = { signal: new AbortController().signal, log: silentLog, maxSamples: 1e8 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-draw-'));
  const west = utmGrid(128, 128);
  toy = await toyService(folder, [
    await writeItem(folder, 'a', '2021-05-01T10:00:00Z', (band, x, y) => 500 + ((x * 37 + y * 91 + band * 500) % 1500), west),
    // Beside it: what is computed over their border must not show it.
    await writeItem(folder, 'b', '2021-05-01T10:00:00Z', (band, x, y) => 500 + ((x * 53 + y * 17 + band * 500) % 1500), { ...west, originX: west.originX + 1280 }),
  ]);
});
afterAll(async () => {
  await toy.close();
  await rm(folder, { recursive: true, force: true });
});

type Graph = Record<string, { process_id: string; arguments: Record<string, unknown>; result?: boolean }>;

const load = (changes: Record<string, unknown> = {}): Graph[string] => ({ process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: null, temporal_extent: null, bands: ['B02'], ...changes } });
const blur: Graph[string] = { process_id: 'apply_kernel', arguments: { data: { from_node: 'load' }, kernel: [[1, 1, 1], [1, 1, 1], [1, 1, 1]], factor: 1 / 9 } };
const flat: Graph[string] = { process_id: 'reduce_dimension', arguments: { data: { from_node: 'load' }, dimension: 't', reducer: { process_graph: { m: { process_id: 'first', arguments: { data: { from_parameter: 'data' } }, result: true } } } } };
const box = { west: 4.42, south: 50.533, east: 4.43, north: 50.539 };
const ending = (graph: Graph, last: string): Graph => ({ ...graph, [last]: { ...graph[last]!, result: true } });

const mapOf = (graph: Graph, configuration: Record<string, unknown> = { max: 2550 }): { owner: string; name: string; definition: ServiceDefinition } => ({ owner: 'ann', name: 'map', definition: { process: { process_graph: graph }, configuration } });

/** The tile of a zoom that holds the border of the two scenes. */
function tileAt(zoom: number): { z: number; x: number; y: number; matrixSet: 'WebMercatorQuad'; interval: null } {
  const [n, latitude] = [2 ** zoom, (50.536 * Math.PI) / 180];
  return { z: zoom, x: Math.floor(((4.4285 + 180) / 360) * n), y: Math.floor(((1 - Math.asinh(Math.tan(latitude)) / Math.PI) / 2) * n), matrixSet: 'WebMercatorQuad', interval: null };
}

/** RGBA of a tile, as many numbers as it has pixels. */
async function pixels(map: ReturnType<typeof mapOf>, place: ReturnType<typeof tileAt>, size = 256): Promise<Uint32Array> {
  const drawn = await drawTile(toy.engine, map, place, options);
  if (!drawn) return new Uint32Array(size * size);
  const { data } = await sharp(drawn.bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return new Uint32Array(Uint8Array.from(data).buffer);
}

/** The four tiles of the next zoom, put together. */
async function quarters(map: ReturnType<typeof mapOf>, { z, x, y, ...rest }: ReturnType<typeof tileAt>): Promise<Uint32Array> {
  const out = new Uint32Array(512 * 512);
  for (const [column, row] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) {
    const part = await pixels(map, { ...rest, z: z + 1, x: 2 * x + column, y: 2 * y + row });
    for (let line = 0; line < 256; line++) out.set(part.subarray(line * 256, line * 256 + 256), (row * 256 + line) * 512 + column * 256);
  }
  return out;
}

const opaque = (all: Uint32Array) => all.filter((pixel) => pixel >>> 24 === 255).length;

describe('tiles fit each other', () => {
  const graphs: Record<string, Graph> = {
    'of the whole collection': ending({ load: load() }, 'load'),
    'computed from neighbours': ending({ load: load(), blur }, 'blur'),
    'of the extent that the tile gives': ending({ load: load({ spatial_extent: { from_parameter: 'spatial_extent' } }), blur }, 'blur'),
    'of an extent': ending({ load: load({ spatial_extent: box }) }, 'load'),
    'of a part that is cut out later': ending({ load: load(), cut: { process_id: 'filter_bbox', arguments: { data: { from_node: 'load' }, extent: box } } }, 'cut'),
    'of embeddings': ending({ load: load({ id: 'LAYER', bands: null }) }, 'load'),
    'of what is computed from embeddings': ending({ load: load({ id: 'LAYER', bands: ['e000'] }), flat }, 'flat'),
  };

  it.each(Object.entries(graphs))('%s', async (_, graph) => {
    const place = tileAt(14);
    const whole = await pixels(mapOf(graph, { max: 2550, tile_size: 512 }), place, 512);
    const parts = await quarters(mapOf(graph), place);
    expect(opaque(whole)).toBeGreaterThan(3000);
    let differing = 0;
    for (let i = 0; i < whole.length; i++) if (whole[i] !== parts[i]) differing++;
    expect(differing).toBe(0);
  });

});

describe('data on a grid of their own', () => {
  const own = ending({ load: load(), own: { process_id: 'resample_spatial', arguments: { data: { from_node: 'load' }, resolution: 40, projection: 32631 } } }, 'own');

  it('are drawn cell by cell', async () => {
    const shown = await pixels(mapOf(own), tileAt(15));
    expect(opaque(shown)).toBeGreaterThan(20_000);
    // Cells of 40 m are some 8 pixels wide.
    let changes = 0;
    for (let i = 1; i < 256; i++) if (shown[128 * 256 + i] !== shown[128 * 256 + i - 1]) changes++;
    expect(changes).toBeGreaterThan(8);
    expect(changes).toBeLessThan(45);
  });

  it('are seen far out too', async () => {
    expect(opaque(await pixels(mapOf(own), tileAt(10)))).toBeGreaterThan(50);
  });
});

it('shows nothing outside of an extent, however it is given', async () => {
  const later = ending({ load: load(), cut: { process_id: 'filter_bbox', arguments: { data: { from_node: 'load' }, extent: box } } }, 'cut');
  const [loaded, cut] = [await pixels(mapOf(ending({ load: load({ spatial_extent: box }) }, 'load')), tileAt(15)), await pixels(mapOf(later), tileAt(15))];
  expect(opaque(loaded)).toBe(opaque(cut));
  expect(opaque(loaded)).toBeLessThan(256 * 256);
  expect(loaded).toEqual(cut);
  const far = { ...tileAt(15), x: 5 };
  for (const graph of [later, ending({ load: load() }, 'load')]) expect(await drawTile(toy.engine, mapOf(graph), far, options)).toBeNull();
});

it('shows nothing where a part that is cut out is not, whatever comes after it', async () => {
  const cut = { process_id: 'filter_bbox', arguments: { data: { from_node: 'load' }, extent: box } };
  const of = (node: string, process: Graph[string]) => ({ ...process, arguments: { ...process.arguments, data: { from_node: node } } });
  const twice = { process_id: 'apply', arguments: { data: { from_node: 'blur' }, process: { process_graph: { m: { process_id: 'multiply', arguments: { x: { from_parameter: 'x' }, y: 2 }, result: true } } } } };
  const merged = { process_id: 'merge_cubes', arguments: { cube1: { from_node: 'flat' }, cube2: { from_node: 'other' }, overlap_resolver: { process_graph: { m: { process_id: 'max', arguments: { data: [{ from_parameter: 'x' }, { from_parameter: 'y' }] }, result: true } } } } };
  const graph = ending({ load: load(), cut, blur: of('cut', blur), twice, flat: of('twice', flat), other: of('twice', flat), merged }, 'merged');
  for (const place of [{ ...tileAt(15), x: 5 }, { ...tileAt(15), y: tileAt(15).y + 3 }]) expect(await drawTile(toy.engine, mapOf(graph), place, options)).toBeNull();
  expect(opaque(await pixels(mapOf(graph), tileAt(15)))).toBeGreaterThan(1000);
});

it('is drawn far out, in both tile matrix sets', async () => {
  const graph = ending({ load: load() }, 'load');
  for (const zoom of [0, 1, 5]) await drawTile(toy.engine, mapOf(graph), tileAt(zoom), options);
  expect(opaque(await pixels(mapOf(graph), tileAt(10)))).toBeGreaterThan(50);
  const degrees = { z: 9, x: Math.floor((184.4285) / (180 / 512)), y: Math.floor((90 - 50.536) / (180 / 512)), matrixSet: 'WorldCRS84Quad', interval: null } as const;
  expect(opaque(await pixels(mapOf(graph), degrees as never))).toBeGreaterThan(50);
});

it('refuses a tile that reads too much', async () => {
  const graph = ending({ load: load() }, 'load');
  await expect(drawTile(toy.engine, mapOf(graph), tileAt(14), { ...options, maxSamples: 1000 })).rejects.toMatchObject({ code: 'ProcessGraphComplexity', path: [{ node_id: 'load', process_id: 'load_collection' }] });
});

it('tells what there is without reading', async () => {
  const { engine } = toy;
  const blind = { ...engine, rasters: { open: () => Promise.reject(new Error('A pixel was read.')) }, blocks: { read: () => Promise.reject(new Error('A block was read.')) } };
  const facts = (graph: Graph) => describeMap(blind, mapOf(graph), options);
  expect(await facts(ending({ load: load() }, 'load'))).toEqual({ bounds: [4.4, 50.4, 4.6, 50.6], days: ['2021-05-01'], bands: ['B02'] });
  expect(await facts(ending({ load: load({ spatial_extent: box }) }, 'load'))).toMatchObject({ bounds: [4.42, 50.533, 4.43, 50.539] });
  expect(await facts(ending({ load: load({ id: 'LAYER', bands: null }), flat }, 'flat'))).toMatchObject({ days: [], bands: ['e000', 'e001'] });
  expect(await facts(ending({ load: load({ temporal_extent: ['1999-01-01', '1999-02-01'] }) }, 'load'))).toMatchObject({ days: [], bands: [] });
});
