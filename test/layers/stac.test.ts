/** What is said of layers in STAC is valid by the schemas, offline. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ItemSource } from '../../src/catalog/item-source.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { layerItems } from '../../src/layers/layer-items.ts';
import { VirtualCatalog } from '../../src/layers/virtual-catalog.ts';
import { hasSchemas, problemsOf, withCollectionLink } from '../api/stac/validator.ts';
import { operator, registry } from './fixtures.ts';
import { layerCollection, rawCollection, served, writeItem } from './service.ts';

const skipped = hasSchemas ? '' : ' (skipped: ../shared/spec/stac/schemas is absent)';
let folder: string;
let raw: StacItem[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-stac-'));
  raw = [await writeItem(folder, 'a 1', '2021-05-01T00:00:00Z', () => 1), await writeItem(folder, 'b', '2021-06-01T00:00:00Z', () => 2)];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const collections = [rawCollection, layerCollection];
const collection = async (id: string) => collections.find((c) => c.id === id) ?? null;
const virtual = new VirtualCatalog({ collection }, registry);

/** The raw items, as the catalog gives them. */
const stored = (): ItemSource => ({
  search: async ({ collections: wanted, limit }) => ({ items: wanted?.includes('RAW') ? raw.slice(0, limit) : [], numberMatched: raw.length, next: null }),
  get: async (of, id) => (of === 'RAW' ? raw.find((item) => item.id === id) ?? null : null),
});
const state = { digest: '', hasWithdrawn: false, collections: new Map(collections.map((definition) => [definition.id, { definition, isPrivate: false, owner: null, facts: null }])) };
const items = () => layerItems({ ...stored(), collection, state: async () => state, collectionsWithout: async () => new Set() }, registry);

describe('the collection of a layer', () => {
  it('completes what its file says with what source and operator know', async () => {
    const shown = await virtual.describe(layerCollection);
    expect(shown).toMatchObject({
      id: 'LAYER', title: 'Toy layer', extent: rawCollection.extent, gsd: 40,
      'emb:type': 'chip', 'emb:dimensions': 2, 'emb:chip_layout': { layout_type: 'regular_grid', chip_size: [4, 4], stride: [4, 4] },
      'cube:dimensions': { embedding: { type: 'bands', values: ['e000', 'e001'] }, t: { type: 'temporal' } },
      // Pinned: the file says toy:1.0.0.
      'lamina:layer': { sources: ['RAW'], operator: 'toy@sha256:00' },
    });
    expect(shown.keywords).toEqual(expect.arrayContaining(['embeddings', 'virtual', 'toy']));
    expect(shown.links).toContainEqual(expect.objectContaining({ rel: 'derived_from', href: '/stac/collections/RAW' }));
    expect(shown['cube:dimensions']).not.toHaveProperty('x.step');
  });

  it('leaves raw collections as they are', async () => {
    expect(await virtual.describe(rawCollection)).toBe(rawCollection);
    expect(await virtual.layer('RAW')).toBeNull();
    expect(await virtual.layer('NONE')).toBeNull();
  });

  it('says so when its source is gone', async () => {
    const orphan = new VirtualCatalog({ collection: async () => null }, registry);
    await expect(orphan.describe(layerCollection)).rejects.toMatchObject({ code: 'CollectionNotFound', message: expect.stringMatching(/RAW.*source of layer 'LAYER'/) as unknown });
  });

  it.skipIf(!hasSchemas)(`is valid${skipped}`, async () => {
    expect(await problemsOf(rawCollection)).toEqual([]);
    expect(await problemsOf(served(await virtual.describe(layerCollection)))).toEqual([]);
  });
});

describe('the items of a layer', () => {
  it('stand for the raw items, one by one', async () => {
    const page = await items().search({ collections: ['LAYER'], limit: 10 });
    expect(page.items.map((item) => [item.id, item.collection])).toEqual([['a 1', 'LAYER'], ['b', 'LAYER']]);
    expect((await items().search({ collections: ['RAW'], limit: 10 })).items).toEqual([]);
    expect(await items().get('LAYER', 'none')).toBeNull();
    expect(await items().get('RAW', 'b')).toBeNull();
    expect(await items().get('NONE', 'b')).toBeNull();
  });

  it('have a file that is computed when somebody fetches it', async () => {
    const item = (await items().get('LAYER', 'a 1'))!;
    expect(item.assets['embeddings']).toMatchObject({ href: '/layers/LAYER/a%201/embeddings.tif', roles: ['data', 'virtual'], bands: [{ name: 'e000' }, { name: 'e001' }] });
    expect(item.links).toContainEqual(expect.objectContaining({ rel: 'derived_from', href: '/stac/collections/RAW/items/a%201' }));
    expect(item.properties).toMatchObject({ datetime: '2021-05-01T00:00:00Z', gsd: 40, 'proj:code': 'EPSG:32631', 'processing:lineage': `compress_embed with ${operator.reference}` });
    // Where the raw file lies is nobody's business.
    expect(JSON.stringify(item)).not.toContain('file:');
  });

  it.skipIf(!hasSchemas)(`are valid${skipped}`, async () => {
    for (const item of raw) expect(await problemsOf(withCollectionLink(item))).toEqual([]);
    for (const { id } of raw) expect([id, await problemsOf(withCollectionLink((await items().get('LAYER', id))!))]).toEqual([id, []]);
  });
});
