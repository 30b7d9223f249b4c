/** What is in a netCDF-4 file: its variables, their dimensions, and what their attributes say by the CF conventions. */
import { Dataset, type File } from 'h5wasm/node';
import type { Label } from '../../cube/dimension.ts';
import type { DType } from '../../cube/dtype.ts';
import { parseCrs, WGS84 } from '../../geo/crs.ts';
import { areDates, type Axis } from '../axes.ts';
import { instantsOf } from './time.ts';

/** A variable over some dimensions. */
export interface NetcdfVariable {
  readonly name: string;
  /** Names of its dimensions, outermost first. */
  readonly dimensions: readonly string[];
  /** Type of the samples; float64 for whole numbers of 64 bits. */
  readonly dtype: DType;
  /** Stored values that mean no-data. */
  readonly fills: readonly number[];
  readonly scale: number | null;
  readonly offset: number | null;
  readonly text: { readonly long_name?: string; readonly units?: string };
}

export interface NetcdfLayout {
  readonly variables: readonly NetcdfVariable[];
  /** In the order of the variables' dimensions. */
  readonly axes: readonly Axis[];
  readonly crs: string | null;
}

/** Why a file can't be read, as the end of a sentence. */
export class NetcdfProblem extends Error {}

/** Labels lie in memory. */
const MAX_LABELS = 2_000_000;

const INTEGER = 0;
const FLOAT = 1;
const TEXT = 3;
const VARIABLE_TEXT = 9;

/**
 * Finds the variables that become bands: those that are named, or all with numbers that have the same dimensions
 * as the one that has most. Throws NetcdfProblem.
 */
export function layoutOf(file: File, wanted: readonly string[] | null): NetcdfLayout {
  const datasets = new Map(file.keys().map((name) => [name, file.get(name)] as const).filter((entry): entry is [string, Dataset] => entry[1] instanceof Dataset));
  const dimensionsOf = new Map([...datasets].map(([name, dataset]) => [name, dimensionNames(name, dataset)]));
  const coordinates = new Set([...dimensionsOf.values()].flatMap((names) => names ?? []));
  const bounds = new Set([...datasets.values()].map((dataset) => textAttribute(dataset, 'bounds')));
  const candidates = [...datasets].filter(([name, dataset]) => isNumeric(dataset) && !coordinates.has(name) && !bounds.has(name) && (dimensionsOf.get(name)?.length ?? 0) > 0);
  const chosen = choose(candidates, dimensionsOf as ReadonlyMap<string, readonly string[]>, wanted);
  const dimensions = dimensionsOf.get(chosen[0]![0])!;
  return {
    variables: chosen.map(([name, dataset]) => variableOf(name, dataset, dimensions)),
    axes: dimensions.map((name, i) => axisOf(name, datasets.get(name), chosen[0]![1].shape![i]!)),
    crs: crsOf(chosen[0]![1], datasets, dimensions),
  };
}

/** Names of the dimension scales of a dataset; null when it lacks one. */
function dimensionNames(name: string, dataset: Dataset): readonly string[] | null {
  const { shape } = dataset;
  if (!shape) return null;
  const names = shape.map((_, i) => dataset.get_attached_scales(i)[0]?.replace(/^.*\//, ''));
  if (names.every((each) => each !== undefined)) return names;
  return shape.length === 1 && textAttribute(dataset, 'CLASS') === 'DIMENSION_SCALE' ? [name] : null;
}

function isNumeric({ metadata }: Dataset): boolean {
  return (metadata.type === INTEGER || metadata.type === FLOAT) && metadata.size <= 8;
}

function choose(candidates: readonly [string, Dataset][], dimensionsOf: ReadonlyMap<string, readonly string[]>, wanted: readonly string[] | null): [string, Dataset][] {
  if (candidates.length === 0) throw new NetcdfProblem('it has no variable with numbers and named dimensions');
  const key = (name: string) => dimensionsOf.get(name)!.join('\0');
  if (wanted === null) {
    const most = candidates.reduce((a, b) => (dimensionsOf.get(b[0])!.length > dimensionsOf.get(a[0])!.length ? b : a));
    return candidates.filter(([name]) => key(name) === key(most[0]));
  }
  const chosen = wanted.map((name) => {
    const found = candidates.find(([candidate]) => candidate === name);
    if (!found) throw new NetcdfProblem(`it has no variable '${name}'; there are ${candidates.map(([candidate]) => candidate).join(', ')}`);
    return found;
  });
  const other = chosen.find(([name]) => key(name) !== key(wanted[0]!));
  if (other) throw new NetcdfProblem(`'${other[0]}' has other dimensions than '${wanted[0]!}'`);
  return chosen;
}

function variableOf(name: string, dataset: Dataset, dimensions: readonly string[]): NetcdfVariable {
  const { metadata } = dataset;
  if (!metadata.littleEndian && metadata.size > 1) throw new NetcdfProblem(`the variable '${name}' is stored big-endian, which is not read`);
  const fills = ['_FillValue', 'missing_value'].flatMap((attribute) => numbersAttribute(dataset, attribute));
  const dtype = dtypeOf(dataset);
  const [longName, units] = [textAttribute(dataset, 'long_name'), textAttribute(dataset, 'units')];
  return {
    name, dimensions, dtype, fills: dtype === 'float32' ? fills.map(Math.fround) : fills,
    scale: numbersAttribute(dataset, 'scale_factor')[0] ?? null,
    offset: numbersAttribute(dataset, 'add_offset')[0] ?? null,
    text: { ...(longName !== null && { long_name: longName }), ...(units !== null && { units }) },
  };
}

function dtypeOf({ metadata: { type, size, signed } }: Dataset): DType {
  if (type === FLOAT) return size === 2 ? 'float16' : size === 4 ? 'float32' : 'float64';
  if (size === 8) return 'float64';
  return `${signed ? '' : 'u'}int${size * 8}` as DType;
}

const xNames = /^(x|lon|longitude|easting)$/i;
const yNames = /^(y|lat|latitude|northing)$/i;

function axisOf(name: string, dataset: Dataset | undefined, size: number): Axis {
  if (size > MAX_LABELS) throw new NetcdfProblem(`its dimension '${name}' has ${size} entries, more than the ${MAX_LABELS} that are read`);
  const attribute = (key: string) => (dataset ? textAttribute(dataset, key) : null);
  const values = dataset && labelsOf(dataset, size);
  if (values === undefined || values === null) return { name, type: /^bands?$/i.test(name) ? 'bands' : 'other', labels: Array.from({ length: size }, (_, i) => i) };
  const units = attribute('units') ?? '';
  if (/^\w+ since /i.test(units)) {
    const instants = instantsOf(values, units, attribute('calendar') ?? 'standard');
    if (instants === null) throw new NetcdfProblem(`the times in '${name}' ('${units.slice(0, 60)}', calendar '${attribute('calendar') ?? 'standard'}') can't be read`);
    return { name, type: 'temporal', labels: instants };
  }
  const [axis, standard] = [attribute('axis'), attribute('standard_name') ?? ''];
  const isNumber = values.every((value) => typeof value === 'number');
  if (isNumber && (axis === 'X' || /^(projection_x_coordinate|longitude)$/.test(standard) || xNames.test(name))) return { name: 'x', type: 'spatial', axis: 'x', labels: values };
  if (isNumber && (axis === 'Y' || /^(projection_y_coordinate|latitude)$/.test(standard) || yNames.test(name))) return { name: 'y', type: 'spatial', axis: 'y', labels: values };
  if (areDates(values)) return { name, type: 'temporal', labels: values };
  return { name, type: /^bands?$/i.test(name) ? 'bands' : 'other', labels: values };
}

/** The values of a coordinate variable; null when it is none: netCDF notes dimensions without coordinates so. */
function labelsOf(dataset: Dataset, size: number): Label[] | null {
  if (textAttribute(dataset, 'NAME')?.startsWith('This is a netCDF dimension but not a netCDF variable') === true || dataset.shape?.length !== 1 || dataset.shape[0] !== size) return null;
  const { type } = dataset.metadata;
  if (type === INTEGER || type === FLOAT) return Array.from(dataset.value as ArrayLike<number | bigint>, Number);
  if (type === TEXT || type === VARIABLE_TEXT) return Array.from(dataset.value as ArrayLike<string>, String);
  return null;
}

/** The reference system that the grid mapping names; degrees where the axes are longitude and latitude. */
function crsOf(dataset: Dataset, datasets: ReadonlyMap<string, Dataset>, dimensions: readonly string[]): string | null {
  const mapping = datasets.get(textAttribute(dataset, 'grid_mapping') ?? '');
  for (const name of ['crs_wkt', 'spatial_ref']) {
    const text = mapping && textAttribute(mapping, name);
    if (!text) continue;
    try {
      return parseCrs(text);
    } catch {
      // The other attribute may say it in a way that is known here.
    }
  }
  const isDegrees = dimensions.some((name) => /^degrees?_(north|east)$/.test(textAttribute(datasets.get(name), 'units') ?? ''));
  return isDegrees ? WGS84 : null;
}

function textAttribute(dataset: Dataset | undefined, name: string): string | null {
  const value: unknown = dataset?.attrs[name]?.value;
  if (typeof value === 'string') return value;
  return Array.isArray(value) && value.length === 1 && typeof value[0] === 'string' ? value[0] : null;
}

function numbersAttribute(dataset: Dataset, name: string): number[] {
  const value: unknown = dataset.attrs[name]?.value;
  if (typeof value === 'number' || typeof value === 'bigint') return [Number(value)];
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number | bigint>, Number) : [];
}
