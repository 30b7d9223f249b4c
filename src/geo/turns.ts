/** Boxes that lie whole turns around the globe away from each other are the same place. */
import { worldWidth } from './crs.ts';
import type { Bounds } from './grid.ts';

/**
 * By how much a box must be moved to share an area with another one in the same CRS: multiples of a turn,
 * [0] when nothing but staying will do, [] when the boxes do not meet.
 */
export function turnsToMeet(box: Bounds, other: Bounds): number[] {
  const turn = worldWidth(box.crs);
  const meets = (by: number) => box.west + by < other.east && box.east + by > other.west && box.south < other.north && box.north > other.south;
  return (turn === null ? [0] : [-turn, 0, turn]).filter(meets);
}

/** The box, moved along x. */
export function movedBox(box: Bounds, by: number): Bounds {
  return by === 0 ? box : { ...box, west: box.west + by, east: box.east + by };
}
