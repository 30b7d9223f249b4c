/** Geometries in other reference systems: every position is moved, edges stay straight between them. */
import { transformer, WGS84 } from './crs.ts';
import type { Box, Geometry } from './geometry.ts';
import { boxOf, GeometryError } from './geometry.ts';
import { isEmptyGeometry } from './geojson.ts';

/** The same geometry with other positions. */
function mapPositions(geometry: Geometry, move: (x: number, y: number) => readonly number[]): Geometry {
  if (geometry.geometries) return { type: geometry.type, geometries: geometry.geometries.map((member) => mapPositions(member, move)) };
  const moved = (part: unknown): unknown => {
    const list = part as unknown[];
    return typeof list[0] === 'number' ? move(list[0], list[1] as number) : list.map(moved);
  };
  return { type: geometry.type, coordinates: moved(geometry.coordinates) };
}

/** The geometry in another reference system. Throws GeometryError for a position that has no image there. */
export function reproject(geometry: Geometry, from: string, to: string): Geometry {
  if (from === to) return geometry;
  const forward = transformer(from, to);
  return mapPositions(geometry, (x, y) => {
    const [px, py] = forward(x, y);
    if (Number.isNaN(px) || Number.isNaN(py)) throw new GeometryError(`the position [${x}, ${y}] has no place in ${to}`);
    return [px, py];
  });
}

/** The smallest box around all of the geometries, in their own system; null when all are empty. */
export function unionBox(shapes: readonly Geometry[]): Box | null {
  let box: Box | null = null;
  for (const shape of shapes) {
    if (isEmptyGeometry(shape)) continue;
    const own = boxOf(shape);
    box = box === null ? own : [Math.min(box[0], own[0]), Math.min(box[1], own[1]), Math.max(box[2], own[2]), Math.max(box[3], own[3])];
  }
  return box;
}

/** The geometry in longitude and latitude; null for an empty one, and where a position has no image. */
export function inDegrees(geometry: Geometry, crs: string): Geometry | null {
  if (isEmptyGeometry(geometry)) return null;
  try {
    return reproject(geometry, crs, WGS84);
  } catch (error) {
    if (error instanceof GeometryError) return null;
    throw error;
  }
}
