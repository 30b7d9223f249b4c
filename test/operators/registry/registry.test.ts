/** Publishing, tags, rollback and yanking, on a directory and on S3. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PackedOperator } from '../../../src/operators/package/pack.ts';
import { Registry } from '../../../src/operators/registry/registry.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import { startS3, type S3Double } from '../../storage/s3-double.ts';
import { packed } from './packages.ts';

let folder: string;
let s3: S3Double;
const archives: Record<string, PackedOperator> = {};
const versions = ['1.9.0', '1.10.0', '2.0.0-rc1', '2.0.0', '1.10.1'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-publish-'));
  s3 = await startS3();
  for (const version of versions) archives[version] = await packed(folder, { name: 'spectral', version });
});
afterAll(async () => {
  await s3.stop();
  await rm(folder, { recursive: true, force: true });
});

const spectral = { name: 'spectral' };
const by = 'someone';
let count = 0;
const open: Record<string, () => Promise<ObjectStore>> = {
  directory: async () => createLocalStore(join(folder, `registry-${count++}`)),
  S3: () => openS3Store({ endpoint: `http://127.0.0.1:${s3.port}`, bucket: `registry-${count++}`, region: 'us-east-1', accessKey: 'test', secretKey: 'test' }),
};

describe.each(['directory', 'S3'])('a registry on a %s', (kind) => {
  let objects: ObjectStore;
  let registry: Registry;
  const publish = (version: string, options = {}) => registry.publish(archives[version]!.path, { by, ...options });
  const keys = async () => (await Array.fromAsync(objects.list(''))).map(({ key }) => key).toSorted();

  beforeEach(async () => {
    objects = await open[kind]!();
    registry = new Registry(objects, { scratch: join(folder, 'scratch') });
  });

  it('has exactly the documented keys after a publication', async () => {
    const published = await publish('1.9.0', { report: { stages: [] } });
    expect(await keys()).toEqual([
      'operators/catalog.json',
      'operators/library/spectral/collection.json',
      'operators/library/spectral/tags/latest.json',
      'operators/library/spectral/versions/1.9.0/SHA256SUMS',
      'operators/library/spectral/versions/1.9.0/item.json',
      'operators/library/spectral/versions/1.9.0/operator.json',
      'operators/library/spectral/versions/1.9.0/report.json',
      'operators/library/spectral/versions/1.9.0/spectral-1.9.0.tar.gz',
    ]);
    const { operator, sha256, size } = archives['1.9.0']!;
    expect(published).toEqual({ name: 'spectral', version: '1.9.0', digest: operator.digest, reference: `spectral@${operator.digest}`, archive: { sha256, size }, tags: ['latest'] });
  });

  it('keeps the latest at the newest release, whatever is published after it', async () => {
    for (const version of ['1.9.0', '1.10.0', '2.0.0-rc1']) await publish(version);
    expect(await registry.latest(spectral)).toMatchObject({ version: '1.10.0', digest: archives['1.10.0']!.operator.digest });
    expect((await registry.find(spectral, '1.9')).version).toBe('1.9.0');
    expect((await registry.find(spectral, '1')).version).toBe('1.10.0');
    expect((await registry.find(spectral, '2.0.0-rc1')).version).toBe('2.0.0-rc1');
    await expect(registry.find(spectral, '2')).rejects.toMatchObject({ reason: 'VersionNotFound', message: 'The registry has no spectral:2. There are: 2.0.0-rc1, 1.10.0, 1.9.0.' });
  });

  it('refuses a version that is there already, and changes nothing', async () => {
    await publish('1.9.0');
    const before = await Array.fromAsync(objects.list(''));
    const other = await packed(folder, { name: 'spectral', version: '1.9.0', title: 'Another one' });
    await expect(registry.publish(other.path, { by })).rejects.toMatchObject({ reason: 'VersionExists', message: expect.stringContaining('Give the operator a new version') as unknown });
    await expect(publish('1.9.0')).rejects.toMatchObject({ reason: 'VersionExists' });
    expect(await Array.fromAsync(objects.list(''))).toEqual(before);
  });

  it('is published once when two publish the same version at the same time', async () => {
    const results = await Promise.allSettled([publish('1.9.0'), publish('1.9.0')]);
    // The second may come while the first is not done, which looks like one that was cut short: then it helps to finish it.
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ reason: 'VersionExists' });
    expect((await registry.latest(spectral))!.history).toHaveLength(1);
  });

  it('takes concurrent publications of several versions; the newest release is the latest, and the index has all', async () => {
    await Promise.all(versions.map((version) => publish(version)));
    expect((await registry.latest(spectral))!.version).toBe('2.0.0');
    const collection = JSON.parse(Buffer.from((await objects.get('operators/library/spectral/collection.json'))!).toString()) as { links: { version?: string }[]; 'lamina:tags': unknown };
    expect(collection.links.flatMap(({ version }) => version ?? [])).toEqual(['2.0.0', '2.0.0-rc1', '1.10.1', '1.10.0', '1.9.0']);
    expect(collection['lamina:tags']).toEqual({ latest: '2.0.0' });
  });

  // One kind of store is enough: it is the order of the writes that is tested.
  it.runIf(kind === 'directory')('takes up a publication that was cut short anywhere, when it is the same archive', async () => {
    await publish('1.9.0');
    const whole = await keys();
    for (const stop of whole.keys()) {
      const cut = await open[kind]!();
      let left = stop;
      const dying: ObjectStore = { ...bound(cut), put: async (...args) => (left-- > 0 ? cut.put(...args) : Promise.reject(new Error('killed'))) };
      await new Registry(dying).publish(archives['1.9.0']!.path, { by }).catch(() => {});
      const again = new Registry(cut);
      if ((await again.versions(spectral)).length === 0) expect(await again.latest(spectral), `a tag of a version that is not whole, after ${stop} writes`).toBeNull();
      await again.publish(archives['1.9.0']!.path, { by }).catch((error: unknown) => expect(error, `after ${stop} writes`).toMatchObject({ reason: 'VersionExists' }));
      expect((await again.latest(spectral))!.version).toBe('1.9.0');
      expect((await Array.fromAsync(cut.list(''))).map(({ key }) => key)).toContain('operators/library/spectral/collection.json');
    }
  });

  it('refuses to finish a publication with another archive', async () => {
    await objects.put('operators/library/spectral/versions/1.9.0/spectral-1.9.0.tar.gz', Buffer.from('something else'));
    await expect(publish('1.9.0')).rejects.toMatchObject({ reason: 'VersionExists', message: expect.stringContaining('with another archive') as unknown });
  });

  it('rolls back step by step, and not to what was rolled back', async () => {
    for (const version of ['1.9.0', '1.10.0', '2.0.0']) await publish(version);
    expect((await registry.rollback(spectral, { by: 'ops', reason: 'worse on forests' })).version).toBe('1.10.0');
    expect((await registry.rollback(spectral, { by: 'ops' })).version).toBe('1.9.0');
    await expect(registry.rollback(spectral, { by: 'ops' })).rejects.toMatchObject({ reason: 'NothingToRollBack' });
    expect((await registry.latest(spectral))!.history.map(({ version, action, by: who }) => [version, action, who])).toEqual([
      ['1.9.0', 'publish', by], ['1.10.0', 'publish', by], ['2.0.0', 'publish', by], ['1.10.0', 'rollback', 'ops'], ['1.9.0', 'rollback', 'ops'],
    ]);
    // A newer release may be the latest again.
    await publish('1.10.1');
    expect((await registry.latest(spectral))!.version).toBe('1.10.1');
    expect((await registry.rollback(spectral, { by: 'ops', to: '2.0.0' })).version).toBe('2.0.0');
  });

  it('lets a publication lose against a rollback that happens meanwhile', async () => {
    for (const version of ['1.9.0', '1.10.0']) await publish(version);
    let isFirst = true;
    const slow: ObjectStore = { ...bound(objects), put: async (key, body, options) => {
      if (key.endsWith('tags/latest.json') && isFirst) {
        isFirst = false;
        await registry.rollback(spectral, { by: 'ops' });
      }
      return objects.put(key, body, options);
    } };
    const late = new Registry(slow).publish(archives['2.0.0']!.path, { by });
    await expect(late).rejects.toMatchObject({ reason: 'TagMoved', message: expect.stringMatching(/ops moved it to 1\.9\.0 \(rollback\).*2\.0\.0 is published, but 'latest' stays/) as unknown });
    expect((await registry.latest(spectral))!.version).toBe('1.9.0');
    expect((await registry.find(spectral, '2.0.0')).version).toBe('2.0.0');
  });

  it('hides yanked versions from ranges and from the latest; pins go on working', async () => {
    for (const version of ['1.9.0', '1.10.0', '1.10.1']) await publish(version);
    await registry.yank(spectral, '1.10.1', { by, reason: 'wrong statistics' });
    expect((await registry.find(spectral, '1')).version).toBe('1.10.0');
    expect((await registry.find(spectral)).version).toBe('1.10.0');
    expect((await registry.find(spectral, '1.10.1')).isYanked).toBe(true);
    expect(await registry.yanked(spectral)).toMatchObject({ '1.10.1': { by, reason: 'wrong statistics' } });
    await registry.yank(spectral, '1.10.1', { by, undo: true });
    expect((await registry.find(spectral, '1.10')).version).toBe('1.10.1');
    await expect(registry.yank(spectral, '3.0.0', { by })).rejects.toMatchObject({ reason: 'VersionNotFound' });
  });

  it('passes over yanked versions when it rolls back', async () => {
    for (const version of ['1.9.0', '1.10.0', '2.0.0']) await publish(version);
    await registry.yank(spectral, '1.10.0', { by });
    expect((await registry.rollback(spectral, { by })).version).toBe('1.9.0');
  });

  it('has further tags, which mean what they are told', async () => {
    await publish('1.9.0', { tags: ['stable'] });
    await publish('2.0.0-rc1', { tags: ['next'] });
    expect((await registry.find(spectral, 'next')).version).toBe('2.0.0-rc1');
    await registry.tag(spectral, 'stable', '2.0.0-rc1', { by });
    expect((await registry.find(spectral, 'stable')).version).toBe('2.0.0-rc1');
    expect(Object.keys(await registry.tags(spectral))).toEqual(['latest', 'next', 'stable']);
    await expect(registry.tag(spectral, '1.x', '1.9.0', { by })).rejects.toMatchObject({ reason: 'TagInvalid' });
    await expect(registry.publish(archives['1.10.0']!.path, { by, tags: ['../x'] })).rejects.toMatchObject({ reason: 'TagInvalid' });
    expect((await registry.versions(spectral)).map(({ version }) => version)).toEqual(['2.0.0-rc1', '1.9.0']);
  });

  it('keeps operators of a namespace apart', async () => {
    const other = await packed(folder, { namespace: 'e2s', name: 'spectral', version: '3.0.0' });
    await publish('1.9.0');
    expect(await registry.publish(other.path, { by })).toMatchObject({ name: 'e2s/spectral', reference: `e2s/spectral@${other.operator.digest}` });
    expect((await registry.latest(spectral))!.version).toBe('1.9.0');
    expect((await registry.latest({ namespace: 'e2s', name: 'spectral' }))!.version).toBe('3.0.0');
  });
});

/** The methods of a store, also of one that is a class. */
function bound(store: ObjectStore): ObjectStore {
  return {
    put: store.put.bind(store), head: store.head.bind(store), get: store.get.bind(store), read: store.read.bind(store),
    stream: store.stream.bind(store), list: store.list.bind(store), delete: store.delete.bind(store),
  };
}
