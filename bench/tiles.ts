/**
 * A 256 × 256 true-colour XYZ tile as PNG against rio-tiler, cold (file opened for the tile) and warm (header
 * and blocks at hand), at three zooms. The file is a COG of 8192 × 8192 × 3 uint16 with overviews: a real
 * Sentinel-2 scene of ../shared/data, mirrored until it fills the file. Pictures are compared first.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import type { StacCollection, StacItem } from '../src/catalog/types.ts';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';
import { encodePng } from '../src/formats/tile-png.ts';
import { transformBounds, WGS84 } from '../src/geo/crs.ts';
import { gridBounds, type Grid } from '../src/geo/grid.ts';
import type { Engine } from '../src/layers/scope.ts';
import { renderView, TILE_SIZE, type TileView } from '../src/layers/tile.ts';
import { alternate, python, say, startPeer, type Figure } from './harness.ts';

const scene = resolve(import.meta.dirname, '../../shared/data/bolzano/S2_L2A_20220612_bolzano_B04B03B02B08SCL_cog.tif');
const SIZE = 8192;
const grid: Grid = { crs: 'EPSG:32632', originX: 600_000, originY: 5_200_000, stepX: 10, stepY: 10, width: SIZE, height: SIZE };
const signal = new AbortController().signal;
const ROUNDS = 7;

const bands = ['B04', 'B03', 'B02'].map((name, i) => ({ name, 'eo:common_name': ['red', 'green', 'blue'][i]! }));
const collection = { id: 'S', bands, 'cube:dimensions': { bands: { type: 'bands', values: bands.map((b) => b.name) } } } as unknown as StacCollection;

function itemOf(path: string): StacItem {
  const projection = { 'proj:code': grid.crs, 'proj:shape': [SIZE, SIZE], 'proj:transform': [10, 0, grid.originX, 0, -10, grid.originY], data_type: 'uint16', nodata: 0 };
  return { type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: 'i', collection: 'S', geometry: null, bbox: [], links: [], properties: { datetime: '2022-06-12T00:00:00Z' }, assets: { data: { href: pathToFileURL(path).href, ...projection, bands } } };
}

function engineOf(item: StacItem, rasters: RasterCache): Engine {
  const catalog = { collection: async () => collection, items: async () => [item], anchors: async () => new Map() };
  const unused = undefined as never;
  return { catalog, rasters, registry: new Map(), operators: unused, blocks: unused };
}

/** Tiles that lie wholly in the scene, spread over it. */
function tilesAt(zoom: number, count: number): { x: number; y: number; z: number }[] {
  const box = transformBounds(gridBounds(grid), WGS84);
  const fractions = Array.from({ length: count }, (_, i) => [0.25 + 0.5 * ((i * 0.618034) % 1), 0.25 + 0.5 * ((i * 0.381966) % 1)] as const);
  return fractions.map(([fx, fy]) => {
    const [longitude, latitude] = [box.west + (box.east - box.west) * fx, box.south + (box.north - box.south) * fy];
    const y = (1 - Math.asinh(Math.tan((latitude * Math.PI) / 180)) / Math.PI) / 2;
    return { z: zoom, x: Math.floor(((longitude + 180) / 360) * 2 ** zoom), y: Math.floor(y * 2 ** zoom) };
  });
}

const viewOf = (tile: { x: number; y: number; z: number }): TileView => ({ collection: 'S', ...tile, interval: null, bands: null, range: [0, 3000] });

async function draw(engine: Engine, tile: { x: number; y: number; z: number }): Promise<Uint8Array> {
  const pixels = await renderView(engine, viewOf(tile), signal);
  if (!pixels) throw new Error(`nothing to see at ${JSON.stringify(tile)}`);
  return encodePng(new Uint8Array(pixels.buffer), TILE_SIZE);
}

/** Peak signal-to-noise ratio of two PNGs in dB. Nearest neighbours may be another pixel at borders, so equality is too much to ask. */
async function psnr(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [x, y] = await Promise.all([a, b].map((png) => sharp(png).ensureAlpha().raw().toBuffer()));
  let sum = 0;
  for (let i = 0; i < x!.length; i++) sum += (x![i]! - y![i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / x!.length));
}

export async function benchTiles(): Promise<Figure[]> {
  if (python === null || !existsSync(scene)) {
    say(`skipped: ${python === null ? 'there is no Python with rio-tiler' : '../shared/data/bolzano is absent'}`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const peer = startPeer('tiles_peer.py');
  const figures: Figure[] = [];
  try {
    const path = join(folder, 'scene.tif');
    await peer.ask({ make: path, scene, size: SIZE });
    const item = itemOf(path);
    const cache = new RasterCache();
    const warm = engineOf(item, cache);
    for (const zoom of [14, 13, 11]) {
      const tiles = tilesAt(zoom, 12);
      const reference = await peer.ask<{ png: string }>({ tile: tiles[0], path, warm: false, png: true });
      const similarity = await psnr(await draw(warm, tiles[0]!), Buffer.from(reference.png, 'base64'));
      if (similarity < 25) throw new Error(`the pictures at zoom ${zoom} differ: ${similarity.toFixed(1)} dB`);
      say(`\nTile 256², zoom ${zoom}, ${tiles.length} tiles a round, per tile (pictures agree to ${similarity.toFixed(1)} dB)`);
      const ours = async (isWarm: boolean) => {
        const start = performance.now();
        for (const tile of tiles) {
          if (isWarm) await draw(warm, tile);
          else {
            const rasters = new RasterCache();
            await draw(engineOf(item, rasters), tile);
            await rasters.close();
          }
        }
        return (performance.now() - start) / tiles.length;
      };
      const theirs = async (isWarm: boolean) => {
        let sum = 0;
        for (const tile of tiles) sum += (await peer.ask<{ ms: number }>({ tile, path, warm: isWarm })).ms;
        return sum / tiles.length;
      };
      const times = await alternate({
        'ours cold': () => ours(false),
        'rio-tiler opened per tile': () => theirs(false),
        'ours warm': () => ours(true),
        'rio-tiler kept open': () => theirs(true),
      }, ROUNDS);
      for (const [kind, mine, other, goal] of [['cold', 'ours cold', 'rio-tiler opened per tile', '≤ 0.6×'], ['warm', 'ours warm', 'rio-tiler kept open', '≤ 0.25×']] as const) {
        const ratio = times[mine]!.median / times[other]!.median;
        figures.push({ what: `XYZ tile, zoom ${zoom}, ${kind}`, ours: `${times[mine]!.median.toFixed(1)} ms`, peer: `rio-tiler ${times[other]!.median.toFixed(1)} ms`, ratio: `${ratio.toFixed(2)}×`, goal });
      }
    }
    await cache.close();
    return figures;
  } finally {
    peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchTiles();
