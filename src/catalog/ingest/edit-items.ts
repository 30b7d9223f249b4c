/** Items of raw collections, written by clients: created, replaced, changed in part, withdrawn. */
import { OpenEOError } from '../../errors.ts';
import type { RasterOpener } from '../read-asset.ts';
import type { CatalogStore } from '../store.ts';
import type { StacCollection, StacItem } from '../types.ts';
import type { Watches } from '../watches.ts';
import { hostProblem } from '../remote/check-host.ts';
import { checkItem, itemInvalid } from './check-item.ts';
import { completeItem } from './complete-item.ts';
import { mergePatch } from './merge-patch.ts';
import { settleItems } from './register.ts';

export interface ItemEditorDependencies {
  readonly store: CatalogStore;
  readonly watches: Watches;
  /** Opens what clients name: public http(s) URLs, and objects of this service. */
  readonly rasters: RasterOpener;
  /** Hosts that may be read although their addresses are internal. */
  readonly allowedHosts: readonly string[];
  /** Who may write. */
  readonly editors: ReadonlySet<string>;
  /** Name of the bucket that 'object:' means. */
  readonly ownBucket: string;
}

/** Hrefs under which clients see the assets of a stored item → the stored href. */
export type ShownHrefs = (stored: StacItem) => ReadonlyMap<string, string>;

/** Whether a stored item is the one that the client means to change. */
export type Condition = (stored: StacItem) => boolean;

/** A larger ItemCollection is sent in parts. */
const MAX_ITEMS = 1000;
/** Headers of items read at the same time. */
const PARALLEL = 8;

export class ItemEditor {
  readonly #parts: ItemEditorDependencies;

  constructor(parts: ItemEditorDependencies) {
    this.#parts = parts;
  }

  /**
   * Creates the item, or all items of an ItemCollection or none. Throws AuthenticationRequired,
   * PermissionsInsufficient, CollectionNotFound, ItemInvalid or ItemExists.
   */
  async create(collection: string, body: unknown, user: string | null): Promise<readonly StacItem[]> {
    await this.#writable(collection, user);
    const raw = itemsIn(body);
    const objectPrefixes = await this.#objectPrefixes(collection);
    const checked = raw.map((item) => checkItem(item, collection, { stored: {}, shown: new Map(), objectPrefixes }));
    const twice = checked.find((item, i) => checked.findIndex(({ id }) => id === item.id) < i);
    if (twice) throw itemInvalid(twice.id, 'it is twice in the ItemCollection.');
    const items = await this.#complete(checked);
    const [known] = await this.#parts.store.createItems(collection, items);
    if (known !== undefined) throw new OpenEOError('ItemExists', { item: known, collection });
    await settleItems(collection, items, this.#parts.store);
    return items;
  }

  /** Replaces an item whole. Throws as `create` does, NotFound, and PreconditionFailed when the condition does not hold. */
  replace(collection: string, id: string, body: unknown, user: string | null, shown: ShownHrefs, condition?: Condition): Promise<StacItem> {
    return this.#change(collection, id, user, { shown, condition }, () => body);
  }

  /** Changes fields of an item by a JSON merge patch (RFC 7386). Throws as `replace` does. */
  patch(collection: string, id: string, body: unknown, user: string | null, shown: ShownHrefs, condition?: Condition): Promise<StacItem> {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw itemInvalid(id, 'the patch is not a JSON object.');
    return this.#change(collection, id, user, { shown, condition }, (stored) => mergePatch(stored, body));
  }

  /** Withdraws an item; one that is not there is no error, but for a condition. Its file stays where it is. */
  async delete(collection: string, id: string, user: string | null, condition?: Condition): Promise<void> {
    await this.#writable(collection, user);
    const { store } = this.#parts;
    if (!condition) return void (await store.deleteItems(collection, [id]));
    const stored = await store.get(collection, id);
    if (!stored || !condition(stored) || !(await store.exchangeItem(collection, stored, null))) throw preconditionFailed(id);
  }

  async #change(collection: string, id: string, user: string | null, { shown, condition }: { readonly shown: ShownHrefs; readonly condition: Condition | undefined }, change: (stored: StacItem) => unknown): Promise<StacItem> {
    await this.#writable(collection, user);
    const { store } = this.#parts;
    const stored = await store.get(collection, id);
    if (!stored) throw new OpenEOError('NotFound', {}, { detail: `Collection '${collection}' has no item '${id}'; POST creates one.` });
    if (condition && !condition(stored)) throw preconditionFailed(id);
    const checked = checkItem(change(stored), collection, { stored: stored.assets, shown: shown(stored), objectPrefixes: await this.#objectPrefixes(collection) });
    if (checked.id !== id) throw itemInvalid(checked.id, `its \`id\` is not that of the path, '${id}'.`);
    const via = stored.links.filter((link) => link.rel === 'via');
    const [item] = await this.#complete([{ ...checked, links: [...checked.links, ...via] }], stored);
    // Files were opened meanwhile, which takes its time.
    if (!condition) await store.putItems(collection, [item!]);
    else if (!(await store.exchangeItem(collection, stored, item!))) throw preconditionFailed(id);
    await settleItems(collection, [item!], store);
    return item!;
  }

  async #writable(id: string, user: string | null): Promise<StacCollection> {
    if (user === null) throw new OpenEOError('AuthenticationRequired', {});
    if (!this.#parts.editors.has(user)) throw new OpenEOError('PermissionsInsufficient', {}, { detail: 'Items are written by the users that the setting LAMINA_EDITORS names.' });
    const collection = await this.#parts.store.collection(id);
    if (!collection) throw new OpenEOError('CollectionNotFound', { identifier: id });
    if (collection['lamina:layer']) throw new OpenEOError('PermissionsInsufficient', {}, { detail: `'${id}' is a layer: its items are computed from those of its source, and change with them.` });
    if (collection['lamina:operators']) throw new OpenEOError('PermissionsInsufficient', {}, { detail: `'${id}' are the operators of the service; \`lamina operator publish\` adds one.` });
    return collection;
  }

  async #objectPrefixes(collection: string): Promise<string[]> {
    const watches = await this.#parts.watches.of(collection);
    return watches.filter(({ url, bucket }) => url === null && bucket === this.#parts.ownBucket).map(({ prefix }) => prefix);
  }

  /** Also of assets that nobody opens now: workers will. What is `known` lies there already. */
  async #checkHosts(items: readonly StacItem[], known: ReadonlySet<string>): Promise<void> {
    const places = items.flatMap((item) => Object.entries(item.assets).filter(([, { href }]) => /^https?:/i.test(href) && !known.has(href)).map(([key, { href }]) => ({ item, key, href })));
    const byHost = new Map(places.map((place) => [new URL(place.href).origin, place]));
    for (const { item, key, href } of byHost.values()) {
      const problem = await hostProblem(href, this.#parts.allowedHosts);
      if (problem !== null) throw itemInvalid(item.id, `\`assets.${key}.href\`: ${problem}.`);
    }
  }

  async #complete(items: readonly StacItem[], stored?: StacItem): Promise<StacItem[]> {
    await this.#checkHosts(items, new Set(Object.values(stored?.assets ?? {}).map(({ href }) => href)));
    const done: StacItem[] = [];
    for (let i = 0; i < items.length; i += PARALLEL) done.push(...(await Promise.all(items.slice(i, i + PARALLEL).map((item) => completeItem(item, this.#parts.rasters)))));
    return done;
  }
}

const preconditionFailed = (id: string) => new OpenEOError('PreconditionFailed', { what: `Item '${id}'` });

function itemsIn(body: unknown): readonly unknown[] {
  const { type, features } = (typeof body === 'object' && body !== null ? body : {}) as { type?: unknown; features?: unknown };
  if (type !== 'FeatureCollection') return [body];
  if (!Array.isArray(features) || features.length === 0) throw itemInvalid('', 'the ItemCollection has no `features`.');
  if (features.length > MAX_ITEMS) throw itemInvalid('', `an ItemCollection may have ${MAX_ITEMS} items, this one has ${features.length}.`);
  return features;
}
