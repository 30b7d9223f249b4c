/** Operators in OCI registries and image layouts: pushed, found by every reference, fetched, verified. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog, silentLog } from '../../../src/log.ts';
import { operatorCommand } from '../../../src/commands/operator.ts';
import { distribution, parseRegistryAddress } from '../../../src/operators/oci/distribution.ts';
import { pushOperator } from '../../../src/operators/oci/push.ts';
import type { PackedOperator } from '../../../src/operators/package/pack.ts';
import { NodeCache } from '../../../src/operators/registry/node-cache.ts';
import { OperatorIndex } from '../../../src/operators/registry/operator-index.ts';
import { openOci, openPlace } from '../../../src/operators/registry/place.ts';
import { makeKey, publicText } from '../../../src/operators/trust/keys.ts';
import { changeKeyList } from '../../../src/operators/trust/key-list.ts';
import { signOperator } from '../../../src/operators/trust/signature.ts';
import { Trust } from '../../../src/operators/trust/trust.ts';
import { packed } from '../registry/packages.ts';
import { startOciDouble, type OciDouble } from './registry-double.ts';

let folder: string;
let double: OciDouble;
let count = 0;
const archives: Record<string, PackedOperator> = {};
const warnings: string[] = [];
const log = createLog(({ message }) => void warnings.push(message), 'warning');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-oci-'));
  double = await startOciDouble();
  for (const version of ['1.9.0', '1.10.0', '2.0.0-rc1']) archives[version] = await packed(folder, { namespace: 'e2s', name: 'spectral', version });
});
afterAll(async () => {
  await double.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => void warnings.splice(0));

async function open(place: string, trust?: Trust): Promise<OperatorIndex> {
  const directory = join(folder, `cache-${count++}`);
  const places = [openPlace(place, { store: () => Promise.reject(new Error()), s3: null })];
  return new OperatorIndex({ installed: [], places, directory, log, cache: new NodeCache(directory, { maxBytes: 1e12, log: silentLog }), ...(trust ? { trust } : {}) });
}

/** Debian's docker-registry, where it is installed. */
const noRegistry = spawnSync('docker-registry', ['--version']).error === undefined ? null : 'docker-registry is not installed';

async function startRegistry(): Promise<{ readonly host: string; readonly process: ChildProcess }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const host = `127.0.0.1:${(probe.address() as AddressInfo).port}`;
  probe.close();
  await mkdir(join(folder, 'docker'));
  await writeFile(join(folder, 'docker.yml'), `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${join(folder, 'docker')}}}\nhttp: {addr: '${host}'}\n`);
  const process = spawn('docker-registry', ['serve', join(folder, 'docker.yml')], { stdio: 'ignore' });
  for (let i = 0; i < 200 && !await fetch(`http://${host}/v2/`).then(({ ok }) => ok, () => false); i++) await delay(50);
  return { host, process };
}

let docker: Awaited<ReturnType<typeof startRegistry>> | null = null;
beforeAll(async () => {
  if (noRegistry === null) docker = await startRegistry();
});
afterAll(() => void docker?.process.kill());

const kinds: readonly [string, string | null, () => string][] = [
  ['a folder in OCI\'s image layout', null, () => `oci-layout:${join(folder, 'layout')}`],
  ['a registry that wants a token', null, () => `oci://anna:secret%20word@${double.host}/some/prefix`],
  ['Debian\'s docker-registry', noRegistry, () => `oci://${docker!.host}/lamina`],
];

describe.each(kinds)('%s', (_, reason, placeOf) => {
  const when = it.skipIf(reason !== null);
  const suffix = reason === null ? '' : ` (skipped: ${reason})`;
  const push = (version: string) => pushOperator(openOci(placeOf()), archives[version]!.path, { scratch: folder });

  when(`keeps versions, which every reference finds${suffix}`, async () => {
    expect(await push('1.9.0')).toMatchObject({ name: 'e2s/spectral', version: '1.9.0', digest: archives['1.9.0']!.operator.digest, isLatest: true });
    expect(await push('1.10.0')).toMatchObject({ isLatest: true });
    expect(await push('2.0.0-rc1')).toMatchObject({ isLatest: false });
    // The same again changes nothing.
    expect(await push('1.9.0')).toMatchObject({ isLatest: false });
    const index = await open(placeOf());
    const version = async (reference: string) => (await index.find(reference)).manifest.version;
    expect([await version('e2s/spectral'), await version('e2s/spectral:1.9'), await version('e2s/spectral:2.0.0-rc1'), await version('e2s/spectral:latest')]).toEqual(['1.10.0', '1.9.0', '2.0.0-rc1', '1.10.0']);
    const operator = await index.find(`e2s/spectral@${archives['1.9.0']!.operator.digest}`);
    expect(await readdir(await operator.folder())).toEqual(['card.md', 'golden.json', 'model.onnx', 'operator.json']);
    await index.refresh();
    expect(index.list().map(({ manifest }) => manifest.version)).toEqual(['1.10.0', '1.9.0', '2.0.0-rc1']);
    expect(warnings).toEqual([]);
  });

  when(`replaces no version${suffix}`, async () => {
    const other = await packed(folder, { namespace: 'e2s', name: 'spectral', version: '1.9.0', title: 'Another' });
    await expect(pushOperator(openOci(placeOf()), other.path, { scratch: folder })).rejects.toMatchObject({ reason: 'VersionExists' });
    await expect((await open(placeOf())).find('e2s/nothing')).rejects.toMatchObject({ code: 'OperatorNotFound' });
  });

  when(`carries signatures${suffix}`, async () => {
    const key = await makeKey(join(folder, `key-${count++}`));
    const keys = join(folder, `keys-${count++}.json`);
    await changeKeyList(keys, () => [{ name: 'anna', public_key: publicText(key) }]);
    const signed = await packed(folder, { namespace: 'e2s', name: 'signed', version: '1.0.0' });
    await pushOperator(openOci(placeOf()), signed.path, { scratch: folder, sign: (facts) => [signOperator(facts, key)] });
    const index = await open(placeOf(), await Trust.open({ keys, unsigned: 'isolate', log }));
    expect(await index.find('e2s/signed')).toMatchObject({ signedBy: 'anna', runtime: 'onnx' });
    expect(await index.find('e2s/spectral')).toMatchObject({ runtime: 'bubblewrap', isolated: 'it is not signed' });
  });
});

it('finds what was asked for in registries that don\'t tell what they hold, and goes on knowing it', async () => {
  double.hasCatalog = false;
  const index = await open(`oci://anna:secret%20word@${double.host}/some/prefix`);
  expect((await index.find('e2s/spectral:1.9')).manifest.version).toBe('1.9.0');
  await index.refresh();
  expect(index.resolve('e2s/spectral:1.9').manifest.version).toBe('1.9.0');
  double.hasCatalog = true;
});

it('asks for no archive that is here already, and for one blob where it is not', async () => {
  const operator = await (await open(`oci://anna:secret%20word@${double.host}/some/prefix`)).find('e2s/spectral:1.9.0');
  double.requests.splice(0);
  await operator.folder();
  await operator.folder();
  expect(double.requests.filter((line) => line.includes('/blobs/')).map((line) => line.replace(/.*blobs/, ''))).toEqual([`/sha256:${archives['1.9.0']!.sha256} 200`]);
});

it('refuses blobs that are not what their digests say', async () => {
  const layout = join(folder, 'damaged');
  await cp(join(folder, 'layout'), layout, { recursive: true });
  const blob = join(layout, 'blobs/sha256', archives['1.9.0']!.sha256);
  const bytes = await readFile(blob);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(blob, bytes);
  const operator = await (await open(`oci-layout:${layout}`)).find('e2s/spectral:1.9.0');
  await expect(operator.folder()).rejects.toMatchObject({ code: 'OperatorUnavailable', message: expect.stringMatching(/SHA-256 is not/) as unknown });
  // operator.json too, and the manifest of the artifact.
  for (const path of await readdir(join(layout, 'blobs/sha256'))) await writeFile(join(layout, 'blobs/sha256', path), '{}');
  await expect((await open(`oci-layout:${layout}`)).find('e2s/spectral:1.9.0')).rejects.toMatchObject({ code: 'OperatorUnavailable', message: expect.stringMatching(/is damaged/) as unknown });
});

it('says who is not let in, without the password', async () => {
  const refused = await (await open(`oci://anna:wrong@${double.host}`)).find('e2s/spectral').catch((error: Error) => error);
  expect(refused).toMatchObject({ code: 'OperatorUnavailable', message: expect.stringMatching(/gives no token \(401\)/) as unknown });
  expect((refused as Error).message + warnings.join()).not.toContain('wrong');
});

it('is pushed to by one command, and lists what is there', async () => {
  const printed: string[] = [];
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  try {
    const layout = `oci-layout:${join(folder, 'by-command')}`;
    const environment = { LAMINA_OPERATORS: layout, LAMINA_DATA: join(folder, 'data') };
    await operatorCommand(['push', archives['1.10.0']!.path, layout], environment);
    await operatorCommand(['list'], environment);
    await expect(operatorCommand(['push', archives['1.10.0']!.path, '/directory'], environment)).rejects.toThrow('/directory is no OCI registry');
    await expect(operatorCommand(['publish', archives['1.10.0']!.path], environment)).rejects.toThrow('`lamina operator push` writes to it');
  } finally {
    stdout.mockRestore();
  }
  expect(printed.join('')).toMatch(/^e2s\/spectral:1\.10\.0 is pushed as sha256:[0-9a-f]{64}; it is latest now\n/);
  expect(printed.join('')).toMatch(/e2s\/spectral:1\.10\.0 +onnx .*\(latest; in a sandbox: it is not signed\)/);
});

it.each([
  ['oci://ghcr.io/e2s/ops', { origin: 'https://ghcr.io', prefix: 'e2s/ops' }], ['oci://localhost:5000', { origin: 'http://localhost:5000', prefix: '' }],
  ['oci+http://10.0.0.1:5000/x/', { origin: 'http://10.0.0.1:5000', prefix: 'x' }], ['oci://127.example.org', { origin: 'https://127.example.org' }], ['oci://u:p%40@h', { origin: 'https://h', user: 'u', password: 'p@' }],
])('%s is understood', (text, expected) => expect(parseRegistryAddress(text)).toMatchObject(expected));
it.each(['oci:/x', 'oci://', 'docker://x', 'oci://a b'])('%s is none', (text) => expect(() => parseRegistryAddress(text)).toThrow('oci://host/prefix'));

it.each(['oci://anna:p@ss@host/x', 'oci://anna:secret@host/x', 'oci://host/x'])('shows %s without user and password', (text) => {
  expect(openPlace(text, { store: () => Promise.reject(new Error()), s3: null }).shown).toBe('oci://host/x');
});

describe('a registry with manners of its own', () => {
  const away = { origin: '', prefix: '', user: '', password: '' };
  const answering = async (answer: (url: URL, response: ServerResponse) => void, ask: (address: typeof away) => Promise<void>): Promise<void> => {
    const server = createHttpServer((request, response) => answer(new URL(request.url!, 'http://x'), response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await ask({ ...away, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  };

  it('that gives its lists page by page is read to the end', async () => {
    const tags = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0'];
    await answering((url, response) => {
      const last = url.searchParams.get('last');
      const from = last === null ? 0 : tags.indexOf(last) + 1;
      const more = from + 2 < tags.length ? { link: `<${url.pathname}?n=2&last=${tags[from + 1]}>; rel="next"` } : {};
      const list = url.pathname.endsWith('_catalog') ? { repositories: tags.slice(from, from + 2).map((tag) => `e2s/op-${tag}`) } : { tags: tags.slice(from, from + 2) };
      response.writeHead(200, more).end(JSON.stringify(list));
    }, async (address) => {
      expect(await distribution(address).tags('e2s/spectral')).toEqual(tags);
      expect(await distribution(address).repositories()).toEqual(tags.map((tag) => `e2s/op-${tag}`));
    });
  });

  it('that always has a next page is not followed for ever', async () => {
    await answering((url, response) => void response.writeHead(200, { link: `<${url.pathname}?n=2&last=1>; rel="next"` }).end('{"tags":["1.0.0"]}'), async (address) => {
      await expect(distribution(address).tags('e2s/spectral')).rejects.toMatchObject({ code: 'StorageFailure', message: expect.stringContaining('pages') as string });
    });
  });

  it('that answers with a page for browsers is told of, without that page', async () => {
    await answering((_, response) => void response.writeHead(200).end('<html>Log in, secret</html>'), async (address) => {
      const failure = await distribution(address).tags('e2s/spectral').catch((error: unknown) => error as Error);
      expect(failure).toMatchObject({ code: 'StorageFailure', message: expect.stringContaining('not JSON') as string });
      expect((failure as Error).message).not.toContain('secret');
    });
  });
});
