/** The STAC collection of operators: over a real database, searched like any other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StacCollection } from '../../../src/catalog/types.ts';
import { isOperatorCollection, keepOperators, withoutOperators } from '../../../src/layers/operator-items.ts';
import { silentLog } from '../../../src/log.ts';
import { openRegistry } from '../../../src/operators/registry/installed.ts';
import { NodeCache } from '../../../src/operators/registry/node-cache.ts';
import { OperatorIndex } from '../../../src/operators/registry/operator-index.ts';
import { openPlace } from '../../../src/operators/registry/place.ts';
import { Registry } from '../../../src/operators/registry/registry.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import { operatorsDirectory } from '../../operators/golden.ts';
import { packed } from '../../operators/registry/packages.ts';
import { list, startService, type Json, type Service } from './service.ts';
import { hasSchemas, problemsOf } from './validator.ts';

const skipped = hasSchemas ? '' : ' (skipped: ../shared/spec/stac/schemas is absent)';
let service: Service;
let folder: string;
let index: OperatorIndex;
let registry: Registry;

beforeAll(async () => {
  service = await startService();
  folder = await mkdtemp(join(tmpdir(), 'lamina-stac-operators-'));
  const objects = createLocalStore(join(folder, 'objects'));
  registry = new Registry(objects);
  await registry.publish((await packed(folder, { namespace: 'e2s', name: 'ai-compressor', version: '0.1.0' })).path, { by: 'someone' });
  const place = openPlace('store', { store: async () => objects, s3: null });
  index = new OperatorIndex({ installed: (await openRegistry(operatorsDirectory)).list(), places: [place], cache: new NodeCache(join(folder, 'cache'), { maxBytes: 1e9, log: silentLog }), directory: join(folder, 'answers'), log: silentLog });
  await index.refresh();
  expect(await keepOperators(service.store, index.all())).toBe(true);
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

const ids = async (path: string) => list((await service.get(path)).body['features']!).map((item) => String(item['id'])).toSorted();

describe('the collection of operators', () => {
  it('has an item per version, and tells where the archive is', async () => {
    expect(await ids('/collections/operators/items')).toEqual(['conv-1.0.0', 'e2s.ai-compressor-0.1.0', 'pca-1.0.0']);
    const { body } = await service.get('/collections/operators/items/e2s.ai-compressor-0.1.0');
    expect(body['assets']!['archive']).toMatchObject({ href: expect.stringContaining('/assets/operators.e2s.ai-compressor-0.1.0.archive') as unknown, 'mlm:artifact_type': 'onnx', roles: expect.arrayContaining(['mlm:model']) as unknown });
    expect((await service.store.get('operators', 'pca-1.0.0'))!.assets['description']!.href).toMatch(/^\/operators\/pca@sha256:[0-9a-f]{64}$/);
    expect((await service.store.get('operators', 'e2s.ai-compressor-0.1.0'))!.assets['archive']!.href).toBe('object:operators/e2s/ai-compressor/versions/0.1.0/ai-compressor-0.1.0.tar.gz');
  });

  it('can be searched by what operators are', async () => {
    const filter = (cql: string) => `/search?collections=operators&filter-lang=cql2-text&filter=${encodeURIComponent(cql)}`;
    expect(await ids(filter(`"lamina:operator" = 'e2s/ai-compressor'`))).toEqual(['e2s.ai-compressor-0.1.0']);
    expect(await ids(filter(`license = 'Apache-2.0' AND version = '1.0.0'`))).toEqual(['conv-1.0.0', 'pca-1.0.0']);
    expect(await ids('/search?collections=operators&ids=conv-1.0.0')).toEqual(['conv-1.0.0']);
  });

  it.skipIf(!hasSchemas)(`is valid by the schemas${skipped}`, async () => {
    const collection = (await service.get('/collections/operators')).body;
    expect(await problemsOf(collection)).toEqual([]);
    for (const item of list((await service.get('/collections/operators/items')).body['features']!)) expect(await problemsOf(item), item['id']).toEqual([]);
  });

  it('follows what is published, yanked and gone', async () => {
    const changed = new Promise<void>((resolve) => {
      index.onChange(resolve);
    });
    await registry.publish((await packed(folder, { namespace: 'e2s', name: 'ai-compressor', version: '0.2.0-rc.1' })).path, { by: 'someone' });
    await registry.yank({ namespace: 'e2s', name: 'ai-compressor' }, '0.1.0', { by: 'someone' });
    await index.refresh();
    await changed;
    await keepOperators(service.store, index.all());
    const properties = async (id: string): Promise<Json> => (await service.get(`/collections/operators/items/${id}`)).body['properties']!;
    expect(await properties('e2s.ai-compressor-0.1.0')).toMatchObject({ deprecated: true });
    expect(await properties('e2s.ai-compressor-0.2.0-rc.1')).toMatchObject({ experimental: true });
    await keepOperators(service.store, index.all().filter(({ operator }) => operator.manifest.namespace === undefined));
    expect(await ids('/collections/operators/items')).toEqual(['conv-1.0.0', 'pca-1.0.0']);
  });

  it('says which version a name and its tags mean, after a rollback too', async () => {
    const of = { namespace: 'e2s', name: 'rolled' };
    for (const version of ['1.0.0', '1.1.0']) await registry.publish((await packed(folder, { ...of, version })).path, { by: 'someone', tags: ['next'] });
    const means = async (tag: string) => {
      await index.refresh();
      await keepOperators(service.store, index.all());
      return ids(`/search?collections=operators&filter-lang=cql2-text&filter=${encodeURIComponent(`"lamina:operator" = 'e2s/rolled' AND A_CONTAINS("lamina:tags", ['${tag}'])`)}`);
    };
    expect(await means('latest')).toEqual(['e2s.rolled-1.1.0']);
    await registry.rollback(of, { by: 'someone' });
    expect(await means('latest')).toEqual(['e2s.rolled-1.0.0']);
    expect(await means('next')).toEqual(['e2s.rolled-1.1.0']);
  });

  it('changes nothing when there is nothing new', async () => {
    await keepOperators(service.store, index.all());
    const before = await service.store.revision('operators');
    await keepOperators(service.store, index.all());
    expect(await service.store.revision('operators')).toBe(before);
  });

  it('is no collection of pixels', async () => {
    const rasters = withoutOperators(service.store);
    expect(isOperatorCollection((await service.store.collection('operators'))!)).toBe(true);
    expect(await rasters.collection('operators')).toBeNull();
    expect((await rasters.collections()).map(({ id }) => id)).not.toContain('operators');
  });

  it('leaves the collection of somebody else alone', async () => {
    const theirs = { id: 'operators', title: 'Theirs' } as unknown as StacCollection;
    const refusing = () => Promise.reject(new Error('written'));
    const catalog = { collection: async () => theirs, putCollection: refusing, putItems: refusing, deleteItems: refusing, items: async () => [] };
    expect(await keepOperators(catalog, index.all())).toBe(false);
  });
});
