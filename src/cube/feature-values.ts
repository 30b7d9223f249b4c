/** Vector cubes made of features: their geometries, and the values of some of their properties. */
import type { FeatureSet } from '../geo/geojson.ts';
import { GeometryError } from '../geo/geometry.ts';
import { arrayCube } from './array-cube.ts';
import type { Cube } from './cube.ts';
import type { Label } from './dimension.ts';
import { allocate, type DType } from './dtype.ts';
import { bareCube, featuresDimension } from './geometries.ts';

/**
 * A vector cube with the values of the named properties in a dimension 'properties' (openEO's load_geojson):
 * a label per property, or for a single one that holds arrays a label per element. Without names there are no
 * values. All properties go along with the geometries. Throws GeometryError for a property that no feature
 * has, and for values that a cube can't hold: texts, objects.
 */
export function vectorCube(features: FeatureSet, names: readonly string[]): Cube {
  const geometry = featuresDimension(features);
  if (names.length === 0) return bareCube(geometry);
  const { labels, rows } = tableOf(features, names);
  const cells = rows.flat();
  const dtype: DType = cells.some((v) => v !== null) && cells.every((v) => v === null || typeof v === 'boolean') ? 'bool' : 'float64';
  const data = allocate(dtype, cells.length);
  const nulls = new Uint8Array(cells.length);
  for (const [i, value] of cells.entries()) {
    if (value === null) nulls[i] = 1;
    else data[i] = Number(value);
  }
  const properties = { name: 'properties', type: 'other', size: labels.length, labels } as const;
  return arrayCube({ dimensions: [geometry, properties], dtype, data, nulls: nulls.includes(1) ? nulls : null });
}

type Scalar = number | boolean | null;

function tableOf({ properties }: FeatureSet, names: readonly string[]): { labels: Label[]; rows: Scalar[][] } {
  const absent = names.find((name) => !properties.some((own) => Object.hasOwn(own, name)));
  if (absent !== undefined) {
    const known = [...new Set(properties.flatMap((own) => Object.keys(own)))].slice(0, 30);
    throw new GeometryError(`no feature has a property '${absent}'; there ${known.length > 0 ? `are ${known.join(', ')}` : 'are none'}`);
  }
  const columns = names.map((name) => properties.map((own) => own[name] ?? null));
  if (names.length === 1 && columns[0]!.some(Array.isArray)) return arrayTable(columns[0]!, names[0]!);
  return { labels: [...names], rows: properties.map((_, i) => columns.map((column, k) => scalarOf(column[i], names[k]!))) };
}

/** A property that holds arrays: as many labels as the longest has elements. */
function arrayTable(column: readonly unknown[], name: string): { labels: Label[]; rows: Scalar[][] } {
  const lists = column.map((value) => (value === null ? [] : Array.isArray(value) ? (value as unknown[]) : [value]));
  const longest = Math.max(...lists.map((list) => list.length));
  const labels = Array.from({ length: longest }, (_, i) => i);
  return { labels, rows: lists.map((list) => labels.map((i) => scalarOf(list[i] ?? null, name))) };
}

function scalarOf(value: unknown, name: string): Scalar {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const kind = typeof value === 'string' ? 'texts' : Array.isArray(value) ? 'arrays, which only a single property may' : 'objects';
  throw new GeometryError(`the property '${name}' holds ${kind}; a data cube holds numbers and booleans (properties of every kind go along with the geometries without being named here)`);
}
