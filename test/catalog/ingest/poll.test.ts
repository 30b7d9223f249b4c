/** Sources that are looked at again and again, on a real database. */
import { copyFile, mkdir, mkdtemp, rename, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ingest } from '../../../src/catalog/ingest/ingest.ts';
import { pollSources } from '../../../src/catalog/ingest/poll.ts';
import { withdrawVanished } from '../../../src/catalog/ingest/vanished.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { createLog, silentLog, type LogEntry } from '../../../src/log.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';
import { writeItem } from '../../layers/service.ts';

let fresh: FreshDatabase;
let folder: string;
let source: string;
let store: CatalogStore;
let file: string;
const rasters = new RasterCache();

beforeAll(async () => {
  fresh = await startFreshDatabase();
  store = new CatalogStore(fresh.database);
  folder = await mkdtemp(join(tmpdir(), 'lamina-poll-'));
  file = fileURLToPath((await writeItem(folder, 'x', '2021-05-01T00:00:00Z', (band) => 20 + band)).assets['data']!.href);
});
afterAll(async () => {
  await rasters.close();
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await store.deleteCollection('POLLED');
  source = await mkdtemp(join(folder, 'source-'));
});

const dependencies = (log = silentLog) => ({ store, rasters, log });
const add = (name: string) => copyFile(file, join(source, name));
const ids = async () => (await store.search({ collections: ['POLLED'], limit: 100 })).items.map(({ id }) => id).sort();
const changes = async () => (await fresh.database.query<{ item: string; kind: string }>('select item, kind from item_changes where collection = \'POLLED\' order by sequence')).map(({ item, kind }) => `${kind} ${item}`);

describe('pollSources', () => {
  it('takes in new and changed files, and opens nothing where nothing happened', async () => {
    const stop = new AbortController();
    let rounds = 0;
    await add('a_20210501.tif');
    await fresh.database.query('truncate item_changes');
    const polling = pollSources({ sources: [source], collection: 'POLLED' }, dependencies(), { everyMs: 20, withdraw: true, signal: stop.signal, onRound: () => rounds++ });
    await expect.poll(() => ids(), { timeout: 5000 }).toEqual(['a_20210501']);
    await expect.poll(() => rounds).toBe(1);
    await new Promise((done) => setTimeout(done, 150));
    expect(rounds).toBe(1);
    await add('b_20210601.tif');
    await expect.poll(() => ids(), { timeout: 5000 }).toEqual(['a_20210501', 'b_20210601']);
    await utimes(join(source, 'a_20210501.tif'), new Date(), new Date('2022-01-01'));
    await expect.poll(() => changes(), { timeout: 5000 }).toEqual(['put a_20210501', 'put b_20210601', 'put a_20210501']);
    await rm(join(source, 'a_20210501.tif'));
    await expect.poll(() => ids(), { timeout: 5000 }).toEqual(['b_20210601']);
    stop.abort();
    await polling;
  });

  it('goes on after a round that failed', async () => {
    const logged: LogEntry[] = [];
    const stop = new AbortController();
    let failures = 2;
    const shaky = Object.assign(new CatalogStore(fresh.database), { collection: (id: string) => (failures-- > 0 ? Promise.reject(new Error('away')) : store.collection(id)) });
    await add('a_20210501.tif');
    const polling = pollSources({ sources: [source], collection: 'POLLED' }, { ...dependencies(createLog((entry) => logged.push(entry))), store: shaky }, { everyMs: 10, withdraw: false, signal: stop.signal, onRound: () => stop.abort() });
    await polling;
    expect(logged.filter(({ message }) => message.includes('away'))).toHaveLength(2);
  });
});

describe('withdrawVanished', () => {
  it('withdraws what lay below the sources and is gone, and nothing else', async () => {
    await mkdir(join(source, 'in'));
    await mkdir(join(source, 'in-other'));
    for (const name of ['in/a_20210501.tif', 'in/b_20210601.tif', 'in-other/c_20210701.tif']) await add(name);
    await ingest({ sources: [source], collection: 'POLLED' }, dependencies());
    for (const name of ['in/a_20210501.tif', 'in-other/c_20210701.tif']) await rm(join(source, name));
    expect(await withdrawVanished('POLLED', [join(source, 'in')], store)).toEqual({ items: ['a_20210501'], warnings: [] });
    expect(await ids()).toEqual(['b_20210601', 'c_20210701']);
  });

  it('withdraws nothing of a source that is away or empty', async () => {
    await add('a_20210501.tif');
    await ingest({ sources: [source], collection: 'POLLED' }, dependencies());
    await rename(source, `${source}-away`);
    expect((await withdrawVanished('POLLED', [source], store)).warnings[0]).toContain('as if its disk was not there');
    await mkdir(source);
    expect((await withdrawVanished('POLLED', [source], store)).items).toEqual([]);
    expect(await ids()).toEqual(['a_20210501']);
  });
});
