/** Whether a virtual layer of the operator works from end to end: it is published over a small scene, read, and drawn as a map tile. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cube } from '../../cube/cube.ts';
import { transformBounds, WGS84 } from '../../geo/crs.ts';
import { gridBounds } from '../../geo/grid.ts';
import { BLOCK_PATCHES } from '../../layers/patch-lattice.ts';
import { EngineScope } from '../../layers/scope.ts';
import { renderView, type TileView } from '../../layers/tile.ts';
import { tileAt } from '../../layers/tile-grid.ts';
import { silentLog } from '../../log.ts';
import { largestDifference } from '../../operators/package/golden.ts';
import { madeUpLandscapes } from '../tasks/synthetic.ts';
import { LAYER, openSmallWorld, type SmallWorld } from '../trial/small-world.ts';
import { judged, shown, skipped, type Check, type Figure } from './check.ts';
import { embedOne, hills, rms, type Pixels, type Subject } from './subject.ts';

/** Rounding may differ between shapes of blocks; relative to the size of the vectors. */
const TOLERANCE = 1e-4;
/** Patches a side where the landscapes can't be had. */
const SIDE = 8;
/** A layer computes whole blocks: beyond so many samples in one of them a gate would need a machine of its own. */
const MOST_SAMPLES = 2 ** 26;
const EQUATOR_METRES = 40_075_017;

/** Throws what the layer throws. */
export async function checkLayer(subject: Subject, signal: AbortSignal = new AbortController().signal): Promise<Check> {
  const { patch, halo, input: { bands } } = subject.operator.manifest;
  const samples = bands.length * (BLOCK_PATCHES * patch + 2 * halo) ** 2;
  if (samples > MOST_SAMPLES) return skipped('layer', `A block of a layer has ${samples} samples with patches of ${patch} pixels, more than the ${MOST_SAMPLES} that are tried here.`);
  const pixels = await sceneFor(subject);
  const side = (pixels.rows - 2 * halo) / patch;
  const folder = await mkdtemp(join(tmpdir(), 'lamina-gate-'));
  try {
    const world = await openSmallWorld(folder, subject, pixels, side);
    try {
      return await tried(subject, world, pixels, signal);
    } finally {
      await world.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface TrialScene extends Pixels {
  /** Like the ground; else nobody knows what colours its numbers have. */
  readonly isLandscape: boolean;
}

/** A made-up landscape where the bands are of sunlight, else hills. */
async function sceneFor(subject: Subject): Promise<TrialScene> {
  const { patch, halo, input: { bands, fill } } = subject.operator.manifest;
  const scenes = madeUpLandscapes(1).scenes({ bands, patch, halo, fill });
  if ('unsuitable' in scenes) return { ...hills(subject, SIDE), isLandscape: false };
  const [scene] = await Array.fromAsync(scenes);
  return { samples: scene!.samples, rows: scene!.rows + 2 * halo, columns: scene!.columns + 2 * halo, isLandscape: true };
}

async function tried(subject: Subject, world: SmallWorld, pixels: TrialScene, signal: AbortSignal): Promise<Check> {
  const view = tileInside(world);
  const first = await timed(() => renderView(world.engine, view, signal));
  const blocks = world.computed();
  const again = await timed(() => renderView(world.engine, view, signal));
  const computedAgain = world.computed() - blocks;
  const direct = await embedOne(subject, pixels, signal);
  const layer = await vectorsOf(world, signal);
  const tile = first.value ?? new Uint8ClampedArray(0);
  const figures: Figure[] = [
    { name: 'share of the tile that is drawn', value: drawn(tile), at_least: 0.999 },
    { name: 'colours of the tile', value: coloursOf(tile), ...(pixels.isLandscape ? { at_least: 2 } : {}) },
    { name: 'bytes that differ when the tile is drawn again', value: differing(tile, again.value ?? new Uint8ClampedArray(0)), at_most: 0 },
    { name: 'blocks computed for the tile', value: blocks, at_least: 1 },
    { name: 'blocks computed when it is drawn again', value: computedAgain, at_most: 0 },
    { name: 'difference of the layer from the operator, relative', value: largestDifference(layer, direct) / Math.max(rms(direct), 1e-12), at_most: TOLERANCE },
    { name: 'first tile', value: first.ms, unit: 'ms' }, { name: 'the same tile out of the cache', value: again.ms, unit: 'ms' },
  ];
  return judged('layer', figures, `A layer over ${world.patches.width} × ${world.patches.height} patches gives the operator's vectors, and a tile of it in ${shown(first.ms)} ms, out of the cache in ${shown(again.ms)} ms.`);
}

/** A tile that lies in the scene, with half of its width. */
function tileInside({ patches }: SmallWorld): TileView {
  const { west, south, east, north } = transformBounds(gridBounds(patches), WGS84);
  const [longitude, latitude] = [(west + east) / 2, (south + north) / 2];
  const z = Math.ceil(Math.log2((EQUATOR_METRES * Math.cos((latitude * Math.PI) / 180)) / ((patches.width * patches.stepX) / 2)));
  return { collection: LAYER, z, ...tileAt(longitude, latitude, z), interval: null, bands: null, range: null };
}

/** [dimensions, rows, columns] of the patches of the scene, as load_collection gives them; NaN where the layer has none. */
async function vectorsOf({ engine, patches }: SmallWorld, signal: AbortSignal): Promise<Float32Array> {
  const scope = new EngineScope(engine, { signal, log: silentLog });
  const cube: Cube = await scope.loadCollection({ id: LAYER, spatialExtent: gridBounds(patches), temporalExtent: null, bands: null, properties: null });
  const [x, y] = [Math.round((patches.originX - cube.grid!.originX) / patches.stepX), Math.round((cube.grid!.originY - patches.originY) / patches.stepY)];
  const wanted: Readonly<Record<string, readonly [number, number]>> = { x: [x, patches.width], y: [y, patches.height] };
  const window = cube.dimensions.map((d) => wanted[('axis' in d && d.axis) || ''] ?? [0, d.size] as const);
  const { data, nulls } = await cube.read({ start: window.map(([start]) => start), size: window.map(([, size]) => size) }, signal);
  return Float32Array.from(data as Float32Array, (value, i) => (nulls?.[i] ? NaN : value));
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const start = performance.now();
  const value = await work();
  return { value, ms: performance.now() - start };
}

const pixelsOf = (tile: Uint8ClampedArray) => new Uint32Array(tile.buffer, tile.byteOffset, tile.length / 4);
const coloursOf = (tile: Uint8ClampedArray) => new Set(pixelsOf(tile)).size;

/** Share of the pixels that are not transparent. */
function drawn(tile: Uint8ClampedArray): number {
  let count = 0;
  for (let i = 3; i < tile.length; i += 4) count += Number(tile[i] === 255);
  return tile.length === 0 ? 0 : (4 * count) / tile.length;
}

function differing(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  let count = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) count += Number(a[i] !== b[i]);
  return count;
}
