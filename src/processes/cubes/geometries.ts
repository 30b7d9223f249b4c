/** Arguments that are geometries: vector cubes, and GeoJSON, which clients write into the process graph. */
import { Cube } from '../../cube/cube.ts';
import { featuresDimension, geometryIndex, type GeometryDimension } from '../../cube/geometries.ts';
import { invalidArgument } from '../../errors.ts';
import { isEmptyGeometry, isPolygonal, readGeoJson, type FeatureSet } from '../../geo/geojson.ts';
import { GeometryError } from '../../geo/geometry.ts';
import type { Arguments, Value } from '../../graph/value.ts';
import { isObject, kindOf } from './arguments.ts';

/** The geometries of a vector cube or of GeoJSON. Throws ProcessParameterInvalid. */
export function geometriesOf(args: Arguments, process: string, name: string): GeometryDimension {
  const value = args[name];
  if (value instanceof Cube) return value.dimensions[geometryIndex(value, process, name)] as GeometryDimension;
  return featuresDimension(featuresOf(value, process, name));
}

/** The features of GeoJSON. Throws ProcessParameterInvalid. */
export function featuresOf(value: Value | undefined, process: string, name: string): FeatureSet {
  if (!isObject(value)) throw invalidArgument(process, name, `it must be GeoJSON or a vector data cube, not ${kindOf(value)}`);
  return explained(process, name, () => readGeoJson(value));
}

/** Gives a GeometryError the name of the argument that it is about. */
export function explained<T>(process: string, name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof GeometryError)) throw error;
    throw invalidArgument(process, name, error.message, { cause: error });
  }
}

/** Throws ProcessParameterInvalid for geometries among which there are others than polygons, or not a single polygon. */
export function requirePolygons({ geometries: { shapes } }: GeometryDimension, process: string, name: string): void {
  const filled = shapes.filter((shape) => !isEmptyGeometry(shape));
  const other = filled.find((shape) => !isPolygonal(shape));
  if (other) throw invalidArgument(process, name, `it must hold polygons only, but there is a ${other.type}`);
  if (filled.length === 0) throw invalidArgument(process, name, 'it holds no polygon that is not empty');
}
