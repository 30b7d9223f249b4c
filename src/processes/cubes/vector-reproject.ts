/** vector_reproject: geometries in another reference system. */
import type { Cube } from '../../cube/cube.ts';
import { geometryIndex, withShapes, type GeometryDimension } from '../../cube/geometries.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { parseCrs } from '../../geo/crs.ts';
import { isEmptyGeometry } from '../../geo/geojson.ts';
import { reproject } from '../../geo/reproject.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, kindOf, optionalTextOf } from './arguments.ts';
import { explained } from './geometries.ts';

const ID = 'vector_reproject';

export const vectorReproject: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    geometryIndex(cube, ID, 'data');
    const { projection } = args;
    if (typeof projection !== 'number' && typeof projection !== 'string') throw invalidArgument(ID, 'projection', `it must be an EPSG code or WKT2, not ${kindOf(projection)}`);
    const crs = parseCrs(projection, ID, 'projection');
    const wanted = wantedDimensions(cube, optionalTextOf(args, ID, 'dimension'));
    return cube.with({ dimensions: cube.dimensions.map((dimension, i) => (wanted.includes(i) ? moved(dimension as GeometryDimension, crs) : dimension)) });
  },
};

function wantedDimensions(cube: Cube, name: string | null): number[] {
  const all = cube.dimensions.flatMap((d, i) => (d.type === 'geometry' && d.geometries ? [i] : []));
  if (name === null) return all;
  const index = cube.indexOf(name);
  if (all.includes(index)) return [index];
  throw new OpenEOError('DimensionNotAvailable', {}, { detail: `The dimension '${name}' has no geometries.` });
}

function moved(dimension: GeometryDimension, crs: string): GeometryDimension {
  const { shapes, crs: from } = dimension.geometries;
  return withShapes(dimension, explained(ID, 'data', () => shapes.map((shape) => (isEmptyGeometry(shape) ? shape : reproject(shape, from, crs)))), crs);
}
