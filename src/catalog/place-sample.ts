/**
 * How many items a box touches, roughly, from a sample of all boxes kept in memory. PostgreSQL has no statistics of
 * boxes: it takes each for one of two hundred items, and walks through a million of them in the order of time to
 * find the ten at a point. So the decision between place and order is made here.
 */
import type { Queryable } from '../database/connection.ts';
import type { Box } from '../geo/geometry.ts';
import type { ItemFacts } from './item-facts.ts';

/** Boxes in the sample, about. */
const SIZE = 5000;
const MAX_AGE_MS = 15 * 60_000;
/** Items by which the table may have grown or shrunk since. */
const CHANGE = 0.2;

interface Sample {
  /** West, south, east, north of one box after the other: looked through for every search of a place. */
  readonly boxes: Float64Array;
  /** Items that one box stands for. */
  readonly weight: number;
  readonly items: number;
  readonly taken: number;
}

export class PlaceSample {
  #sample: Promise<Sample> | null = null;

  /**
   * About how many items of the table touch the box. Places of items that came lately may be missed: what
   * it says decides about the way to the result, never about the result.
   */
  async touching(database: Queryable, box: Box, facts: ItemFacts): Promise<number> {
    const { boxes, weight } = await this.#upToDate(database, facts);
    return countTouching(boxes, box) * weight;
  }

  async #upToDate(database: Queryable, facts: ItemFacts): Promise<Sample> {
    const last = await this.#sample;
    if (last && Date.now() - last.taken < MAX_AGE_MS && facts.items <= last.items * (1 + CHANGE)) return last;
    this.#sample = takeSample(database).catch((error: unknown) => {
      this.#sample = null;
      throw error;
    });
    return this.#sample;
  }
}

/** Whole pages of the table, so that few have to be read. */
async function takeSample(database: Queryable): Promise<Sample> {
  const [size] = await database.query<{ items: number }>('select coalesce(sum(items), 0)::bigint as items from item_facts');
  const { items } = size!;
  const percent = Math.min(100, (100 * SIZE) / Math.max(1, items));
  const rows = await database.query<{ box: Box }>(
    `select array[(footprint[1])[0], (footprint[1])[1], (footprint[0])[0], (footprint[0])[1]] as box from items tablesample system (${percent}) where footprint is not null`,
  );
  return { boxes: Float64Array.from(rows.flatMap(({ box }) => box)), weight: items / Math.max(1, rows.length), items, taken: Date.now() };
}

/** East of stored boxes may lie beyond 180, and so may that of the other: it is looked for one turn to both sides. */
function countTouching(boxes: Float64Array, [west, south, east, north]: Box): number {
  let count = 0;
  for (let i = 0; i < boxes.length; i += 4) {
    if (boxes[i + 1]! > north || boxes[i + 3]! < south) continue;
    const [first, last] = [boxes[i]!, boxes[i + 2]!];
    if ((first <= east && last >= west) || (first + 360 <= east && last + 360 >= west) || (first - 360 <= east && last - 360 >= west)) count++;
  }
  return count;
}
