/** Finding and fetching published operators: how often a registry is asked, what happens when it lies or is gone. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLog, type LogEntry } from '../../../src/log.ts';
import type { PackedOperator } from '../../../src/operators/package/pack.ts';
import { openRegistry } from '../../../src/operators/registry/installed.ts';
import { NodeCache } from '../../../src/operators/registry/node-cache.ts';
import { OperatorIndex } from '../../../src/operators/registry/operator-index.ts';
import { openPlace } from '../../../src/operators/registry/place.ts';
import { Registry } from '../../../src/operators/registry/registry.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import { withOperators } from '../../../src/processes/cubes/known-operators.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../../src/processes/index.ts';
import { startS3 } from '../../storage/s3-double.ts';
import { operatorsDirectory } from '../golden.ts';
import { serveDirectory, type HttpDouble } from './http-double.ts';
import { packed } from './packages.ts';

const installed = await openRegistry(operatorsDirectory);
const spectral = { name: 'spectral' };
const by = 'someone';
const archives: Record<string, PackedOperator> = {};
let folder: string;
let place: string;
let directory: string;
let registry: Registry;
let server: HttpDouble;
let entries: LogEntry[];
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-index-'));
  for (const version of ['1.0.0', '1.1.0', '2.0.0-rc1']) archives[version] = await packed(folder, { name: 'spectral', version });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  place = join(folder, `run-${count++}`);
  directory = join(place, 'cache');
  registry = new Registry(createLocalStore(join(place, 'registry')), { scratch: join(place, 'scratch') });
  await registry.publish(archives['1.0.0']!.path, { by });
  server = await serveDirectory(join(place, 'registry'));
  entries = [];
});
afterEach(() => server.stop());

const log = createLog((entry) => void entries.push(entry), 'warning');

/** As a process that starts has it. */
async function open(urls: readonly string[] = [server.url], cacheBytes = 1e12): Promise<OperatorIndex> {
  const places = urls.map((url) => openPlace(url, { store: () => Promise.reject(new Error('unused')), s3: null }));
  return new OperatorIndex({ installed: installed.list(), places, cache: new NodeCache(directory, { maxBytes: cacheBytes, log }), directory, log });
}

/** Of the requests since the last look. */
const asked = () => server.requests.splice(0);
const archiveOf = (version: string) => `operators/library/spectral/versions/${version}/spectral-${version}.tar.gz`;

describe('finding operators of a registry', () => {
  it('fetches an operator at its first use, and asks once whether there is a newer one at the second', async () => {
    const first = await (await open()).find('spectral:latest');
    expect(await readdir(await first.folder())).toEqual(['card.md', 'golden.json', 'model.onnx', 'operator.json']);
    expect(asked()).toEqual([
      'GET operators/library/spectral/collection.json 200', 'GET operators/library/spectral/versions/1.0.0/operator.json 200', `GET ${archiveOf('1.0.0')} 200`,
    ]);
    const second = await (await open()).find('spectral:latest');
    await second.folder();
    expect(second.reference).toBe(`spectral@${archives['1.0.0']!.operator.digest}`);
    expect(asked()).toEqual(['GET operators/library/spectral/collection.json 304']);
  });

  it.each(['spectral:1.0.0', () => `spectral@${archives['1.0.0']!.operator.digest}`])('asks nobody about a pinned operator that is here', async (pinned) => {
    const reference = typeof pinned === 'string' ? pinned : pinned();
    await (await (await open()).find(reference)).folder();
    asked();
    const again = await (await open()).find(reference);
    await again.folder();
    expect(asked()).toEqual([]);
    server.isDown = true;
    expect((await (await open()).find(reference)).manifest.version).toBe('1.0.0');
    expect(entries).toEqual([]);
  });

  it('sees a new version at once, and keeps to a pin', async () => {
    const index = await open();
    expect((await index.find('spectral')).manifest.version).toBe('1.0.0');
    await registry.publish(archives['1.1.0']!.path, { by });
    await registry.publish(archives['2.0.0-rc1']!.path, { by });
    expect((await index.find('spectral')).manifest.version).toBe('1.1.0');
    expect((await index.find('spectral:1')).manifest.version).toBe('1.1.0');
    expect((await index.find('spectral:1.0.0')).manifest.version).toBe('1.0.0');
    expect((await index.find('spectral:2.0.0-rc1')).manifest.version).toBe('2.0.0-rc1');
    await registry.rollback(spectral, { by });
    expect((await index.find('spectral')).manifest.version).toBe('1.0.0');
    await registry.yank(spectral, '1.1.0', { by });
    expect((await index.find('spectral:1')).manifest.version).toBe('1.0.0');
    expect((await index.find('spectral:1.1.0')).manifest.version).toBe('1.1.0');
  });

  it('says of an operator that its registry does not answer, until it does again', async () => {
    await (await open()).find('spectral:latest');
    server.isDown = true;
    const index = await open();
    expect(index.caveat(await index.find('spectral:latest'))).toMatch(/^The registry of operators http.* can't be reached: 'spectral:1\.0\.0' is run as it was known at \d{4}-.*newer versions are not seen\.$/);
    server.isDown = false;
    const back = await open();
    expect(back.caveat(await back.find('spectral:latest'))).toBeNull();
  });

  it('works with a warning while the registry is down and all is cached', async () => {
    await (await (await open()).find('spectral:latest')).folder();
    server.isDown = true;
    const offline = await (await open()).find('spectral:latest');
    await offline.folder();
    expect(offline.manifest.version).toBe('1.0.0');
    expect(entries.map(({ level, message }) => [level, message])).toEqual([['warning', expect.stringMatching(/can't be reached; what it said at .* is used/) as unknown]]);
  });

  it('says so when the registry is down and nothing is known', async () => {
    server.isDown = true;
    await expect((await open()).find('spectral')).rejects.toMatchObject({ code: 'OperatorUnavailable', message: expect.stringContaining('The registry of operators can\'t be reached') as unknown });
    // What is installed does not need it.
    expect((await (await open()).find('pca')).manifest.name).toBe('pca');
  });

  it('names the operators there are, without those that were yanked', async () => {
    await registry.publish(archives['1.1.0']!.path, { by });
    await registry.yank(spectral, '1.1.0', { by });
    const index = await open();
    await index.refresh();
    await expect(index.find('spectral:3')).rejects.toMatchObject({ code: 'OperatorNotFound', message: "The operator 'spectral:3' does not exist. There are: conv:1.0.0, pca:1.0.0, spectral:1.0.0." });
  });

  it('asks several registries in their order', async () => {
    const second = new Registry(createLocalStore(join(place, 'second')));
    const other = await packed(folder, { name: 'spectral', version: '1.0.0', title: 'Of the second registry' });
    await second.publish(other.path, { by });
    await second.publish(archives['1.1.0']!.path, { by });
    const index = await open([join(place, 'registry'), join(place, 'second')]);
    expect((await index.find('spectral')).manifest.version).toBe('1.0.0');
    expect((await index.find('spectral:1.0.0')).digest).toBe(archives['1.0.0']!.operator.digest);
    expect((await index.find('spectral:1.1')).manifest.version).toBe('1.1.0');
    expect((await index.find(`spectral@${other.operator.digest}`)).manifest.title).toBe('Of the second registry');
  });

  it('takes an archive from the next registry that has it', async () => {
    await new Registry(createLocalStore(join(place, 'second'))).publish(archives['1.0.0']!.path, { by });
    const index = await open([join(place, 'registry'), join(place, 'second')]);
    const operator = await index.find('spectral');
    await rm(join(place, 'registry', archiveOf('1.0.0')));
    expect(await readdir(await operator.folder())).toContain('model.onnx');
  });
});

it('reads a bucket as it reads a web server: a 304 where nothing changed, nothing for a pin', async () => {
  const s3 = await startS3();
  try {
    const settings = { endpoint: `http://127.0.0.1:${s3.port}`, region: 'us-east-1', accessKey: 'test', secretKey: 'test' };
    const bucket = openPlace('s3://models/some/prefix', { store: () => Promise.reject(new Error('unused')), s3: settings });
    await new Registry(bucket.objects!).publish(archives['1.0.0']!.path, { by });
    const find = async (reference: string) => {
      s3.requests.splice(0);
      const opened = openPlace('s3://models/some/prefix', { store: () => Promise.reject(new Error('unused')), s3: settings });
      const operators = new OperatorIndex({ installed: [], places: [opened], cache: new NodeCache(directory, { maxBytes: 1e12, log }), directory, log });
      await (await operators.find(reference)).folder();
      operators.close();
      // Opening a bucket looks whether it is there.
      return s3.requests.filter((line) => !line.startsWith('HEAD /models/ ')).map((line) => line.replace('/models/some/prefix/operators/library/spectral/', ''));
    };
    expect(await find('spectral')).toEqual(['GET collection.json 200', 'GET versions/1.0.0/operator.json 200', 'GET versions/1.0.0/spectral-1.0.0.tar.gz 200']);
    expect(await find('spectral')).toEqual(['GET collection.json 304']);
    expect(await find('spectral:1.0.0')).toEqual([]);
    expect(s3.requests).toEqual([]);
    s3.isDown = true;
    expect(await find('spectral:1.0.0')).toEqual([]);
    expect(entries).toEqual([]);
    bucket.close();
  } finally {
    await s3.stop();
  }
});

describe('the index of a service', () => {
  it('makes no task wait for a registry that does not answer', async () => {
    const index = await open();
    server.delayMs = 5000;
    const started = performance.now();
    await index.beFresh();
    expect(performance.now() - started).toBeLessThan(3000);
    index.close();
  });

  it('knows all operators after a refresh, by one request when nothing changed', async () => {
    const index = await open();
    await index.refresh();
    expect(index.list().map(({ manifest }) => `${manifest.name}:${manifest.version}`)).toEqual(['conv:1.0.0', 'pca:1.0.0', 'spectral:1.0.0']);
    expect(index.resolve('spectral').reference).toBe(`spectral@${archives['1.0.0']!.operator.digest}`);
    asked();
    const list = index.list();
    await index.refresh();
    expect(asked()).toEqual(['GET operators/catalog.json 304']);
    expect(index.list()).toBe(list);
    await registry.publish(archives['1.1.0']!.path, { by });
    await index.refresh();
    expect(asked()).toEqual([
      'GET operators/catalog.json 200', 'GET operators/library/spectral/collection.json 200', 'GET operators/library/spectral/versions/1.1.0/operator.json 200',
    ]);
    expect(index.resolve('spectral').manifest.version).toBe('1.1.0');
    await index.refresh(60_000);
    expect(asked()).toEqual([]);
  });

  it('has first what a name means, after a rollback too', async () => {
    await registry.publish(archives['1.1.0']!.path, { by, tags: ['next'] });
    const index = await open();
    const shown = () => index.list().filter(({ manifest }) => manifest.name === 'spectral').map(({ manifest }) => manifest.version);
    const tags = () => Object.fromEntries(index.all().filter(({ operator }) => operator.manifest.name === 'spectral').map((known) => [known.version, known.tags]));
    await index.refresh();
    expect([shown(), tags()]).toEqual([['1.1.0', '1.0.0'], { '1.1.0': ['latest', 'next'], '1.0.0': [] }]);
    await registry.rollback(spectral, { by });
    await index.refresh();
    expect([shown(), tags()]).toEqual([['1.0.0', '1.1.0'], { '1.1.0': ['next'], '1.0.0': ['latest'] }]);
    const processes = withOperators(createRegistry(await loadDescriptions(new URL('../../../processes/', import.meta.url)), allProcesses), index);
    expect(processes.get('compress_embed')!.description.parameters.find(({ name }) => name === 'model')!.description).toContain('`spectral`: Linear codec of Sentinel-2 patches (1.0.0)');
  });

  it('keeps what it knows while a registry is down, and starts with it', async () => {
    const index = await open();
    await index.refresh();
    server.isDown = true;
    await index.refresh();
    expect(index.resolve('spectral').manifest.version).toBe('1.0.0');
    const started = await open();
    await started.refresh();
    expect(started.resolve('spectral').manifest.version).toBe('1.0.0');
  });

  it('leaves out a version whose manifest is not the one that was published, and says so', async () => {
    server.change = (path, bytes) => (path.endsWith('operator.json') ? Buffer.from(bytes.toString().replace('"patch": 8', '"patch": 4')) : bytes);
    const index = await open();
    await index.refresh();
    expect(index.list().map(({ manifest }) => manifest.name)).toEqual(['conv', 'pca']);
    expect(entries.map(({ message }) => message)).toEqual([expect.stringContaining('spectral:1.0.0 of the registry') as unknown]);
    server.change = null;
    const later = await open();
    await later.refresh();
    expect(later.list()).toHaveLength(3);
  });
});

describe('the cache of a machine', () => {
  it('detects a flipped byte, evicts the package, and fetches it again', async () => {
    const before = await (await (await open()).find('spectral')).folder();
    const model = join(before, 'model.onnx');
    const bytes = await readFile(model);
    const flipped = Buffer.from(bytes);
    flipped[100]! ^= 1;
    await chmod(model, 0o644);
    await writeFile(model, flipped);
    asked();
    const after = await (await (await open()).find('spectral:1.0.0')).folder();
    expect(Buffer.compare(await readFile(join(after, 'model.onnx')), bytes)).toBe(0);
    expect(asked()).toEqual([`GET ${archiveOf('1.0.0')} 200`]);
    expect(entries.map(({ message }) => message)).toEqual(['A cached operator is damaged; it is fetched again.']);
  });

  it('mends a damaged manifest too', async () => {
    const before = await (await (await open()).find('spectral')).folder();
    const manifest = join(before, 'operator.json');
    const text = await readFile(manifest, 'utf8');
    await chmod(manifest, 0o644);
    await writeFile(manifest, text.replace('"patch": 8', '"patch": 4'));
    await (await (await open()).find('spectral:1.0.0')).folder();
    expect(await readFile(manifest, 'utf8')).toBe(text);
  });

  it('refuses an archive whose bytes were changed on the way, and leaves nothing behind', async () => {
    server.change = (path, bytes) => {
      if (path.endsWith('.tar.gz')) bytes[bytes.length >> 1]! ^= 1;
      return bytes;
    };
    const operator = await (await open()).find('spectral');
    await expect(operator.folder()).rejects.toMatchObject({ code: 'OperatorUnavailable', message: expect.stringMatching(/SHA-256 is not/) as unknown });
    expect(await readdir(join(directory, 'drafts'))).toEqual([]);
    await expect(readdir(join(directory, 'sha256'))).rejects.toThrow('ENOENT');
    server.change = null;
    expect(await readdir(await operator.folder())).toContain('model.onnx');
  });

  it('refuses an archive that goes on for ever', async () => {
    server.change = (path, bytes) => (path.endsWith('.tar.gz') ? Buffer.concat([bytes, Buffer.alloc(5_000_000)]) : bytes);
    await expect((await (await open()).find('spectral')).folder()).rejects.toThrow(/longer than the \d+ bytes/);
  });

  it('downloads once when 8 processes start at the same moment', async () => {
    server.delayMs = 300;
    const program = fileURLToPath(new URL('./fetching-process.ts', import.meta.url));
    const processes = Array.from({ length: 8 }, () => fork(program, [server.url, directory, 'spectral:latest'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    const folders = await Promise.all(processes.map(async (child) => {
      const [message] = await once(child, 'message') as [string];
      await once(child, 'exit');
      return message;
    }));
    expect(new Set(folders).size).toBe(1);
    expect(asked().filter((line) => line.endsWith('.tar.gz 200'))).toHaveLength(1);
  }, 30_000);

  it('sweeps up what killed processes left', async () => {
    for (const [name, age] of [['old', 2 * 86_400_000], ['young', 1000]] as const) {
      await mkdir(join(directory, 'drafts', name, 'package'), { recursive: true });
      await utimes(join(directory, 'drafts', name), new Date(Date.now() - age), new Date(Date.now() - age));
    }
    await (await (await open()).find('spectral')).folder();
    expect(await readdir(join(directory, 'drafts'))).toEqual(['young']);
  });

  it('makes room for what is needed now, and keeps what was used within the hour', async () => {
    await registry.publish(archives['1.1.0']!.path, { by });
    const index = await open([server.url], 1);
    const folders = [await (await index.find('spectral:1.0.0')).folder(), await (await index.find('spectral:1.1.0')).folder()];
    expect(await readdir(join(directory, 'sha256'))).toHaveLength(2);
    const longAgo = new Date(Date.now() - 7_200_000);
    for (const path of folders) await utimes(join(path, '..', 'files.json'), longAgo, longAgo);
    await registry.publish(archives['2.0.0-rc1']!.path, { by });
    await (await index.find('spectral:2.0.0-rc1')).folder();
    expect(await readdir(join(directory, 'sha256'))).toEqual([archives['2.0.0-rc1']!.operator.digest.slice('sha256:'.length)]);
    // What made room comes back when it is wanted.
    expect(await readdir(await (await (await open()).find('spectral:1.0.0')).folder())).toContain('model.onnx');
  });
});
