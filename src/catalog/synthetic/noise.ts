/** Repeatable chance: the same place gives the same number on every machine. */

/** A number in [0, 1) for a point of an integer lattice (finaliser of MurmurHash3). */
export function hash(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x85ebca6b) ^ Math.imul(y, 0xc2b2ae35) ^ Math.imul(seed, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

/** Smooth noise in [0, 1): lattice values, blended with a cubic so that no edge shows. */
export function smooth(x: number, y: number, seed: number): number {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [fade(x - column), fade(y - row)];
  const top = hash(column, row, seed) * (1 - u) + hash(column + 1, row, seed) * u;
  const bottom = hash(column, row + 1, seed) * (1 - u) + hash(column + 1, row + 1, seed) * u;
  return top * (1 - v) + bottom * v;
}

const fade = (t: number) => t * t * (3 - 2 * t);

/** Three octaves of smooth noise in [0, 1): large shapes with ragged edges. */
export function rugged(x: number, y: number, seed: number): number {
  return (4 * smooth(x, y, seed) + 2 * smooth(2.03 * x, 2.03 * y, seed + 1) + smooth(4.01 * x, 4.01 * y, seed + 2)) / 7;
}
