/** The arrays beside the data of a store: one per dimension, and the carrier of the reference system. */
import type { Cube } from '../../cube/cube.ts';
import type { Dimension } from '../../cube/dimension.ts';
import type { Grid } from '../../geo/grid.ts';
import { coordinateOf, gridMapping } from '../netcdf/variables.ts';
import type { Attributes, WholeArray } from './metadata.ts';

/** Name of the array that carries the reference system, as rioxarray and GDAL expect it. */
export const SPATIAL_REF = 'spatial_ref';

/** The labels of a dimension: pixel centres as float64, dates as whole numbers since 1970, names as texts. */
export function coordinateArray(cube: Cube, dimension: Dimension): WholeArray {
  if (dimension.type === 'temporal') {
    const dates = timeArray(dimension.name, cube.labels(dimension.name).map((label) => Date.parse(String(label))));
    if (dates) return dates;
  }
  const { name, values, attributes } = coordinateOf(cube, dimension);
  const shared = { name, values, shape: [values.length], dimensions: [name], attributes: attributes as Attributes };
  return values instanceof Float64Array ? { ...shared, dtype: 'float64', fill: Number.NaN } : { ...shared, dtype: 'string', fill: '' };
}

/** CF time in seconds, or in milliseconds where an instant needs them; undefined when a label is no instant. */
function timeArray(name: string, instants: readonly number[]): WholeArray | undefined {
  if (!instants.every(Number.isFinite)) return undefined;
  const isWhole = instants.every((ms) => ms % 1000 === 0);
  return {
    name,
    dtype: 'int64',
    shape: [instants.length],
    dimensions: [name],
    fill: 0,
    values: BigInt64Array.from(instants, (ms) => BigInt(isWhole ? ms / 1000 : ms)),
    attributes: { standard_name: 'time', units: `${isWhole ? 'seconds' : 'milliseconds'} since 1970-01-01`, calendar: 'proleptic_gregorian', axis: 'T' },
  };
}

/** An array without dimensions whose attributes are a CF grid mapping. */
export function spatialRefArray(grid: Grid): WholeArray {
  return { name: SPATIAL_REF, dtype: 'int32', shape: [], dimensions: [], fill: 0, attributes: gridMapping(grid) as Attributes, values: [] };
}
