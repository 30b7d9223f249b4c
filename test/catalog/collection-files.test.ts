import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCollectionFiles, registerRaw } from '../../src/catalog/collection-files.ts';
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

const layer = { process_graph: { load: { process_id: 'load_collection', arguments: {} } } };
const raw = (id: string) => ({
  type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id, description: `By hand: ${id}`, license: 'CC0-1.0', links: [], summaries: {}, 'cube:dimensions': {},
  extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [[null, null]] } },
});
const put = (name: string, content: unknown, folder = directory) => writeFile(join(folder, `${name}.json`), typeof content === 'string' ? content : JSON.stringify(content));

describe('readCollectionFiles', () => {
  it('tells raw collections from layers, in several folders', async () => {
    const more = await mkdtemp(join(tmpdir(), 'lamina-collections-'));
    await put('RAW', raw('RAW'));
    await put('LAYER', { id: 'LAYER', 'lamina:layer': layer }, more);
    await writeFile(join(directory, 'README.md'), 'no collection');
    const files = await readCollectionFiles([directory, more, join(directory, 'absent')]);
    expect([[...files.raw.keys()], [...files.layers.keys()]]).toEqual([[join(directory, 'RAW.json')], [join(more, 'LAYER.json')]]);
    await put('RAW', raw('RAW'), more);
    await expect(readCollectionFiles([directory, more])).rejects.toThrow(/RAW\.json: \/id there is a file with the same id/);
    await rm(more, { recursive: true });
  });

  it.each([
    ['{', /X\.json: is not JSON/],
    [[], /X\.json: must be a JSON object/],
    [{ ...raw('Y') }, /X\.json: \/id must be 'X'/],
    [{ id: 'Y', 'lamina:layer': layer }, /X\.json: \/id must be 'X'/],
    [{ ...raw('X'), description: '' }, /X\.json: \/description must be/],
    [{ ...raw('X'), extent: { spatial: {}, temporal: {} } }, /X\.json: \/extent\/spatial\/bbox must be/],
  ])('refuses %j', async (content, message) => {
    await put('A', raw('A'));
    await put('X', content);
    await expect(readCollectionFiles([directory])).rejects.toThrow(message);
  });

  it('takes the files of this repository', async () => {
    expect([...(await readCollectionFiles(['collections'])).layers.keys()]).toContain('collections/EMB_SYNTHETIC_S2_PCA.json');
  });
});

describe('registerRaw', () => {
  const register = async () => registerRaw((await readCollectionFiles([directory])).raw, store);

  it('registers raw collections, again without a change', async () => {
    await put('RAW', raw('RAW'));
    await register();
    await register();
    expect(await store.revision('RAW')).toBe(1);
  });

  it('removes no raw collection whose file has gone', async () => {
    await put('OTHER', raw('OTHER'));
    await register();
    expect(await store.collection('RAW')).not.toBeNull();
  });

  it('keeps what the items of a raw collection have told', async () => {
    await fill(store);
    await put('MONTHS', raw('MONTHS'));
    await register();
    const months = (await store.collection('MONTHS'))!;
    expect(months.description).toBe('By hand: MONTHS');
    expect(months.extent.temporal.interval).toEqual([['2020-01-15T10:00:00Z', '2020-12-15T10:00:00Z']]);
    expect((months['cube:dimensions'] as { bands: { values: string[] } }).bands.values).toEqual(['B04']);
  });
});
