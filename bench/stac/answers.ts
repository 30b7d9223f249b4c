/** Are the answers of two servers the same? */
import { isDeepStrictEqual } from 'node:util';
import type { StacItem } from '../../src/catalog/types.ts';
import { collections, numbers } from './items.ts';
import { post, type Shape } from './searches.ts';

const SEARCHES = 20;
const known = new Set(collections.map(({ id }) => id));

async function featuresOf(url: string, body: object): Promise<StacItem[]> {
  return (JSON.parse(await post(url, body)) as { features: StacItem[] }).features;
}

/** Ids in order; those of one key by name, and without those of the last key: which of its items still find room is nobody's promise. */
function settled(items: readonly StacItem[], key: Shape['key']): string[] {
  const last = items.length > 0 ? key(items.at(-1)!) : 0;
  return items.filter((item) => items.length === 1 || key(item) !== last).toSorted((a, b) => key(a) - key(b) || a.id.localeCompare(b.id)).map(({ id }) => id);
}

/**
 * Asks both for some searches of a shape. Throws an Error that names the search when they differ in the number of
 * items, their order, or which items they are. Gives how many items were compared.
 */
export async function compareAnswers(ours: string, theirs: string, { make, key }: Shape): Promise<number> {
  const random = numbers(77);
  let compared = 0;
  for (let i = 0; i < SEARCHES; i++) {
    const body = make(random);
    const all = await featuresOf(ours, body);
    // Ours has a collection more: the operators of the package, whose items cover the world and take places of a page.
    const a = all.filter(({ collection }) => known.has(collection));
    const b = (await featuresOf(theirs, body)).slice(0, body.limit - (all.length - a.length));
    const isSame = isDeepStrictEqual(a.map(key), b.map(key)) && isDeepStrictEqual(settled(a, key), settled(b, key));
    if (!isSame) throw new Error(`the answers to ${JSON.stringify(body)} differ: ${a.map(({ id }) => id).join(' ')} and ${b.map(({ id }) => id).join(' ')}`);
    compared += a.length;
  }
  return compared;
}
