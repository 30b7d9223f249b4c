/** vector_to_random_points and vector_to_regular_points: geometries become points sampled from them. */
import type { Cube } from '../../cube/cube.ts';
import { geometryDimension } from '../../cube/dimension.ts';
import { geometryIndex, withShapes, type GeometryDimension } from '../../cube/geometries.ts';
import { pickLabels } from '../../cube/view.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { EMPTY_GEOMETRY, isEmptyGeometry } from '../../geo/geojson.ts';
import type { Geometry } from '../../geo/geometry.ts';
import { randomPoints, regularPoints, seededRandom, type Point } from '../../geo/sample-points.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Arguments } from '../../graph/value.ts';
import { cubeOf, kindOf } from './arguments.ts';
import { explained } from './geometries.ts';
import { requireMetres } from './vector-buffer.ts';

const RANDOM = 'vector_to_random_points';
const REGULAR = 'vector_to_regular_points';
const MOST_POINTS = 1_000_000;

export const vectorToRandomPoints: Implementation = {
  run(args) {
    const cube = cubeOf(args, RANDOM);
    const { shapes } = (cube.dimensions[geometryIndex(cube, RANDOM, 'data')] as GeometryDimension).geometries;
    const filled = shapes.filter((shape) => !isEmptyGeometry(shape)).length;
    const shares = sharesOf(filled, countOf(args, 'geometry_count'), countOf(args, 'total_count'));
    const { seed } = args;
    const random = typeof seed === 'number' ? seededRandom(seed) : Math.random;
    let next = 0;
    return sampled(cube, args, RANDOM, (shape) => (isEmptyGeometry(shape) ? [] : randomPoints(shape, shares(next++), random)));
  },
};

export const vectorToRegularPoints: Implementation = {
  run(args) {
    const cube = cubeOf(args, REGULAR);
    const { geometries } = cube.dimensions[geometryIndex(cube, REGULAR, 'data')] as GeometryDimension;
    const { distance } = args;
    if (typeof distance !== 'number' || !(distance > 0) || !Number.isFinite(distance)) throw invalidArgument(REGULAR, 'distance', 'it must be a finite number above 0');
    requireMetres(geometries.crs);
    return sampled(cube, args, REGULAR, (shape) => regularPoints(shape, distance));
  },
};

function countOf(args: Arguments, name: string): number | null {
  const value = args[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MOST_POINTS) return value;
  throw invalidArgument(RANDOM, name, `it must be a whole number from 1 to ${MOST_POINTS}, or null${typeof value === 'number' ? `, not ${value}` : `, not ${kindOf(value)}`}`);
}

/** How many points the geometry at a place gets: as many of the total as the others, the first ones taking what is left over. */
function sharesOf(geometries: number, each: number | null, total: number | null): (index: number) => number {
  if (total === null) {
    const count = each ?? 1;
    if (count * geometries > MOST_POINTS) throw invalidArgument(RANDOM, 'geometry_count', `${count} points of each of ${geometries} geometries are more than ${MOST_POINTS}`);
    return () => count;
  }
  if (total < geometries) throw new OpenEOError('CountMismatch', {}, { detail: `There are ${geometries} geometries that are not empty, and total_count is ${total}.` });
  const [share, rest] = [Math.floor(total / Math.max(1, geometries)), total % Math.max(1, geometries)];
  return (index) => Math.min(each ?? Infinity, share + (index < rest ? 1 : 0));
}

/** The cube with points for its geometries: a MultiPoint for each, or every point as a geometry of its own. Values go along. */
function sampled(cube: Cube, args: Arguments, process: string, pointsOf: (shape: Geometry) => readonly Point[]): Cube {
  const at = geometryIndex(cube, process, 'data');
  const dimension = cube.dimensions[at] as GeometryDimension;
  const { crs, shapes } = dimension.geometries;
  const points = explained(process, 'data', () => shapes.map(pointsOf));
  if (args['group'] !== false) {
    return cube.with({ dimensions: cube.dimensions.with(at, withShapes(dimension, points.map((own) => (own.length === 0 ? EMPTY_GEOMETRY : { type: 'MultiPoint', coordinates: own })))) });
  }
  // An empty geometry stays one without points.
  const single = points.flatMap((own, i) => (own.length === 0 ? [{ i, shape: EMPTY_GEOMETRY }] : own.map((coordinates) => ({ i, shape: { type: 'Point', coordinates } }))));
  if (single.length > MOST_POINTS) throw invalidArgument(process, 'data', `it makes more than ${MOST_POINTS} points`);
  const picked = pickLabels(cube, at, single.map(({ i }) => i));
  const { properties } = picked.dimensions[at]!.geometries!;
  const own = geometryDimension({ crs, shapes: single.map(({ shape }) => shape), ...(properties && { properties }) }, undefined, dimension.name);
  return picked.with({ dimensions: picked.dimensions.with(at, own) });
}
