/** Puts items into the catalog together with what follows from them: the lattice anchor and the collection's extents. */
import { widenCollection } from '../bulk/widen-collection.ts';
import { flatBox } from '../item-search.ts';
import { intervalOfItem, unionInterval, type Interval } from '../interval.ts';
import type { CatalogStore } from '../store.ts';
import type { StacCollection, StacItem } from '../types.ts';
import { deriveCollection, type CollectionText } from './collection.ts';

/** The corner of the finest asset is where the patches of a layer are counted from. */
export async function fixAnchors(item: StacItem, store: CatalogStore): Promise<void> {
  const known = await store.anchors(item.collection);
  for (const asset of Object.values(item.assets)) {
    const of = (key: string) => asset[key] ?? item.properties[key];
    const [crs, transform] = [of('proj:code'), of('proj:transform')];
    if (!asset.bands || typeof crs !== 'string' || !Array.isArray(transform) || known.has(crs)) continue;
    const [stepX, , x, , down, y] = transform as [number, number, number, number, number, number];
    await store.fixAnchor(item.collection, { crs, x, y, stepX, stepY: Math.abs(down) });
  }
}

/** Items that are read to describe their collection: more would not fit into the memory of a small machine. */
const MAX_DESCRIBED = 20_000;

/**
 * The collection as all of its items make it. What people wrote comes from `text`, else from `existing`. A large
 * collection only grows: by what `added` makes of it, while what is said already stays.
 */
export async function describeCollection(id: string, store: CatalogStore, text: CollectionText, existing: StacCollection | null, added: readonly StacItem[] = []): Promise<void> {
  if ((await store.count(id)) > MAX_DESCRIBED) {
    const known = existing ?? (await store.collection(id));
    if (known && added.length > 0) await store.putCollection(widenCollection(known, added, text));
    return;
  }
  const all = await store.items({ collection: id, bbox: null, interval: null });
  if (all.length > 0) await store.putCollection(deriveCollection(id, all, text, existing));
}

/**
 * After some items were put into a collection: fixes anchors, and describes the collection anew where the
 * items go beyond what it says. A new date alone costs no look at the other items.
 */
export async function settleItems(id: string, items: readonly StacItem[], store: CatalogStore): Promise<void> {
  for (const item of items) await fixAnchors(item, store);
  const collection = await store.collection(id);
  if (!collection) return;
  if (!items.every((item) => isKnownKind(collection, item))) return describeCollection(id, store, {}, collection, items);
  await store.putCollection(stretched(collection, items));
}

/** An item within the collection's box, with bands and reference systems that the collection names. */
function isKnownKind(collection: StacCollection, item: StacItem): boolean {
  const box = collection.extent.spatial.bbox[0];
  if (!box) return false;
  const [own, outer] = [flatBox(item.bbox), flatBox(box)];
  const isInside = own[0] >= outer[0] && own[1] >= outer[1] && own[2] <= outer[2] && own[3] <= outer[3];
  const bands = new Set((collection.bands ?? []).map((band) => band.name));
  const codes = new Set([collection.summaries['proj:code'] ?? []].flat());
  return isInside && Object.values(item.assets).every((asset) => {
    const code = asset['proj:code'] ?? item.properties['proj:code'];
    return (asset.bands ?? []).every((band) => band.name === undefined || bands.has(band.name)) && (!asset.bands || typeof code !== 'string' || codes.has(code));
  });
}

/** The collection with a temporal extent that holds the items. */
function stretched(collection: StacCollection, items: readonly StacItem[]): StacCollection {
  const [known = [null, null], ...more] = collection.extent.temporal.interval;
  const interval = items.map(intervalOfItem).reduce<Interval>((whole, more) => unionInterval<string | null>(whole, more), known);
  if (interval[0] === known[0] && interval[1] === known[1]) return collection;
  const dimensions = Object.entries(collection['cube:dimensions']).map(([name, dimension]) => [name, (dimension as { type?: string }).type === 'temporal' ? { ...(dimension as object), extent: interval } : dimension]);
  return { ...collection, extent: { ...collection.extent, temporal: { interval: [interval, ...more] } }, 'cube:dimensions': Object.fromEntries(dimensions) as StacCollection['cube:dimensions'] };
}
