/** Cutting rings and lines at a box, so that what lies far away need not be transformed. */
import type { Box, Position } from './geometry.ts';

/**
 * The part of a closed ring in a box (Sutherland and Hodgman 1974). Parts that come apart stay connected by
 * edges along the box, which enclose no area. [] where nothing is left.
 */
export function clipRing(ring: readonly Position[], [west, south, east, north]: Box): Position[] {
  let points = ring.slice(0, -1);
  for (const [axis, limit, sign] of [[0, west, 1], [0, east, -1], [1, south, 1], [1, north, -1]] as const) {
    points = clipHalf(points, axis, limit, sign);
    if (points.length === 0) return [];
  }
  return [...points, points[0]!];
}

function clipHalf(points: readonly Position[], axis: 0 | 1, limit: number, sign: number): Position[] {
  const out: Position[] = [];
  const depth = (point: Position) => (point[axis]! - limit) * sign;
  for (const [i, point] of points.entries()) {
    const before = points[i === 0 ? points.length - 1 : i - 1]!;
    if (depth(before) < 0 !== depth(point) < 0) out.push(between(before, point, axis, limit));
    if (depth(point) >= 0) out.push(point);
  }
  return out;
}

function between(a: Position, b: Position, axis: 0 | 1, limit: number): Position {
  const share = (limit - a[axis]!) / (b[axis]! - a[axis]!);
  const other = a[1 - axis]! + share * (b[1 - axis]! - a[1 - axis]!);
  return axis === 0 ? [limit, other] : [other, limit];
}

/** The pieces of a line in a box (Liang and Barsky 1984, segment by segment). */
export function clipLine(line: readonly Position[], box: Box): Position[][] {
  const pieces: Position[][] = [];
  for (let i = 0; i + 1 < line.length; i++) {
    const part = clipSegment(line[i]!, line[i + 1]!, box);
    if (!part) continue;
    const last = pieces.at(-1)?.at(-1);
    if (last && last[0] === part[0][0] && last[1] === part[0][1]) pieces.at(-1)!.push(part[1]);
    else pieces.push(part);
  }
  return pieces;
}

function clipSegment(a: Position, b: Position, [west, south, east, north]: Box): [Position, Position] | null {
  const [dx, dy] = [b[0]! - a[0]!, b[1]! - a[1]!];
  let [from, to] = [0, 1];
  for (const [step, room] of [[-dx, a[0]! - west], [dx, east - a[0]!], [-dy, a[1]! - south], [dy, north - a[1]!]] as const) {
    if (step === 0 && room < 0) return null;
    if (step < 0) from = Math.max(from, room / step);
    if (step > 0) to = Math.min(to, room / step);
  }
  if (from > to) return null;
  const at = (share: number): Position => [a[0]! + share * dx, a[1]! + share * dy];
  return [from === 0 ? a : at(from), to === 1 ? b : at(to)];
}
