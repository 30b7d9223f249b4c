/** The result format JSON: cubes as nested arrays with their labels, and plain values as they are. */
import { join } from 'node:path';
import { valueAt } from '../cube/block.ts';
import { Cube } from '../cube/cube.ts';
import type { Dimension } from '../cube/dimension.ts';
import { splitWindow } from '../cube/window.ts';
import { filenamePrefix, readOptions } from './options.ts';
import { requireCells } from './raster-plan.ts';
import { projectionFields } from './stac-asset.ts';
import { reportingFullDisk } from './temporary-file.ts';
import { TextFile } from './text-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from './writer.ts';

const description: FormatDescription = {
  title: 'JSON',
  description: 'A data cube becomes an object with `dims`, `coords`, `attrs` and `data` (nested arrays, in the shape of xarray\'s `DataArray.from_dict`). No-data is null. NaN and infinities, which JSON has no number for, are the strings "NaN", "Infinity" and "-Infinity". Numbers, texts, booleans and arrays are written as they are; a labeled array is `{"type": "labeled-array", "data": [{"key": …, "value": …}, …]}`, as in the tests of the standard. The geometries of a vector cube are among the attributes of their labels.',
  gis_data_types: ['raster', 'vector', 'table', 'other'],
  parameters: {
    filename_prefix: filenamePrefix(),
    non_finite: {
      description: 'How NaN and infinities are written: `text`, as strings; `literal`, as the bare words `NaN`, `Infinity` and `-Infinity`, which is no valid JSON, but what the JSON module of Python reads and writes.',
      type: 'string', enum: ['text', 'literal'], default: 'text',
    },
  },
};

type NonFinite = 'text' | 'literal';

/** Samples read at once: numbers as text are several times larger than in memory. */
const WINDOW_SAMPLES = 256 * 1024;

export const json: ResultFormat = {
  description,
  write: (data, options, context) => reportingFullDisk(async () => {
    const { filename_prefix: prefix, non_finite: nonFinite } = readOptions(description, options);
    return [await writeJson(data, `${String(prefix)}.json`, nonFinite as NonFinite, context)];
  }),
};

async function writeJson(data: unknown, name: string, nonFinite: NonFinite, context: WriteContext): Promise<WrittenFile> {
  if (data instanceof Cube) requireCells(data);
  const path = join(context.directory, name);
  await TextFile.create(path, async (out) => {
    if (data instanceof Cube) await writeCube(data, out, nonFinite, context);
    else await out.write(valueText(data, nonFinite));
  });
  const metadata = data instanceof Cube && data.grid ? projectionFields(data.grid) : {};
  return { path, name, mediaType: 'application/json', roles: ['data'], metadata };
}

async function writeCube(cube: Cube, out: TextFile, nonFinite: NonFinite, { signal, onProgress }: WriteContext): Promise<void> {
  const header = {
    dims: cube.dimensions.map((d) => d.name),
    coords: Object.fromEntries(cube.dimensions.map((d) => [d.name, { dims: [d.name], attrs: geometryAttributes(d), data: cube.labels(d.name) }])),
    attrs: { ...(cube.grid && { crs: cube.grid.crs }), ...(cube.attributes.bands && { bands: cube.attributes.bands }) },
  };
  await out.write(`${JSON.stringify(header).slice(0, -1)},"data":`);
  const nesting = innerSizes(cube.shape);
  const total = cube.shape.reduce((a, b) => a * b, 1);
  let index = 0;
  for (const window of splitWindow(cube.fullWindow(), WINDOW_SAMPLES)) {
    signal.throwIfAborted();
    const block = await cube.read(window, signal);
    const pieces: string[] = [];
    for (let i = 0; i < block.data.length; i++, index++) pieces.push(sampleText(valueAt(block, i), index, nesting, nonFinite));
    await out.write(pieces.join(''));
    onProgress?.(index / total);
  }
  await out.write('}');
}

/** What the labels of a geometry dimension stand for. */
function geometryAttributes({ geometries }: Dimension): Record<string, unknown> {
  return geometries ? { crs: geometries.crs, geometries: geometries.shapes } : {};
}

/** For each dimension, outermost first: how many samples one of its arrays holds. */
function innerSizes(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i).reduce((a, b) => a * b, 1));
}

/** A sample with the brackets that open before it and close behind it. */
function sampleText(value: number | boolean | null, index: number, nesting: readonly number[], nonFinite: NonFinite): string {
  const opened = nesting.filter((size) => index % size === 0).length;
  const closed = nesting.filter((size) => (index + 1) % size === 0).length;
  const comma = index > 0 ? ',' : '';
  return `${comma}${'['.repeat(opened)}${scalarText(value, nonFinite)}${']'.repeat(closed)}`;
}

/** A value without parts. What JSON can not say, such as undefined, is null. */
function scalarText(value: unknown, nonFinite: NonFinite): string {
  if (typeof value !== 'number' || Number.isFinite(value)) return JSON.stringify(value) ?? 'null';
  return nonFinite === 'literal' ? String(value) : JSON.stringify(String(value));
}

/** A value of a process graph, with all its parts. */
function valueText(value: unknown, nonFinite: NonFinite): string {
  const text = (part: unknown) => valueText(part, nonFinite);
  if (value === null || typeof value !== 'object') return scalarText(value, nonFinite);
  if (isLabeledArray(value)) {
    const entries = value.labels.map((label, i) => `{"key":${text(label)},"value":${text(value.values[i])}}`);
    return `{"type":"labeled-array","data":[${entries.join(',')}]}`;
  }
  if (Array.isArray(value)) return `[${value.map(text).join(',')}]`;
  return `{${Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}:${text(entry)}`).join(',')}}`;
}

/** The graph's LabeledArray, which this folder does not know, by its two properties. */
function isLabeledArray(value: object): value is { values: readonly unknown[]; labels: readonly unknown[] } {
  const { values, labels, ...rest } = value as { values?: unknown; labels?: unknown };
  return Array.isArray(values) && Array.isArray(labels) && Object.keys(rest).length === 0;
}
