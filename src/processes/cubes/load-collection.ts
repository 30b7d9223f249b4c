/** load_collection: opens a collection; the scope knows where collections are. */
import { Cube } from '../../cube/cube.ts';
import type { Geometries } from '../../cube/dimension.ts';
import type { Bounds } from '../../geo/grid.ts';
import { unionBox } from '../../geo/reproject.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { Callback } from '../../graph/callback.ts';
import type { Implementation } from '../../graph/process.ts';
import type { LoadRequest } from '../../graph/scope.ts';
import type { Arguments, Value } from '../../graph/value.ts';
import { isObject, kindOf, listOf, textOf } from './arguments.ts';
import { boundsOf } from './extent.ts';
import { filterPixels } from './filter-spatial.ts';
import { geometriesOf, requirePolygons } from './geometries.ts';
import { formatInstant, intervalOf } from './temporal.ts';

const ID = 'load_collection';

export const loadCollection: Implementation = {
  async run(args, { scope }): Promise<Cube> {
    const { polygons, ...limits } = limitsOf(args, ID);
    return withinPolygons(await scope.loadCollection({ id: textOf(args, ID, 'id'), ...limits }), polygons);
  },
};

/** What limits a load: a request's limits, and the polygons that `spatialExtent` is the box of. */
export interface Limits extends Omit<LoadRequest, 'id'> {
  readonly polygons: Geometries | null;
}

/** The arguments that limit what is loaded, of load_collection and load_stac alike. Throws ProcessParameterInvalid and TemporalExtentEmpty. */
export function limitsOf(args: Arguments, process: string): Limits {
  const bands = args['bands'] === null || args['bands'] === undefined ? null : listOf(args, process, 'bands').map(String);
  if (bands?.length === 0) throw invalidArgument(process, 'bands', 'an empty list loads nothing; null loads all bands');
  const polygons = polygonsOf(args, process);
  return {
    spatialExtent: polygons ? boxAround(polygons, process) : spatialExtentOf(args['spatial_extent'], process),
    temporalExtent: temporalExtentOf(args['temporal_extent'], process),
    bands,
    properties: conditionsOf(args['properties'], process),
    polygons,
  };
}

/** The loaded cube, emptied outside of the polygons. Throws NoDataAvailable where no pixel has its centre in one. */
export function withinPolygons(cube: Cube, polygons: Geometries | null): Cube {
  if (polygons === null) return cube;
  const masked = filterPixels(cube, polygons);
  if (masked.grid!.width === 0) throw new OpenEOError('NoDataAvailable', {}, { detail: 'No pixel has its centre in the polygons of spatial_extent.' });
  return masked;
}

function spatialExtentOf(value: Value | undefined, process: string): Bounds | null {
  return value === null || value === undefined ? null : boundsOf(value, process, 'spatial_extent');
}

/** The polygons of GeoJSON or a vector cube; null for an extent that is a box, or none. */
function polygonsOf(args: Arguments, process: string): Geometries | null {
  const value = args['spatial_extent'];
  const isGeojson = isObject(value) && typeof value['type'] === 'string';
  if (!isGeojson && !(value instanceof Cube)) return null;
  const dimension = geometriesOf(args, process, 'spatial_extent');
  requirePolygons(dimension, process, 'spatial_extent');
  return dimension.geometries;
}

function boxAround({ shapes, crs }: Geometries, process: string): Bounds {
  const [west, south, east, north] = unionBox(shapes)!;
  return boundsOf({ west, south, east, north, crs }, process, 'spatial_extent');
}

function temporalExtentOf(value: Value | undefined, process: string): LoadRequest['temporalExtent'] {
  if (value === null || value === undefined) return null;
  const { start, end } = intervalOf(value, process, 'temporal_extent');
  return [formatInstant(start), formatInstant(end)];
}

function conditionsOf(value: Value | undefined, process: string): LoadRequest['properties'] {
  if (value === null || value === undefined) return null;
  if (!isObject(value)) throw invalidArgument(process, 'properties', `it must be an object of conditions, not ${kindOf(value)}`);
  return Object.fromEntries(Object.entries(value).map(([name, condition]) => {
    if (!(condition instanceof Callback)) throw invalidArgument(process, 'properties', `the condition for '${name}' must be a process graph, not ${kindOf(condition)}`);
    return [name, (property: Value) => condition.interpret({ value: property }) === true];
  }));
}
