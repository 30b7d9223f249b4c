/** Items of files that this service wrote: into a raw collection, and out of it again. */
import { isDeepStrictEqual } from 'node:util';
import { deriveCollection, type CollectionText } from './ingest/collection.ts';
import { describeCollection, fixAnchors, settleItems } from './ingest/register.ts';
import type { CatalogStore } from './store.ts';
import type { StacCollection, StacItem } from './types.ts';

/** The folder in the object store of all files that were exported to a collection. */
export function exportFolder(collection: string): string {
  return `exports/${collection}/`;
}

export interface Publishing {
  readonly collection: string;
  /** At least one; all of the collection. */
  readonly items: readonly StacItem[];
  /** Of a collection that does not exist yet: what people read of it, and further fields. */
  readonly text: CollectionText;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Throws when nothing may be added to a collection that exists. */
  readonly check: (existing: StacCollection) => void;
}

/**
 * Puts items into a collection, which is made of them when there is none. Gives the items of other files
 * whose place they take. Throws what `check` throws; then nothing has changed.
 */
export async function publishItems(store: CatalogStore, { collection, items, text, fields, check }: Publishing): Promise<readonly StacItem[]> {
  const isNew = await store.addCollection({ ...deriveCollection(collection, items, text, null), ...fields });
  if (!isNew) check((await store.collection(collection))!);
  const present = await Promise.all(items.map((item) => store.get(collection, item.id)));
  await store.putItems(collection, items);
  if (isNew) for (const item of items) await fixAnchors(item, store);
  else await settleItems(collection, items, store);
  // One of the same files is from an earlier try.
  return present.filter((item, i) => item !== null && !isDeepStrictEqual(hrefsOf(item), hrefsOf(items[i]!))).map((item) => item!);
}

/** Takes published items back: those before them return, and a collection of ours without any goes. */
export async function withdrawItems(store: CatalogStore, collection: string, items: readonly StacItem[], before: readonly StacItem[]): Promise<void> {
  await store.deleteItems(collection, items.map(({ id }) => id).filter((id) => !before.some((item) => item.id === id)));
  await store.putItems(collection, before);
  const left = await store.collection(collection);
  if (!left) return;
  const isEmpty = (await store.days(collection, 1)).length === 0;
  if (isEmpty && 'lamina:files' in left) await store.deleteCollection(collection);
  else if (!isEmpty) await describeCollection(collection, store, {}, left);
}

function hrefsOf({ assets }: StacItem): string[] {
  return Object.values(assets).map(({ href }) => href);
}
