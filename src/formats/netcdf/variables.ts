/** How a cube becomes netCDF variables: names, dimensions, attributes by the CF conventions. */
import type { BandDescription, Cube } from '../../cube/cube.ts';
import type { Dimension, Label } from '../../cube/dimension.ts';
import { epsgCode, isGeographic, transformer, WGS84, wktOf } from '../../geo/crs.ts';
import { boxOf } from '../../geo/geometry.ts';
import type { Grid } from '../../geo/grid.ts';

export type AttributeValue = string | number | Float64Array;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface CoordinateVariable {
  readonly name: string;
  readonly values: Float64Array | readonly string[];
  readonly attributes: Attributes;
}

/** A variable over some dimensions of the cube, with the label that it holds of the bands dimension. */
export interface DataVariable {
  readonly name: string;
  /** Positions of the variable's dimensions in the cube; y and x last. */
  readonly dimensions: readonly number[];
  /** Position on the bands dimension; null when the variable has that dimension itself. */
  readonly band: number | null;
  readonly description?: BandDescription;
}

/** The bands dimension becomes variables up to this number of bands, beyond that it stays a dimension. */
const MOST_VARIABLES = 32;

/** One variable per band, or one over all dimensions when there is no bands dimension or it is long. */
export function planVariables(cube: Cube): DataVariable[] {
  const order = cube.dimensions.map((_, i) => i).sort((a, b) => rank(cube.dimensions[a]!) - rank(cube.dimensions[b]!) || a - b);
  const bands = cube.dimensions.findIndex((d) => d.type === 'bands');
  if (bands < 0 || cube.dimensions[bands]!.size > MOST_VARIABLES) return [{ name: freeName('var', cube), dimensions: order, band: null }];
  const dimensions = order.filter((i) => i !== bands);
  return cube.labels(cube.dimensions[bands]!.name).map((label, band) => {
    const description = cube.attributes.bands?.[band];
    return { name: freeName(String(label), cube), dimensions, band, ...(description && { description }) };
  });
}

/** Time first, space last, as CF readers expect. */
function rank(dimension: Dimension): number {
  if (dimension.type === 'temporal') return 0;
  return dimension.axis === 'y' ? 2 : dimension.axis === 'x' ? 3 : 1;
}

/** A name that netCDF allows and no coordinate variable has. */
function freeName(label: string, cube: Cube): string {
  const name = label.replaceAll(/[^\p{L}\p{N}_.+@-]/gu, '_').replace(/^[^\p{L}\p{N}_]+/u, '') || 'data';
  return ['crs', 'lon', 'lat'].includes(name) || cube.dimensions.some((d) => d.name === name) ? `${name}_values` : name;
}

/** The coordinate variable of a dimension. */
export function coordinateOf(cube: Cube, dimension: Dimension): CoordinateVariable {
  const labels = cube.labels(dimension.name);
  if (dimension.type === 'temporal') return timeCoordinate(dimension.name, labels);
  const attributes = cube.grid && (dimension.axis === 'x' || dimension.axis === 'y') ? axisAttributes(cube.grid, dimension.axis) : {};
  const isNumeric = labels.every((label) => typeof label === 'number');
  return { name: dimension.name, values: isNumeric ? Float64Array.from(labels) : labels.map(String), attributes };
}

function axisAttributes(grid: Grid, axis: 'x' | 'y'): Attributes {
  const words = isGeographic(grid.crs)
    ? { x: ['longitude', 'degrees_east'], y: ['latitude', 'degrees_north'] }
    : { x: ['projection_x_coordinate', 'm'], y: ['projection_y_coordinate', 'm'] };
  return { standard_name: words[axis][0]!, long_name: `${axis} coordinate of pixel centres`, units: words[axis][1]!, axis: axis.toUpperCase() };
}

/** Days or seconds since 1970, whichever all instants are whole numbers of; names when they are no instants. */
function timeCoordinate(name: string, labels: readonly Label[]): CoordinateVariable {
  const seconds = labels.map((label) => Date.parse(String(label)) / 1000);
  if (!seconds.every(Number.isFinite)) return { name, values: labels.map(String), attributes: {} };
  const isDaily = seconds.every((s) => s % 86_400 === 0);
  return {
    name,
    values: Float64Array.from(seconds, (s) => (isDaily ? s / 86_400 : s)),
    attributes: { standard_name: 'time', units: `${isDaily ? 'days' : 'seconds'} since 1970-01-01 00:00:00`, calendar: 'proleptic_gregorian', axis: 'T' },
  };
}

/** Longitudes and latitudes of the geometries of a vector cube: of points, and of the middle of the box of others. */
export function placesOf({ geometries }: Dimension): (CoordinateVariable & { readonly values: Float64Array })[] {
  if (!geometries) return [];
  const toDegrees = transformer(geometries.crs, WGS84);
  const places = geometries.shapes.map((shape) => {
    const [west, south, east, north] = boxOf(shape);
    return toDegrees((west + east) / 2, (south + north) / 2);
  });
  return [
    { name: 'lon', values: Float64Array.from(places, ([longitude]) => longitude), attributes: { standard_name: 'longitude', units: 'degrees_east' } },
    { name: 'lat', values: Float64Array.from(places, ([, latitude]) => latitude), attributes: { standard_name: 'latitude', units: 'degrees_north' } },
  ];
}

/** Attributes of the grid mapping variable, which carries the coordinate reference system. */
export function gridMapping(grid: Grid): Attributes {
  const wkt = wktOf(grid.crs) ?? grid.crs;
  return {
    ...projectionParameters(grid.crs),
    crs_wkt: wkt,
    spatial_ref: wkt,
    GeoTransform: [grid.originX, grid.stepX, 0, grid.originY, 0, -grid.stepY].join(' '),
  };
}

/** CF's own words for the systems that can be told from their code; others have the WKT only. */
function projectionParameters(crs: string): Attributes {
  if (isGeographic(crs)) return { grid_mapping_name: 'latitude_longitude' };
  const code = epsgCode(crs) ?? 0;
  const zone = code % 100;
  const isNorth = code > 32600 && code <= 32660;
  if (!isNorth && !(code > 32700 && code <= 32760)) return {};
  return {
    grid_mapping_name: 'transverse_mercator',
    longitude_of_central_meridian: zone * 6 - 183,
    latitude_of_projection_origin: 0,
    scale_factor_at_central_meridian: 0.9996,
    false_easting: 500_000,
    false_northing: isNorth ? 0 : 10_000_000,
    semi_major_axis: 6_378_137,
    inverse_flattening: 298.257223563,
  };
}
