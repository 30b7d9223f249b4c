/** Reads data cubes out of JSON files, as the format JSON writes them. */
import { arrayCube } from '../cube/array-cube.ts';
import type { BandDescription, Cube } from '../cube/cube.ts';
import { geometryDimension, type Dimension, type Label } from '../cube/dimension.ts';
import { allocate } from '../cube/dtype.ts';
import { unsuitableInput } from '../errors.ts';
import { parseCrs } from '../geo/crs.ts';
import { readGeoJson } from '../geo/geojson.ts';
import { GeometryError } from '../geo/geometry.ts';
import { areDates, axesOf, type Axis } from './axes.ts';

type Fields = Readonly<Record<string, unknown>>;

const MAX_DIMENSIONS = 16;

const words: Readonly<Record<string, number>> = { NaN: NaN, Infinity, '-Infinity': -Infinity };

/** The cube in the bytes of a file. Throws FormatUnsuitable, naming what is wrong with it. */
export function readJsonCube(bytes: Uint8Array, name: string): Cube {
  const root = parse(bytes, name);
  const dims = root['dims'];
  if (!Array.isArray(dims) || dims.length === 0 || dims.length > MAX_DIMENSIONS || !dims.every((dim) => typeof dim === 'string') || new Set(dims).size < dims.length) throw bad(name, 'it has no list \'dims\' with the names of the dimensions');
  const coords = fieldsOf(root['coords']) ?? {};
  const attributes = fieldsOf(root['attrs']) ?? {};
  const shape = shapeOf(root['data'], dims.length);
  const axes = dims.map((dim, i) => axisOf(dim as string, fieldsOf(coords[dim as string]), shape[i]!, attributes, name));
  const { dimensions, grid, flipped } = axesOf(axes, crsOf(attributes['crs'], name));
  const samples = new Samples(shape, flipped, name);
  samples.fill(root['data'], 0, 0);
  return arrayCube({
    dimensions: dimensions.map((dimension) => withGeometries(dimension, fieldsOf(fieldsOf(coords[dimension.name])?.['attrs']), name)),
    grid, ...samples.result(), ...bandsOf(attributes['bands'], axes),
  });
}

function parse(bytes: Uint8Array, name: string): Fields {
  try {
    const root = fieldsOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (root) return root;
  } catch (error) {
    throw bad(name, 'it is not JSON', error);
  }
  throw bad(name, 'it is no JSON object with \'dims\', \'coords\' and \'data\'');
}

function shapeOf(data: unknown, rank: number): number[] {
  const shape: number[] = [];
  for (let part = data; shape.length < rank; part = (part as unknown[] | undefined)?.[0]) shape.push(Array.isArray(part) ? part.length : 0);
  return shape;
}

function axisOf(dim: string, coordinate: Fields | null, size: number, { bands }: Fields, name: string): Axis {
  const labels = (coordinate?.['data'] ?? Array.from({ length: size }, (_, i) => i)) as readonly Label[];
  const isUsable = Array.isArray(labels) && labels.length === size && labels.every((label) => typeof label === 'string' || typeof label === 'number');
  if (!isUsable || size === 0) throw bad(name, `the dimension '${dim}' has ${size} entries, and not as many labels that are texts or numbers`);
  if (fieldsOf(coordinate?.['attrs'])?.['geometries']) return { name: dim, type: 'geometry', labels };
  if ((dim === 'x' || dim === 'y') && labels.every((label) => typeof label === 'number')) return { name: dim, type: 'spatial', axis: dim, labels };
  if (areDates(labels)) return { name: dim, type: 'temporal', labels };
  const isBands = dim === 'bands' || (Array.isArray(bands) && bands.length === size && bands.every((band, i) => fieldsOf(band)?.['name'] === labels[i]));
  return { name: dim, type: isBands ? 'bands' : 'other', labels };
}

function withGeometries(dimension: Dimension, attributes: Fields | null, name: string): Dimension {
  if (dimension.type !== 'geometry') return dimension;
  try {
    const geometries = attributes!['geometries'] as readonly unknown[];
    const { crs, shapes } = readGeoJson({ type: 'FeatureCollection', crs: attributes!['crs'], features: geometries.map((geometry) => ({ type: 'Feature', geometry })) });
    if (shapes.length !== dimension.size) throw new GeometryError('not as many geometries as labels');
    return geometryDimension({ crs, shapes }, dimension.labels!, dimension.name);
  } catch (error) {
    if (error instanceof GeometryError || error instanceof TypeError) throw bad(name, `the geometries of '${dimension.name}' can't be read: ${error.message}`, error);
    throw error;
  }
}

function crsOf(value: unknown, name: string): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  try {
    return parseCrs(value);
  } catch (error) {
    throw bad(name, 'its reference system (attrs.crs) is not known', error);
  }
}

function bandsOf(value: unknown, axes: readonly Axis[]): { attributes?: { bands: readonly BandDescription[] } } {
  const bands = axes.find(({ type }) => type === 'bands');
  if (!bands || !Array.isArray(value) || value.length !== bands.labels.length) return {};
  return { attributes: { bands: value.map((band, i) => ({ ...fieldsOf(band), name: String(bands.labels[i]) })) } };
}

/** Nested arrays as samples in a row. */
class Samples {
  readonly #shape: readonly number[];
  readonly #flipped: number | null;
  readonly #name: string;
  readonly #values: Float64Array<ArrayBuffer>;
  readonly #nulls: Uint8Array;
  #isBoolean = true;

  constructor(shape: readonly number[], flipped: number | null, name: string) {
    this.#shape = shape;
    this.#flipped = flipped;
    this.#name = name;
    const length = shape.reduce((a, b) => a * b, 1);
    this.#values = new Float64Array(length);
    this.#nulls = new Uint8Array(length);
  }

  fill(part: unknown, depth: number, at: number): void {
    if (depth === this.#shape.length) return this.#put(part, at);
    const size = this.#shape[depth]!;
    if (!Array.isArray(part) || part.length !== size) throw bad(this.#name, 'its data are not nested arrays of the same lengths');
    const stride = this.#shape.slice(depth + 1).reduce((a, b) => a * b, 1);
    part.forEach((inner, i) => this.fill(inner, depth + 1, at + (depth === this.#flipped ? size - 1 - i : i) * stride));
  }

  #put(value: unknown, at: number): void {
    if (value === null) {
      this.#nulls[at] = 1;
      return;
    }
    this.#isBoolean &&= typeof value === 'boolean';
    const number = typeof value === 'string' && Object.hasOwn(words, value) ? words[value]! : value;
    if (typeof number !== 'number' && typeof number !== 'boolean') throw bad(this.#name, 'its data hold something other than numbers, booleans and null');
    this.#values[at] = Number(number);
  }

  result() {
    const isBoolean = this.#isBoolean && this.#nulls.includes(0);
    const data = isBoolean ? allocate('bool', this.#values.length) : this.#values;
    if (isBoolean) data.set(this.#values);
    return { dtype: isBoolean ? 'bool' : 'float64', data, nulls: this.#nulls.includes(1) ? this.#nulls : null } as const;
  }
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function bad(name: string, reason: string, cause?: unknown): Error {
  return unsuitableInput(`${name} can't be read as JSON of a data cube: ${reason}.`, { cause });
}
