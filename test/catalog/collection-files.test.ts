import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadCollectionFiles } from '../../src/catalog/collection-files.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import { fill } from '../api/stac/service.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';

let fresh: FreshDatabase;
let store: CatalogStore;
let directory: string;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  store = new CatalogStore(fresh.database);
});
afterAll(() => fresh.stop());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lamina-collections-'));
  return () => rm(directory, { recursive: true, force: true });
});

const layer = { sources: ['MONTHS'], operator: 'pca:1', process_graph: { load: { process_id: 'load_collection', arguments: {} } } };
const raw = (id: string) => ({
  type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id, description: `By hand: ${id}`, license: 'CC0-1.0', links: [], summaries: {}, 'cube:dimensions': {},
  extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [[null, null]] } },
});
const put = (name: string, content: unknown) => writeFile(join(directory, `${name}.json`), typeof content === 'string' ? content : JSON.stringify(content));

describe('loadCollectionFiles', () => {
  it('registers raw collections and layers, again without a change', async () => {
    await put('RAW', raw('RAW'));
    await put('LAYER', { ...raw('LAYER'), 'lamina:layer': layer });
    expect(await loadCollectionFiles(directory, store)).toEqual(['LAYER', 'RAW']);
    await loadCollectionFiles(directory, store);
    expect(await store.revision('LAYER')).toBe(1);
    expect((await store.collection('LAYER'))!['lamina:layer']).toEqual(layer);
  });

  it('removes a layer whose file has gone, but no raw collection', async () => {
    await put('OTHER', raw('OTHER'));
    await loadCollectionFiles(directory, store);
    expect(await store.collection('LAYER')).toBeNull();
    expect(await store.collection('RAW')).not.toBeNull();
  });

  it('keeps what the items of a raw collection have told', async () => {
    await fill(store);
    await put('MONTHS', raw('MONTHS'));
    await loadCollectionFiles(directory, store);
    const months = (await store.collection('MONTHS'))!;
    expect(months.description).toBe('By hand: MONTHS');
    expect(months.extent.temporal.interval).toEqual([['2020-01-15T10:00:00Z', '2020-12-15T10:00:00Z']]);
    expect((months['cube:dimensions'] as { bands: { values: string[] } }).bands.values).toEqual(['B04']);
  });

  it.each([
    ['{', /X\.json: is not JSON/],
    [[], /X\.json: must be a JSON object/],
    [{ ...raw('Y') }, /X\.json: \/id must be 'X'/],
    [{ ...raw('X'), description: '' }, /X\.json: \/description must be/],
    [{ ...raw('X'), extent: { spatial: {}, temporal: {} } }, /X\.json: \/extent\/spatial\/bbox must be/],
    [{ ...raw('X'), 'lamina:layer': { ...layer, operator: 7 } }, /X\.json: \/lamina:layer\/operator must be/],
    [{ ...raw('X'), 'lamina:layer': { ...layer, process_graph: { load: {} } } }, /X\.json: \/lamina:layer\/process_graph\/load must be/],
  ])('refuses %j and registers nothing', async (content, message) => {
    await put('A', raw('A'));
    await put('X', content);
    await expect(loadCollectionFiles(directory, store)).rejects.toThrow(message);
    expect(await store.collection('A')).toBeNull();
  });

  it('takes the files of this repository', async () => {
    expect(await loadCollectionFiles('collections', store)).toContain('EMB_SYNTHETIC_S2_PCA');
  });
});
