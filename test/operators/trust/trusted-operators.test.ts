/** Signed and unsigned operators of registries: what a service lets them do. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLog, silentLog, type LogEntry } from '../../../src/log.ts';
import { calledOperator, checkRuntime } from '../../../src/operators/called-operator.ts';
import { parseReference, type RuntimeName } from '../../../src/operators/reference.ts';
import type { PackedOperator } from '../../../src/operators/package/pack.ts';
import { checkGolden } from '../../../src/operators/package/golden.ts';
import { openRegistry } from '../../../src/operators/registry/installed.ts';
import { NodeCache } from '../../../src/operators/registry/node-cache.ts';
import { OperatorIndex } from '../../../src/operators/registry/operator-index.ts';
import { openPlace } from '../../../src/operators/registry/place.ts';
import { Registry } from '../../../src/operators/registry/registry.ts';
import { signaturesOf } from '../../../src/operators/registry/signatures.ts';
import { changeKeyList } from '../../../src/operators/trust/key-list.ts';
import { keyIdOf, publicText } from '../../../src/operators/trust/keys.ts';
import { signOperator } from '../../../src/operators/trust/signature.ts';
import { envelopeOf } from '../../../src/operators/trust/statement.ts';
import { Trust, type UnsignedPolicy } from '../../../src/operators/trust/trust.ts';
import { createOnnxRuntime } from '../../../src/operators/runtime/onnx.ts';
import { createOperatorRuntime } from '../../../src/runtimes/operator-runtime.ts';
import { openRuntime, processRuntimes, userScratch } from '../../../src/runtimes/runtimes.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import { whyNot } from '../../runtimes/available.ts';
import { operatorsDirectory } from '../golden.ts';
import { packed } from '../registry/packages.ts';

const by = 'someone';
const [anna, ben] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed25519').privateKey];
const signer = (key: KeyObject) => (facts: Parameters<typeof signOperator>[0]) => [signOperator(facts, key)];
const of = { name: 'spectral' };
let folder: string;
let place: string;
let keys: string;
let registry: Registry;
let first: PackedOperator;
let second: PackedOperator;
let count = 0;
const entries: LogEntry[] = [];
const log = createLog((entry) => void entries.push(entry), 'warning');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-trust-'));
  [first, second] = [await packed(folder, { name: 'spectral', version: '1.0.0' }), await packed(folder, { name: 'spectral', version: '1.1.0' })];
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  place = join(folder, `run-${count++}`);
  keys = join(place, 'keys.json');
  registry = new Registry(createLocalStore(join(place, 'registry')), { scratch: join(place, 'scratch') });
  await registry.versions(of);
  await createLocalStore(place).put('keys.json', Buffer.from('{"keys":[]}'));
  await changeKeyList(keys, () => [{ name: 'anna', public_key: publicText(anna) }]);
  entries.splice(0);
});

async function open(unsigned: UnsignedPolicy = 'isolate', where = join(place, 'registry')): Promise<OperatorIndex> {
  const opened = openPlace(where, { store: () => Promise.resolve(createLocalStore(join(place, 'registry'))), s3: null });
  const directory = join(place, 'cache');
  return new OperatorIndex({
    installed: (await openRegistry(operatorsDirectory)).list(), places: [opened], directory, log,
    cache: new NodeCache(directory, { maxBytes: 1e12, log: silentLog }), trust: await Trust.open({ keys, unsigned, log }),
  });
}

const runs = (reference: string, operator: Awaited<ReturnType<OperatorIndex['find']>>, runtime: RuntimeName) =>
  checkRuntime(calledOperator(operator, parseReference(`${runtime}/${reference}`)), ['onnx', ...processRuntimes]);

describe('an operator of a registry', () => {
  it('that a trusted key has signed runs in the service itself', async () => {
    await registry.publish(first.path, { by, sign: signer(anna) });
    const operator = await (await open()).find('spectral');
    expect(operator).toMatchObject({ runtime: 'onnx', signedBy: 'anna', reference: `spectral@${first.operator.digest}` });
    expect(operator.isolated).toBeUndefined();
    expect(runs('spectral', operator, 'containerless')).toBeUndefined();
  });

  it('that nobody has signed runs in a sandbox or container, and nowhere else', async () => {
    await registry.publish(first.path, { by });
    const operator = await (await open()).find('spectral');
    expect(operator).toMatchObject({ runtime: 'bubblewrap', isolated: 'it is not signed', reference: `spectral@${first.operator.digest}` });
    for (const runtime of ['bubblewrap', 'podman', 'slurm+podman'] as const) expect(runs('spectral', operator, runtime)).toBeUndefined();
    for (const runtime of ['onnx', 'containerless', 'proot', 'slurm+onnx', 'pbs+containerless'] as const) {
      expect(() => runs('spectral', operator, runtime)).toThrow(`it is not signed, so it may run in bubblewrap, podman, docker only, and not in '${runtime}'`);
    }
  });

  it.each<[string, UnsignedPolicy, object]>([
    ['runs as if it were signed, where that is allowed', 'run', { runtime: 'onnx' }],
    ['runs in a sandbox', 'isolate', { runtime: 'bubblewrap' }],
  ])('that is not signed %s', async (_, policy, expected) => {
    await registry.publish(first.path, { by });
    expect(await (await open(policy)).find('spectral')).toMatchObject(expected);
  });

  it('that is not signed is refused where signatures are required, and said why; signed ones are there', async () => {
    await registry.publish(first.path, { by, sign: signer(anna) });
    await registry.publish(second.path, { by });
    const index = await open('refuse');
    await expect(index.find('spectral:1.1.0')).rejects.toMatchObject({ code: 'OperatorUntrusted', message: "This service does not run the operator 'spectral:1.1.0': it is not signed." });
    await expect(index.find(`spectral@${second.operator.digest}`)).rejects.toMatchObject({ code: 'OperatorUntrusted' });
    // Who publishes something unsigned takes nothing from those who use the name.
    for (const reference of ['spectral', 'spectral:1', 'spectral:1.0.0']) expect(await index.find(reference)).toMatchObject({ signedBy: 'anna', manifest: { version: '1.0.0' } });
    expect(index.list().map(({ manifest }) => `${manifest.name}:${manifest.version}`)).toEqual(['conv:1.0.0', 'pca:1.0.0', 'spectral:1.0.0']);
    // Those of the package need none.
    expect((await index.find('pca')).runtime).toBe('onnx');
  });

  it('of the service\'s own store needs no signature, unless they are required', async () => {
    await registry.publish(first.path, { by });
    expect((await (await open('isolate', 'store')).find('spectral')).runtime).toBe('onnx');
    await expect((await open('refuse', 'store')).find('spectral')).rejects.toMatchObject({ code: 'OperatorUntrusted' });
  });

  it('is worth what its signature is worth: one of another key, in its name, of another version', async () => {
    await registry.publish(first.path, { by, sign: signer(ben) });
    expect((await (await open()).find('spectral:1.0.0')).isolated).toBe('it is signed with a key that is not trusted here');
    // Somebody who can write to the registry copies a good signature to a bad version.
    await registry.publish(second.path, { by });
    const good = (await registry.sign(of, '1.0.0', signer(anna))).find(({ keyid }) => keyid === keyIdOf(anna));
    const collection = join(place, 'registry/operators/library/spectral/collection.json');
    const content = JSON.parse(await readFile(collection, 'utf8')) as { links: { version?: string; 'lamina:signatures'?: unknown }[] };
    content.links.find(({ version }) => version === '1.1.0')!['lamina:signatures'] = [good];
    await writeFile(collection, JSON.stringify(content));
    const index = await open();
    expect((await index.find('spectral:1.0.0')).signedBy).toBe('anna');
    expect((await index.find('spectral:1.1.0')).isolated).toBe("its signature with the key of 'anna' is wrong: it is of something else");
    // Also in the own store a wrong signature is worse than none.
    expect((await (await open('isolate', 'store')).find('spectral:1.1.0')).runtime).toBe('bubblewrap');
  });

  it('loses its standing when the key is revoked, in a service that runs', async () => {
    await registry.publish(first.path, { by, sign: signer(anna) });
    const index = await open();
    expect((await index.find('spectral')).runtime).toBe('onnx');
    let changes = 0;
    index.onChange(() => changes++);
    await changeKeyList(keys, (list) => list.map((key) => ({ ...key, revoked: { at: '2026-11-22T10:00:00Z', reason: 'stolen' } })));
    await index.refresh();
    expect(changes).toBeGreaterThan(0);
    expect(index.resolve('spectral')).toMatchObject({ runtime: 'bubblewrap', isolated: "the key of 'anna' that it is signed with was revoked at 2026-11-22T10:00:00Z (stolen)" });
  });

  it('is trusted by nobody while the list of keys can\'t be read', async () => {
    await registry.publish(first.path, { by, sign: signer(anna) });
    const index = await open();
    await writeFile(keys, '{"keys": [');
    expect((await index.find('spectral')).runtime).toBe('bubblewrap');
    expect(entries.map(({ level, message }) => [level, message])).toEqual([['error', 'No key of operators is trusted until this is mended: the file of trusted keys is no JSON']]);
    await expect(open()).rejects.toThrow('the file of trusted keys is no JSON');
  });

  it('can be signed after it was published, by several, and reindexing keeps that', async () => {
    const published = await registry.publish(first.path, { by });
    const elsewhere = { name: 'spectral', version: '1.0.0', digest: published.digest, archive: published.archive.sha256 };
    const detached = Buffer.from(JSON.stringify(envelopeOf(elsewhere, [signOperator(elsewhere, ben)])));
    await Promise.all([registry.sign(of, '1.0.0', signer(anna)), registry.sign(of, '1.0.0', (facts) => signaturesOf(detached, facts))]);
    await registry.sign(of, '1.0.0', signer(anna));
    expect((await registry.find(of)).signatures).toHaveLength(2);
    const item = JSON.parse(await readFile(join(place, 'registry/operators/library/spectral/versions/1.0.0/item.json'), 'utf8')) as { assets: Record<string, { href: string }> };
    expect(item.assets['signature']!.href).toBe('./SIGNATURE.json');
    expect((await (await open()).find('spectral')).signedBy).toBe('anna');
  });

  it('is not published with a signature of something else', async () => {
    const elsewhere = { name: 'spectral', version: '1.0.0', digest: second.operator.digest, archive: second.sha256 };
    const detached = Buffer.from(JSON.stringify(envelopeOf(elsewhere, [signOperator(elsewhere, anna)])));
    await expect(registry.publish(first.path, { by, sign: (facts) => signaturesOf(detached, facts) })).rejects.toMatchObject({ reason: 'SignatureInvalid' });
    expect(await registry.versions(of)).toEqual([]);
  });
});

const missing = whyNot('bubblewrap');
it.skipIf(missing !== null)(`gives the same vectors in its sandbox${missing === null ? '' : ` (skipped: ${missing})`}`, async () => {
  await registry.publish(first.path, { by });
  const operator = await (await open()).find('spectral');
  const runtime = createOperatorRuntime({
    onnx: createOnnxRuntime({ threads: 1, log: silentLog }), runtimes: (name) => openRuntime(name, { scratch: userScratch() }), allowed: ['onnx', 'bubblewrap'], concurrency: 1, log: silentLog,
  });
  try {
    expect((await checkGolden(operator, runtime)).every(({ isWithin }) => isWithin)).toBe(true);
    // Whoever asks for another runtime by hand gets no further.
    await expect(checkGolden({ ...operator, runtime: 'onnx' }, runtime)).rejects.toMatchObject({ code: 'OperatorRuntimeUnavailable' });
  } finally {
    await runtime.close();
  }
});
