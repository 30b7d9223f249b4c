/** What a registry says of its operators in STAC, and that it can be made anew. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reindex } from '../../../src/operators/registry/metadata.ts';
import { Registry } from '../../../src/operators/registry/registry.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { hasSchemas, problemsOf } from '../../api/stac/validator.ts';
import { packed } from './packages.ts';

interface Linked {
  readonly type: string;
  readonly links: readonly { readonly rel: string; readonly href: string }[];
  readonly assets?: Readonly<Record<string, { readonly href: string }>>;
}

const skipped = hasSchemas ? '' : ' (skipped: ../shared/spec/stac/schemas is absent)';
let folder: string;
let objects: ObjectStore;
let registry: Registry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-metadata-'));
  objects = createLocalStore(join(folder, 'registry'));
  registry = new Registry(objects, { now: () => new Date('2026-11-01T12:00:00Z') });
  const params = [{ name: 'gain', description: 'Factor', type: 'number', default: 1 }];
  for (const fields of [{ name: 'spectral', version: '1.0.0' }, { name: 'spectral', version: '2.0.0-rc1', params }, { namespace: 'e2s', name: 'ai-compressor', version: '0.1.0' }]) {
    await registry.publish((await packed(folder, fields)).path, { by: 'someone', report: { stages: [] } });
  }
  await registry.publish((await packed(folder, { name: 'spectral', version: '1.1.0', resources: { memory_mib: 300 } })).path, { by: 'someone' });
  await registry.yank({ name: 'spectral' }, '1.0.0', { by: 'someone' });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const document = async (key: string) => JSON.parse(Buffer.from((await objects.get(key))!).toString()) as Linked & Record<string, unknown>;
const snapshot = async (): Promise<Record<string, string>> => Object.fromEntries(await Promise.all((await Array.fromAsync(objects.list(''))).map(async ({ key }) => [key, Buffer.from((await objects.get(key))!).toString('base64')])));

/** Everything that can be reached from the catalog. */
async function reachable(): Promise<Map<string, Linked & Record<string, unknown>>> {
  const found = new Map<string, Linked & Record<string, unknown>>();
  const visit = async (key: string): Promise<void> => {
    if (found.has(key)) return;
    const read = await document(key);
    found.set(key, read);
    for (const { rel, href } of read.links) if (['child', 'item', 'root', 'parent', 'collection'].includes(rel)) await visit(posix.join(posix.dirname(key), href));
  };
  await visit('operators/catalog.json');
  return found;
}

describe('the STAC of a registry', () => {
  it('leads from the catalog to every version, and every asset is there', async () => {
    const all = await reachable();
    expect([...all.keys()].toSorted()).toEqual([
      'operators/catalog.json',
      'operators/e2s/ai-compressor/collection.json',
      'operators/e2s/ai-compressor/versions/0.1.0/item.json',
      'operators/library/spectral/collection.json',
      'operators/library/spectral/versions/1.0.0/item.json',
      'operators/library/spectral/versions/1.1.0/item.json',
      'operators/library/spectral/versions/2.0.0-rc1/item.json',
    ]);
    for (const [key, { assets = {} }] of all) {
      for (const { href } of Object.values(assets)) expect(await objects.head(posix.join(posix.dirname(key), href)), `${href} of ${key}`).not.toBeNull();
    }
  });

  it.skipIf(!hasSchemas)(`is valid by the schemas, MLM 1.5.2 included${skipped}`, async () => {
    for (const [key, read] of await reachable()) expect(await problemsOf(read), key).toEqual([]);
  });

  it.skipIf(!hasSchemas)(`is really looked at by the validator${skipped}`, async () => {
    const item = await document('operators/library/spectral/versions/1.0.0/item.json');
    const broken = { ...item, properties: { ...item['properties'] as object, 'mlm:tasks': ['embedding'] } };
    expect(await problemsOf(broken)).not.toEqual([]);
  });

  it('says of a version what others need to use it', async () => {
    const item = await document('operators/library/spectral/versions/1.1.0/item.json');
    expect(item['properties']).toMatchObject({
      version: '1.1.0', license: 'Apache-2.0', 'lamina:operator': 'spectral', 'mlm:framework': 'ONNX', 'mlm:memory_size': 300 * 2 ** 20,
      'mlm:input': [{ name: 'pixels', input: { shape: [-1, 9, -1, -1], dim_order: ['batch', 'bands', 'height', 'width'], data_type: 'float32' } }],
      'mlm:output': [{ name: 'embedding', result: { shape: [-1, 32, -1, -1] } }],
      'mlm:hyperparameters': { task: 'embedding', patch: 8, halo: 0, dimensions: 32 },
    });
  });

  it('marks what was yanked and what is no release', async () => {
    const { links } = await document('operators/library/spectral/collection.json');
    expect(links.filter(({ rel }) => rel === 'item')).toMatchObject([{ version: '2.0.0-rc1', experimental: true }, { version: '1.1.0' }, { version: '1.0.0', deprecated: true }]);
  });
});

describe('reindexing', () => {
  it('makes all metadata anew from archives, manifests and tags, and changes nothing that is right', async () => {
    const before = await snapshot();
    await reindex(objects);
    expect(await snapshot()).toEqual(before);
    for (const key of Object.keys(before)) if (/(catalog|collection)\.json$/.test(key)) await objects.delete(key);
    expect(await reindex(objects)).toEqual([{ name: 'e2s/ai-compressor', versions: 1 }, { name: 'spectral', versions: 3 }]);
    expect(await snapshot()).toEqual(before);
  });

  it('makes items anew too; only the time of publication is that of the files then', async () => {
    const key = 'operators/library/spectral/versions/1.0.0/item.json';
    const before = await document(key);
    await objects.delete(key);
    await reindex(objects);
    const after = await document(key);
    const { datetime: _, created: __, ...properties } = after['properties'] as Record<string, unknown>;
    expect(before['properties']).toMatchObject(properties);
    expect(after.assets).toEqual(before.assets);
  });

  it('forgets operators that are gone', async () => {
    const copy = createLocalStore(join(folder, 'copy'));
    for (const [key, content] of Object.entries(await snapshot())) await copy.put(key, Buffer.from(content, 'base64'));
    for await (const { key } of copy.list('operators/e2s/')) await copy.delete(key);
    expect(await reindex(copy)).toEqual([{ name: 'spectral', versions: 3 }]);
    const { links } = JSON.parse(Buffer.from((await copy.get('operators/catalog.json'))!).toString()) as Linked;
    expect(links.filter(({ rel }) => rel === 'child').map(({ href }) => href)).toEqual(['./library/spectral/collection.json']);
  });

  it('refuses a manifest that is not the one that was published', async () => {
    const copy = createLocalStore(join(folder, 'damaged'));
    for (const [key, content] of Object.entries(await snapshot())) await copy.put(key, Buffer.from(content, 'base64'));
    await copy.put('operators/library/spectral/versions/1.1.0/operator.json', Buffer.from('{}'));
    await expect(reindex(copy)).rejects.toMatchObject({ reason: 'Damaged', message: 'spectral:1.1.0 of the registry is damaged: operator.json is not the one that was published.' });
    await expect(new Registry(copy).find({ name: 'spectral' }, '1.1.0')).rejects.toMatchObject({ reason: 'Damaged' });
  });
});
