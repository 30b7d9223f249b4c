/** Lists of tasks: the files below a folder or a prefix, or those that a text, CSV or JSON file names. */
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Place } from './open-grid.ts';

/** A task and where its input is: an absolute file:, http(s): or s3: address. */
export interface ListedTask {
  readonly task: string;
  readonly href: string;
}

/** What is taken for an input when a folder is given. */
const RASTER = /\.tiff?$/i;

/** Names of GeoTIFF files below a place, relative to it, in order. */
export async function tasksBelow({ store, prefix }: Place): Promise<string[]> {
  const tasks: string[] = [];
  for await (const { key } of store.list(prefix)) if (RASTER.test(key)) tasks.push(key.slice(prefix.length));
  return tasks;
}

/**
 * Entries of a list: lines of a text file, the first column of a CSV file or the one called 'path', or an array
 * of texts in a JSON file. Empty lines and repetitions are left out.
 *
 * @throws {Error} when the file can't be read as what its name says
 */
export async function readWorkList(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8');
  const entries = extname(path).toLowerCase() === '.json' ? ofJson(path, text) : extname(path).toLowerCase() === '.csv' ? ofCsv(text) : text.split(/\r?\n/);
  return [...new Set(entries.map((entry) => entry.trim()).filter((entry) => entry !== ''))];
}

/** True for a path of a list of tasks; false for a folder, and for what is not there. */
export async function isWorkList(path: string): Promise<boolean> {
  return /\.(txt|csv|json)$/i.test(path) && (await stat(path).catch(() => null))?.isFile() === true;
}

function ofJson(path: string, text: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value as string[];
  } catch {
    // Told below, as what is valid JSON and no list.
  }
  throw new Error(`${path} is no JSON array of texts.`);
}

function ofCsv(text: string): string[] {
  const rows = text.split(/\r?\n/).filter((line) => line.trim() !== '').map(fieldsOf);
  const column = rows[0]?.indexOf('path') ?? -1;
  return column === -1 ? rows.map((row) => row[0]!) : rows.slice(1).map((row) => row[column] ?? '');
}

/** 'a,"b ""c"", d"' → a | b "c", d */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!.trim());
}

/**
 * Name of the output of each task: that of the input below the folder for outputs, ending in '.tif'.
 *
 * @throws {Error} for two tasks that would have the same
 */
export function outputNames(tasks: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const task of tasks) {
    const segments = task.replace(/^[a-z\d]+:\/\//i, '').split('/').filter((segment) => !['', '.', '..'].includes(segment));
    const name = `${segments.join('/').replace(/\.[^./]*$/, '')}.tif`;
    if (taken.has(name)) throw new Error(`The tasks '${taken.get(name)}' and '${task}' would both be written to ${name}: rename one of them, or make two runs.`);
    taken.set(name, task);
    names.set(task, name);
  }
  return names;
}
