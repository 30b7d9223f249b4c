/**
 * Outlines of items: the one ring of a polygon of few corners, as most scenes and tiles have, in the form of PostgreSQL's
 * type polygon. An index has room for that, so what a box says too little about is decided without a look at the rows.
 */
import type { Geometry, Position } from '../geo/geometry.ts';

/** More are left to the rows: an entry of the index shall stay a few hundred bytes. */
const MAX_POSITIONS = 12;

/** '((x,y),(x,y),…)'; null for any other geometry than a polygon without holes of few corners. */
export function outlineOf(geometry: Geometry | null): string | null {
  if (geometry?.type !== 'Polygon') return null;
  const [ring, ...holes] = geometry.coordinates as readonly (readonly Position[])[];
  if (!ring || holes.length > 0 || ring.length > MAX_POSITIONS || ring.some(({ length }) => length !== 2)) return null;
  return `(${ring.map(([x, y]) => `(${x},${y})`).join(',')})`;
}

/** The polygon of an outline, as PostgreSQL writes it. */
export function polygonOf(outline: string): Geometry {
  return { type: 'Polygon', coordinates: [JSON.parse(outline.replaceAll('(', '[').replaceAll(')', ']')) as Position[]] };
}
