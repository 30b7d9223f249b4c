/** Lengths, areas and containment in the plane of a geometry's own coordinates. */
import type { Position } from './geometry.ts';

/** Twice the area would be signed; this is the area that a ring encloses. */
function ringArea(ring: readonly Position[]): number {
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; i++) sum += ring[i]![0]! * ring[i + 1]![1]! - ring[i + 1]![0]! * ring[i]![1]!;
  return Math.abs(sum) / 2;
}

/** The area of a polygon, its holes taken off. */
export function polygonArea([outer, ...holes]: readonly (readonly Position[])[]): number {
  return holes.reduce((area, hole) => area - ringArea(hole), ringArea(outer!));
}

/** The length of a line. */
export function lineLength(line: readonly Position[]): number {
  let sum = 0;
  for (let i = 0; i + 1 < line.length; i++) sum += Math.hypot(line[i + 1]![0]! - line[i]![0]!, line[i + 1]![1]! - line[i]![1]!);
  return sum;
}

/** The point at a distance along a line; its end where the line is shorter. */
export function pointAlong(line: readonly Position[], distance: number): [number, number] {
  let left = distance;
  for (let i = 0; i + 1 < line.length; i++) {
    const [[ax, ay], [bx, by]] = [line[i] as [number, number], line[i + 1] as [number, number]];
    const length = Math.hypot(bx - ax, by - ay);
    if (left <= length && length > 0) return [ax + ((bx - ax) * left) / length, ay + ((by - ay) * left) / length];
    left -= length;
  }
  return [...line.at(-1)!] as [number, number];
}

/** Where the line of a y crosses the rings of a polygon, from left to right: inside is between the first and second, and so on. */
export function crossingsAt(rings: readonly (readonly Position[])[], y: number): number[] {
  const xs: number[] = [];
  for (const ring of rings) {
    for (let i = 0; i + 1 < ring.length; i++) {
      const [[ax, ay], [bx, by]] = [ring[i] as [number, number], ring[i + 1] as [number, number]];
      if (ay > y !== by > y) xs.push(ax + ((y - ay) * (bx - ax)) / (by - ay));
    }
  }
  return xs.sort((a, b) => a - b);
}

/** True when the polygon holds the point (even-odd rule). */
export function isInside(rings: readonly (readonly Position[])[], x: number, y: number): boolean {
  return crossingsAt(rings, y).filter((crossing) => crossing <= x).length % 2 === 1;
}
