/** What the nearest neighbours say: the probe for search, with distances as they are. */
import type { Samples } from './samples.ts';

/** For every vector asked about, the rows of the `k` nearest known ones by Euclidean distance, nearest first; equal ones in the order of rows. */
export function nearest(known: Samples, asked: Samples, k: number): Uint32Array[] {
  const { width } = known;
  const size = Math.min(k, known.count);
  return Array.from({ length: asked.count }, (_, n) => {
    const rows = new Uint32Array(size);
    const distances = new Float64Array(size).fill(Infinity);
    for (let i = 0; i < known.count; i++) {
      const distance = squared(known.values, i * width, asked.values, n * width, width, distances[size - 1]!);
      if (distance < distances[size - 1]!) insert(rows, distances, i, distance);
    }
    return rows;
  });
}

/** The class that most neighbours have; of classes with as many votes, the smallest number. */
export function vote(labels: Uint8Array, neighbours: readonly Uint32Array[], classes: number): Uint8Array {
  return Uint8Array.from(neighbours, (rows) => {
    const votes = new Uint32Array(classes);
    for (const row of rows) votes[labels[row]!]!++;
    return votes.indexOf(Math.max(...votes));
  });
}

/** The mean of the neighbours' values. */
export function average(targets: Float64Array, neighbours: readonly Uint32Array[]): Float64Array {
  return Float64Array.from(neighbours, (rows) => rows.reduce((sum, row) => sum + targets[row]!, 0) / rows.length);
}

/** Gives up once the sum is beyond `limit`. */
function squared(a: Float64Array, at: number, b: Float64Array, bt: number, width: number, limit: number): number {
  let sum = 0;
  for (let i = 0; i < width && sum < limit; i++) sum += (a[at + i]! - b[bt + i]!) ** 2;
  return sum;
}

function insert(rows: Uint32Array, distances: Float64Array, row: number, distance: number): void {
  let at = rows.length - 1;
  for (; at > 0 && distances[at - 1]! > distance; at--) {
    distances[at] = distances[at - 1]!;
    rows[at] = rows[at - 1]!;
  }
  distances[at] = distance;
  rows[at] = row;
}
