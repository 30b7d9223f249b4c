/** Our STAC extension: what it says is true, what uses it is valid, what is misspelt is not. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { StacItem } from '../../src/catalog/types.ts';
import { SchemaLibrary } from '../../src/graph/schema-library.ts';
import { shownExtensions } from '../../src/layers/extensions.ts';
import { blockCost, LAMINA_EXTENSION_PATH, laminaSchema, usesLamina } from '../../src/layers/lamina-extension.ts';
import { describeLayerItem } from '../../src/layers/describe.ts';
import { operatorItem } from '../../src/layers/operator-items.ts';
import { VirtualCatalog } from '../../src/layers/virtual-catalog.ts';
import { layerOf } from '../../src/layers/layer.ts';
import { operator, registry } from './fixtures.ts';
import { layerCollection, rawCollection } from './service.ts';
import { scene } from '../api/stac/service.ts';

const base = 'https://eo.example/stac';
const url = `${base}${LAMINA_EXTENSION_PATH}`;
const check = new SchemaLibrary(() => null).compile(laminaSchema(url));
const shown = <T extends Pick<StacItem, 'stac_extensions' | 'links'>>(object: T): T => ({ ...object, stac_extensions: shownExtensions(object, base) });

const layer = layerOf(layerCollection, registry)!;
const item = () => shown(describeLayerItem(layer, scene('RAW', 'a', '2021-05-01T00:00:00Z')));

describe('objects of the service', () => {
  it('of layers, their items and operators name the extension and are valid by it', async () => {
    const virtual = new VirtualCatalog({ collection: async (id) => (id === 'RAW' ? rawCollection : null) }, registry);
    const collection = shown(await virtual.describe(layerCollection));
    const known = shown(await operatorItem({ operator: { ...operator, folder: async () => new URL('../../operators/pca', import.meta.url).pathname }, version: '1.0.0', digest: operator.reference, published: '2026-01-01T00:00:00Z', archive: undefined } as unknown as Parameters<typeof operatorItem>[0]));
    for (const object of [collection, item(), known]) {
      expect(object.stac_extensions).toContain(url);
      expect(check(object)).toEqual([]);
    }
    expect(collection['lamina:block']).toEqual(item().properties['lamina:block']);
  });

  it('without a field of it do not name it, whoever they came from', () => {
    expect(usesLamina(rawCollection)).toBe(false);
    expect(shownExtensions({ ...rawCollection, stac_extensions: ['https://other.example/stac/extensions/lamina/v1.0.0/schema.json', 'https://x.example/schema.json'] }, base)).toEqual(['https://x.example/schema.json']);
    expect(shownExtensions({ links: [], stac_extensions: ['https://other.example/stac/extensions/lamina/v1.0.0/schema.json'], 'lamina:views': ['int8'] } as never, base)).toEqual([url]);
    const asset = { href: 'https://x.example/a.tif', bands: [{ name: 'SCL', 'lamina:cloud': { method: 'x' } }] };
    expect(usesLamina({ assets: { asset } })).toBe(true);
  });
});

it('tells what a block costs: patches with their halo are read, vectors are kept', () => {
  const manifest = { patch: 8, halo: 4, input: { bands: Array.from({ length: 9 }) }, output: { dimensions: 12 } } as unknown as Parameters<typeof blockCost>[0];
  expect(blockCost(manifest)).toEqual({ patches: [32, 32], pixels: [264, 264], samples: 264 * 264 * 9, bytes: 32 * 32 * 12 * 4 });
});

describe('the schema', () => {
  it.each([
    [{ 'lamina:status': 'maybe' }, '/properties/lamina:status'], [{ 'lamina:statsu': 'virtual' }, '/properties'], [{ 'lamina:cached': { blocks: -1 } }, '/properties/lamina:cached/blocks'],
    [{ 'lamina:block': { patches: [32, 32] } }, '/properties/lamina:block/pixels'], [{ 'lamina:tags': 'latest' }, '/properties/lamina:tags'],
  ])('refuses %j', (fields, path) => {
    const changed = item();
    const faults = check({ ...changed, properties: { ...changed.properties, ...fields } });
    expect(faults.map((fault) => fault.path)).toContain(path);
  });

  it('refuses a layer without a graph, and an object that does not name it', () => {
    expect(check({ ...layerCollection, stac_extensions: [url], 'lamina:layer': { sources: ['RAW'] } }).map(({ path }) => path)).toContain('/lamina:layer/process_graph');
    expect(check({ ...item(), stac_extensions: [] })).not.toEqual([]);
  });

  it('is published beside its description', () => {
    const published = JSON.parse(readFileSync(new URL('../../docs/schemas/lamina/schema.json', import.meta.url), 'utf8')) as { $id: string };
    expect(published).toEqual(laminaSchema(published.$id));
    const page = readFileSync(new URL('../../docs/lamina-extension.md', import.meta.url), 'utf8');
    const fields = [...JSON.stringify(published).matchAll(/"(lamina:\w+)"/g)].map(([, name]) => name!);
    expect([...new Set(fields)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
