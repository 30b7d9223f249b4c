/** load_collection: opens a collection; the scope knows where collections are. */
import type { Cube } from '../../cube/cube.ts';
import { WGS84 } from '../../geo/crs.ts';
import { boxOf, GeometryError, parseGeometry, type Geometry } from '../../geo/geometry.ts';
import type { Bounds } from '../../geo/grid.ts';
import { invalidArgument } from '../../errors.ts';
import { Callback } from '../../graph/callback.ts';
import type { Implementation } from '../../graph/process.ts';
import type { LoadRequest } from '../../graph/scope.ts';
import type { Arguments, ObjectValue, Value } from '../../graph/value.ts';
import { isObject, kindOf, listOf, textOf } from './arguments.ts';
import { boundsOf } from './extent.ts';
import { formatInstant, intervalOf } from './temporal.ts';

const ID = 'load_collection';

export const loadCollection: Implementation = {
  run(args, { scope }): Promise<Cube> {
    return scope.loadCollection({ id: textOf(args, ID, 'id'), ...limitsOf(args, ID) });
  },
};

/** The arguments that limit what is loaded, of load_collection and load_stac alike. Throws ProcessParameterInvalid and TemporalExtentEmpty. */
export function limitsOf(args: Arguments, process: string): Omit<LoadRequest, 'id'> {
  const bands = args['bands'] === null || args['bands'] === undefined ? null : listOf(args, process, 'bands').map(String);
  if (bands?.length === 0) throw invalidArgument(process, 'bands', 'an empty list loads nothing; null loads all bands');
  return {
    spatialExtent: spatialExtentOf(args['spatial_extent'], process),
    temporalExtent: temporalExtentOf(args['temporal_extent'], process),
    bands,
    properties: conditionsOf(args['properties'], process),
  };
}

function spatialExtentOf(value: Value | undefined, process: string): Bounds | null {
  if (value === null || value === undefined) return null;
  if (isObject(value) && typeof value['type'] === 'string') return geometryBounds(value, process);
  return boundsOf(value, process, 'spatial_extent');
}

/** The box around a GeoJSON object. */
function geometryBounds(value: ObjectValue, process: string): Bounds {
  try {
    const boxes = geometriesOf(value).map((geometry) => boxOf(parseGeometry(geometry)));
    const edge = (i: 0 | 1 | 2 | 3, pick: (...numbers: number[]) => number) => pick(...boxes.map((box) => box[i]));
    const [west, south, east, north] = [edge(0, Math.min), edge(1, Math.min), edge(2, Math.max), edge(3, Math.max)];
    return boundsOf({ west, south, east, north, crs: WGS84 }, process, 'spatial_extent');
  } catch (error) {
    if (!(error instanceof GeometryError)) throw error;
    throw invalidArgument(process, 'spatial_extent', error.message, { cause: error });
  }
}

function geometriesOf(value: ObjectValue): unknown[] {
  if (value['type'] === 'Feature') return [value['geometry']];
  if (value['type'] !== 'FeatureCollection') return [value as unknown as Geometry];
  const features = value['features'];
  if (!Array.isArray(features) || features.length === 0) throw new GeometryError('a FeatureCollection needs an array \'features\' that is not empty');
  return (features as readonly Value[]).map((feature) => (isObject(feature) ? feature['geometry'] : feature));
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
