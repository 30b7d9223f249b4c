/** vector_buffer: grows or shrinks geometries. */
import { geometryIndex, withShapes, type GeometryDimension } from '../../cube/geometries.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { isMetric } from '../../geo/crs.ts';
import { bufferOf } from '../../geo/relations.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf } from './arguments.ts';
import { explained } from './geometries.ts';

const ID = 'vector_buffer';

export const vectorBuffer: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID, 'geometries');
    const { distance } = args;
    if (typeof distance !== 'number' || !Number.isFinite(distance) || distance === 0) throw invalidArgument(ID, 'distance', 'it must be a finite number other than 0');
    const at = geometryIndex(cube, ID, 'geometries');
    const dimension = cube.dimensions[at] as GeometryDimension;
    requireMetres(dimension.geometries.crs);
    const shapes = explained(ID, 'geometries', () => dimension.geometries.shapes.map((shape) => bufferOf(shape, distance)));
    return cube.with({ dimensions: cube.dimensions.with(at, withShapes(dimension, shapes)) });
  },
};

/** Throws UnitMismatch for a reference system whose unit is another one. */
export function requireMetres(crs: string): void {
  if (!isMetric(crs)) throw new OpenEOError('UnitMismatch', {}, { detail: `The geometries are in ${crs}; vector_reproject takes them to a system in metres, e.g. their UTM zone.` });
}
