/**
 * Task sets of labels that somebody made of the Earth: GeoTIFFs of pixels and of labels on the same grid, listed in a JSON
 * file. docs/release.md says what it holds.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { digest } from '../../cube/digest.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { matchBands } from '../../operators/bands.ts';
import { openRaster } from '../../formats/cog/open.ts';
import { FileHandles, openFileSource } from '../../formats/file-source.ts';
import type { BandDescription } from '../../cube/cube.ts';
import type { Block } from '../../cube/block.ts';
import type { Scene, SceneGeometry, Task, TaskSet } from './task-set.ts';

/** The file, as its author writes it. Paths are relative to it. */
interface TaskFile {
  readonly name: string;
  readonly description: string;
  readonly license: string;
  readonly bands: readonly BandDescription[];
  /** Pixels a side of the squares that are learnt from or judged together; absent: whole scenes. */
  readonly block?: number;
  /** Pixels at the edges that are context only, so that operators with different halos see the same ground. */
  readonly margin: number;
  readonly tasks: readonly FileTask[];
  /** The file of pixels, and per task the file of labels. */
  readonly scenes: readonly { readonly pixels: string; readonly labels: Readonly<Record<string, string>> }[];
}

interface FileTask {
  readonly name: string;
  readonly kind: 'classes' | 'amount';
  /** Code in the file → name. Other codes are left out. */
  readonly classes?: Readonly<Record<string, string>>;
}

/** A task set that can't be used. The message names the file and what is wrong. */
class TaskSetInvalid extends Error {
  override readonly name = 'TaskSetInvalid';
}

/** Reads the list; pixels are read when they are asked for. Throws TaskSetInvalid. */
export async function openTaskSet(path: string): Promise<TaskSet> {
  const file = await readTaskFile(path);
  const folder = dirname(path);
  const paths = file.scenes.flatMap(({ pixels, labels }) => [pixels, ...Object.values(labels)]);
  const sums = await Promise.all(paths.map((each) => fileDigest(resolve(folder, each)).catch((error: NodeJS.ErrnoException) => {
    throw new TaskSetInvalid(`${path}: ${each} can't be read (${error.code ?? error.message})`, { cause: error });
  })));
  return {
    name: file.name, description: file.description, license: file.license,
    ...(file.block === undefined ? {} : { block: file.block }),
    digest: digest({ ...file, sums }),
    tasks: file.tasks.map(({ name, kind, classes }): Task => ({ name, kind, ...(classes ? { classes: Object.values(classes) } : {}) })),
    scenes: (geometry) => scenesOf(file, folder, geometry),
  };
}

function scenesOf(file: TaskFile, folder: string, geometry: SceneGeometry): AsyncIterable<Scene> | { unsuitable: string } {
  if (geometry.halo > file.margin) return { unsuitable: `its margin of ${file.margin} pixels is less than the halo of ${geometry.halo}` };
  try {
    return readScenes(file, folder, geometry, matchBands({ name: 'the operator', input: { bands: geometry.bands } } as Parameters<typeof matchBands>[0], file.bands));
  } catch (error) {
    return { unsuitable: (error as Error).message };
  }
}

async function* readScenes(file: TaskFile, folder: string, geometry: SceneGeometry, bands: readonly number[]): AsyncGenerator<Scene> {
  for (const { pixels, labels } of file.scenes) {
    const whole = await readAll(resolve(folder, pixels), bands);
    const [, height, width] = whole.shape as [number, number, number];
    const [rows, columns] = [height - 2 * file.margin, width - 2 * file.margin];
    const read: Record<string, Uint8Array | Float32Array> = {};
    for (const task of file.tasks) read[task.name] = labelsOf(task, await readAll(resolve(folder, labels[task.name]!), [0]), file.margin, rows, columns);
    yield { name: pixels, rows, columns, samples: inner(whole, file.margin - geometry.halo, geometry.fill), labels: read };
  }
}

/** All pixels of some bands, [bands, rows, columns]. */
async function readAll(path: string, bands: readonly number[]): Promise<Block> {
  const handles = new FileHandles();
  try {
    const raster = await openRaster(await openFileSource(path, handles));
    const { width, height } = raster.levels[0]!;
    return await raster.read({ level: 0, window: { x: 0, y: 0, width, height }, bands });
  } finally {
    await handles.close();
  }
}

/** The samples without `cut` pixels at every edge; `fill` where there is no data. */
function inner({ data, nulls, shape }: Block, cut: number, fill: number): Float32Array {
  const [bands, height, width] = shape as [number, number, number];
  const [rows, columns] = [height - 2 * cut, width - 2 * cut];
  const samples = new Float32Array(bands * rows * columns);
  for (let i = 0; i < samples.length; i++) {
    const at = (Math.floor(i / (rows * columns)) * height + (Math.floor(i / columns) % rows) + cut) * width + (i % columns) + cut;
    samples[i] = nulls?.[at] ? fill : Number(data[at]);
  }
  return samples;
}

function labelsOf({ name, kind, classes }: FileTask, block: Block, margin: number, rows: number, columns: number): Uint8Array | Float32Array {
  if (block.shape[1] !== rows + 2 * margin || block.shape[2] !== columns + 2 * margin) throw new TaskSetInvalid(`the labels of '${name}' are not on the grid of the pixels`);
  const values = inner(block, margin, NaN);
  if (kind === 'amount') return values;
  const numbers = new Map(Object.keys(classes!).map((code, i) => [Number(code), i]));
  return Uint8Array.from(values, (code) => numbers.get(code) ?? 255);
}

async function readTaskFile(path: string): Promise<TaskFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new TaskSetInvalid(`${path} can't be read (${error.code ?? error.message})`, { cause: error });
  });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new TaskSetInvalid(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const problem = problemOf(content as Partial<TaskFile> | null);
  if (problem !== null) throw new TaskSetInvalid(`${path}: ${problem}`);
  return content as TaskFile;
}

function problemOf(file: Partial<TaskFile> | null): string | null {
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  if (!file || !isText(file.name) || !isText(file.description) || !isText(file.license)) return "needs 'name', 'description' and 'license'";
  if (!Array.isArray(file.bands) || !file.bands.every((band: Partial<BandDescription> | null) => isText(band?.name))) return "needs 'bands' with a name each";
  if (!Number.isInteger(file.margin) || file.margin! < 0) return "needs 'margin', a whole number of pixels";
  if (file.block !== undefined && !(Number.isInteger(file.block) && file.block > 0)) return "'block' must be a whole number of pixels above 0";
  if (!Array.isArray(file.tasks) || file.tasks.length === 0) return "needs 'tasks'";
  const tasks = file.tasks as readonly Partial<FileTask>[];
  const odd = tasks.findIndex((task) => !isText(task?.name) || !(task.kind === 'amount' || (task.kind === 'classes' && Object.keys(task.classes ?? {}).length > 1)));
  if (odd >= 0) return `tasks[${odd}] needs 'name' and 'kind' ('amount', or 'classes' with two 'classes' at least)`;
  if (!Array.isArray(file.scenes) || file.scenes.length === 0) return "needs 'scenes'";
  const scenes = file.scenes as readonly Partial<TaskFile['scenes'][number]>[];
  const bare = scenes.findIndex((scene) => !isText(scene?.pixels) || !tasks.every(({ name }) => isText(scene.labels?.[name!])));
  return bare >= 0 ? `scenes[${bare}] needs 'pixels', and 'labels' with a file for ${tasks.map(({ name }) => name).join(', ')}` : null;
}
