/** From scenes to samples: vectors of patches with their labels, by operator or by a trivial baseline. */
import type { Samples } from '../probes/samples.ts';
import type { Scene, SceneGeometry, TaskSet } from './task-set.ts';

/** A patch counts for a class when this share of its pixels has it. */
const PURITY = 0.6;
/** More patches of one scene are thinned out: time, not knowledge, grows with them. */
const MOST_PER_SCENE = 320;

/** Vectors of one scene, planar: [dimensions, patches]. */
export type Embed = (scene: Scene) => Promise<Float32Array>;

/** A way to describe patches. */
export interface Describer {
  readonly name: string;
  readonly embed: Embed;
}

/** Which patches are used, what they are, and to which fold they belong. */
export interface Ground {
  /** By task: the label of every patch; classes 255 where none is clear. */
  readonly labels: Readonly<Record<string, Uint8Array | Float64Array>>;
  readonly folds: Uint8Array;
}

/** The patches of all scenes, as several describers see them. */
export interface Described {
  readonly ground: Ground;
  readonly vectors: ReadonlyMap<string, Samples>;
}

const FOLDS = 5;

/** Describes every scene in every way. Scenes are looked at one by one; vectors are kept, pixels are not. */
export async function describe(set: TaskSet, scenes: AsyncIterable<Scene>, { patch }: Pick<SceneGeometry, 'patch'>, describers: readonly Describer[], signal?: AbortSignal): Promise<Described> {
  const rows = new Map(describers.map(({ name }) => [name, [] as Float32Array[]]));
  const labels = Object.fromEntries(set.tasks.map(({ name }) => [name, [] as number[]]));
  const folds: number[] = [];
  let count = 0;
  for await (const scene of scenes) {
    signal?.throwIfAborted();
    const [down, across] = [Math.floor(scene.rows / patch), Math.floor(scene.columns / patch)];
    const used = thinned(down * across, count);
    for (const at of used) folds.push(foldOf(set, count, Math.floor(at / across) * patch, (at % across) * patch));
    for (const task of set.tasks) labels[task.name]!.push(...used.map((at) => labelOf(scene, task.name, task.kind, Math.floor(at / across) * patch, (at % across) * patch, patch)));
    for (const { name, embed } of describers) rows.get(name)!.push(...pick(await embed(scene), down * across, used));
    count++;
  }
  return { ground: { labels: typed(set, labels), folds: Uint8Array.from(folds) }, vectors: new Map([...rows].map(([name, vectors]) => [name, samplesOf(vectors)])) };
}

function typed(set: TaskSet, labels: Readonly<Record<string, number[]>>): Ground['labels'] {
  return Object.fromEntries(set.tasks.map(({ name, kind }) => [name, kind === 'classes' ? Uint8Array.from(labels[name]!) : Float64Array.from(labels[name]!)]));
}

/** Whole scenes, or squares of their ground in turns along diagonals. */
function foldOf({ block }: TaskSet, scene: number, row: number, column: number): number {
  return (block === undefined ? scene : scene + Math.floor(row / block) + 2 * Math.floor(column / block)) % FOLDS;
}

/** At most so many indices below `count`, spread evenly. */
function thinned(count: number, shift: number): number[] {
  const step = Math.max(1, count / MOST_PER_SCENE);
  return Array.from({ length: Math.floor(count / step) }, (_, i) => Math.min(count - 1, Math.floor((i + (shift % 2) / 2) * step)));
}

function labelOf(scene: Scene, task: string, kind: 'classes' | 'amount', row: number, column: number, patch: number): number {
  const pixels = scene.labels[task]!;
  const counts = new Uint32Array(256);
  let sum = 0;
  for (let y = row; y < row + patch; y++) {
    for (let x = column; x < column + patch; x++) {
      const value = pixels[y * scene.columns + x]!;
      if (kind === 'classes') counts[value]!++;
      else sum += value;
    }
  }
  if (kind === 'amount') return sum / patch ** 2;
  const most = counts.indexOf(Math.max(...counts));
  return counts[most]! >= PURITY * patch ** 2 ? most : 255;
}

/** Planar vectors as one array per patch. */
function pick(planar: Float32Array, patches: number, used: readonly number[]): Float32Array[] {
  const width = planar.length / patches;
  if (!Number.isInteger(width) || width === 0) throw new RangeError(`${planar.length} values are no vectors of ${patches} patches`);
  return used.map((at) => Float32Array.from({ length: width }, (_, d) => planar[d * patches + at]!));
}

function samplesOf(vectors: readonly Float32Array[]): Samples {
  const width = vectors[0]?.length ?? 0;
  const values = new Float64Array(vectors.length * width);
  vectors.forEach((vector, i) => values.set(vector, i * width));
  return { count: vectors.length, width, values };
}
