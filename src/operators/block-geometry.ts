/** How many patches the pixels of a block make. */
import type { Operator } from './operator.ts';

/** Patches down and across in so many pixels, which are n · patch + 2 · halo. Throws RangeError for another number of pixels. */
export function patchesOf({ manifest: { patch, halo }, reference }: Pick<Operator, 'manifest' | 'reference'>, rows: number, columns: number): readonly [number, number] {
  const [down, across] = [rows, columns].map((size) => (size - 2 * halo) / patch) as [number, number];
  if ([down, across].every((n) => Number.isInteger(n) && n >= 1)) return [down, across];
  throw new RangeError(`operator ${reference} takes n·${patch} + ${2 * halo} rows and columns, not ${rows} × ${columns}`);
}
