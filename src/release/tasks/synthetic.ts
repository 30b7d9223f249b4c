/**
 * The task set that comes along: landscapes made from numbers, so that every release can be judged anywhere, without
 * a download and without anybody's licence. Fields of six covers, mixed with another one, brighter and darker, grained,
 * in rows or blotched, under the haze of their scene. Four things are asked: the cover, the share of green, how rough the
 * ground is, and on which side a patch is lit more, which no statistics of its bands tell.
 *
 * It tells good vectors from broken ones; how well an operator does on the Earth only labels of the Earth can say
 * (files.ts reads those).
 */
import { digest } from '../../cube/digest.ts';
import { covers, greenness, reflectance, wavelengthOf } from './spectra.ts';
import type { Scene, SceneGeometry, Task, TaskSet } from './task-set.ts';

/** Raised when anything below changes what comes out. */
const EDITION = 1;
const SCENES = 8;
const PATTERNS = 3;
const tasks: readonly Task[] = [
  { name: 'cover', kind: 'classes', classes: covers },
  { name: 'green_share', kind: 'amount' },
  { name: 'roughness', kind: 'amount' },
  { name: 'slant', kind: 'amount' },
];

/** Made-up landscapes with so many scenes; fewer are for trying things. They need bands of reflected sunlight. */
export function madeUpLandscapes(scenes: number): TaskSet {
  return {
    name: 'synthetic',
    description: `Made-up landscapes: cover, share of green and roughness of fields, and the light within patches; ${scenes} scenes`,
    license: 'Apache-2.0',
    digest: digest({ name: 'synthetic', edition: EDITION, scenes }),
    tasks,
    scenes(geometry) {
      const unknown = geometry.bands.filter((band) => wavelengthOf(band) === null).map(({ name }) => name);
      if (unknown.length > 0) return { unsuitable: `the made-up landscapes have reflected sunlight only, and no wavelength from 0.4 to 2.5 µm is known of ${unknown.join(', ')}` };
      return scenesFor(geometry, scenes);
    },
  };
}

/** The task set that comes along. */
export const syntheticTasks: TaskSet = madeUpLandscapes(SCENES);

async function* scenesFor(geometry: SceneGeometry, scenes: number): AsyncGenerator<Scene> {
  for (let seed = 1; seed <= scenes; seed++) yield sceneOf(seed, geometry);
}

/** What all pixels of a field share. */
interface Field {
  readonly cover: number;
  readonly other: number;
  readonly share: number;
  readonly brightness: number;
  readonly pattern: number;
  readonly strength: number;
  readonly angle: number;
}

/** Pixels a side: enough for some hundred patches, or six of the large ones a side. */
function sideOf(patch: number): number {
  return patch <= 32 ? Math.floor(192 / patch) * patch : 6 * patch;
}

function sceneOf(seed: number, { bands, patch, halo }: SceneGeometry): Scene {
  const side = sideOf(patch);
  const edge = side + 2 * halo;
  const cell = Math.max(40, 1.5 * patch);
  const wavelengths = bands.map((band) => wavelengthOf(band)!);
  // [cover][band]
  const table = covers.map((cover) => wavelengths.map((w) => reflectance(cover, w)));
  const gain = 0.85 + 0.3 * random(seed, 0, 0, 1);
  const haze = wavelengths.map((w) => 0.02 * random(seed, 0, 0, 2) * (0.49 / w) ** 2);
  const samples = new Float32Array(bands.length * edge * edge);
  const labels: Labels = { cover: new Uint8Array(side * side), green_share: new Float32Array(side * side), roughness: new Float32Array(side * side), slant: new Float32Array(side * side) };
  for (let y = -halo; y < side + halo; y++) {
    for (let x = -halo; x < side + halo; x++) {
      const field = fieldAt(seed, x, y, cell);
      const slant = 2 * random(seed, Math.floor(x / patch), Math.floor(y / patch), 7) - 1;
      const light = gain * field.brightness * (1 + field.strength * texture(seed, field, x, y) + slant * lean(x, patch));
      for (let band = 0; band < bands.length; band++) {
        const ground = table[field.cover]![band]! * (1 - field.share) + table[field.other]![band]! * field.share;
        const noise = 0.006 * (random(seed, x, y, 10 + band) - 0.5);
        samples[(band * edge + y + halo) * edge + x + halo] = Math.max(1, Math.round(10000 * (ground * light + haze[band]! + noise)));
      }
      if (x >= 0 && y >= 0 && x < side && y < side) label(labels, y * side + x, field, slant);
    }
  }
  return { name: `made-up ${seed}`, rows: side, columns: side, samples, labels };
}

interface Labels extends Record<string, Uint8Array | Float32Array> {
  readonly cover: Uint8Array;
  readonly green_share: Float32Array;
  readonly roughness: Float32Array;
  readonly slant: Float32Array;
}

function label(labels: Labels, at: number, { cover, other, share, strength }: Field, slant: number): void {
  labels.cover[at] = cover;
  labels.roughness[at] = strength;
  labels.slant[at] = slant;
  labels.green_share[at] = greenness[covers[cover]!] * (1 - share) + greenness[covers[other]!] * share;
}

/** From −0.3 at the left edge of a patch to 0.3 at its right edge; on average nothing. */
function lean(x: number, patch: number): number {
  return 0.6 * ((x - Math.floor(x / patch) * patch + 0.5) / patch - 0.5);
}

/** The field whose centre is nearest; centres are scattered, one per cell of a grid. */
function fieldAt(seed: number, x: number, y: number, cell: number): Field {
  const column = Math.floor(x / cell);
  const row = Math.floor(y / cell);
  let best = Infinity;
  let found: readonly [number, number] = [column, row];
  for (let r = row - 1; r <= row + 1; r++) {
    for (let c = column - 1; c <= column + 1; c++) {
      const distance = (x - (c + random(seed, c, r, 3)) * cell) ** 2 + (y - (r + random(seed, c, r, 4)) * cell) ** 2;
      if (distance < best) [best, found] = [distance, [c, r]];
    }
  }
  return fieldOf(seed, ...found);
}

function fieldOf(seed: number, column: number, row: number): Field {
  const draw = (what: number) => random(seed, column, row, 100 + what);
  const cover = Math.floor(draw(0) * covers.length);
  return {
    cover,
    other: (cover + 1 + Math.floor(draw(1) * (covers.length - 1))) % covers.length,
    share: 0.45 * draw(2),
    brightness: 0.7 + 0.6 * draw(3),
    pattern: Math.floor(draw(4) * PATTERNS),
    strength: 0.05 + 0.12 * draw(5),
    angle: Math.PI * draw(6),
  };
}

/** About 0 on average, with a deviation of about 1, whatever the pattern. */
function texture(seed: number, { pattern, angle }: Field, x: number, y: number): number {
  if (pattern === 0) return Math.sqrt(12) * (random(seed, x, y, 5) - 0.5);
  if (pattern === 1) return Math.SQRT2 * Math.sin((2 * Math.PI * (x * Math.cos(angle) + y * Math.sin(angle))) / 5);
  const [c, r] = [Math.floor(x / 4), Math.floor(y / 4)];
  return Math.sqrt(12) * (random(seed, c, r, 6) - 0.5);
}

/** A number from 0 to below 1 that looks random and is the same for the same arguments: bits mixed as MurmurHash3 ends. */
function random(seed: number, x: number, y: number, what: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1) ^ Math.imul(what, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}
