/**
 * G2: CLAIMED writes 'claimed-<name>:<version>.zip' and looks for 'claimed-<name>.<version>/', to be unpacked by hand; its automatic
 * version is that of a local list of images, else 0.1 again. Here what is published under a name and version is found under them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { NodeCache } from '../../src/operators/registry/node-cache.ts';
import { OperatorIndex } from '../../src/operators/registry/operator-index.ts';
import { openPlace } from '../../src/operators/registry/place.ts';
import { Registry } from '../../src/operators/registry/registry.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { packed } from '../operators/registry/packages.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-g02-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('G2: an operator is found under the name and version that it was published as, once and for all', async () => {
  const objects = createLocalStore(join(folder, 'registry'));
  const registry = new Registry(objects);
  const cache = new NodeCache(join(folder, 'cache'), { maxBytes: 1e9, log: silentLog });
  for (const version of ['0.1.0', '0.10.0', '0.9.0', '1.0.0-rc.1']) {
    const archive = await packed(folder, { namespace: 'e2s', name: 'ai-compressor', version });
    expect(archive.path).toMatch(new RegExp(`/ai-compressor-${version.replaceAll('.', '\\.')}\\.tar\\.gz$`));
    await registry.publish(archive.path, { by: 'someone' });
    const index = new OperatorIndex({ installed: [], cache, directory: join(folder, 'answers'), log: silentLog, places: [openPlace(join(folder, 'registry'), { store: () => Promise.reject(new Error()), s3: null })] });
    const operator = await index.find(`e2s/ai-compressor:${version}`);
    expect(operator.digest).toBe(archive.operator.digest);
    expect(await operator.folder()).toContain(operator.digest.slice('sha256:'.length));
    // The same version is never something else later.
    const other = await packed(folder, { namespace: 'e2s', name: 'ai-compressor', version, title: 'Another' });
    await expect(registry.publish(other.path, { by: 'someone' })).rejects.toMatchObject({ reason: 'VersionExists' });
  }
  const keys = (await Array.fromAsync(objects.list(''))).map(({ key }) => key);
  expect(keys.filter((key) => key.endsWith('.tar.gz'))).toEqual(['0.1.0', '0.10.0', '0.9.0', '1.0.0-rc.1'].map((version) => `operators/e2s/ai-compressor/versions/${version}/ai-compressor-${version}.tar.gz`));
  // A colon is none in file names of some systems.
  expect(keys.filter((key) => key.includes(':'))).toEqual([]);
});
