/** Releases from the folder to the registry: what comes of each stage, and of those that are cut short. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RegistryRefusal } from '../../src/operators/registry/refusal.ts';
import { keyIdOf } from '../../src/operators/trust/keys.ts';
import { signOperator } from '../../src/operators/trust/signature.ts';
import { silentLog } from '../../src/log.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import type { Progress, ReleaseRegistry, ReleaseSettings } from '../../src/release/context.ts';
import { release } from '../../src/release/release.ts';
import { releaseRegistry } from '../../src/release/release-registry.ts';
import { stageNames, type ReleaseReport, type StageName } from '../../src/release/report.ts';
import { interfaceChanges } from '../../src/release/stages/version.ts';
import { madeUpLandscapes } from '../../src/release/tasks/synthetic.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import { startS3 } from '../storage/s3-double.ts';
import { manifest } from './operators.ts';
import { packageFolder } from './packages.ts';

let folder: string;
const onnx = createOnnxRuntime({ threads: 1, log: silentLog });
/** Few: what quality means is asked in gate.test.ts. */
const sets = [madeUpLandscapes(2)];
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-release-'))));
afterAll(async () => {
  await onnx.close();
  await rm(folder, { recursive: true, force: true });
});

let count = 0;
function newRegistry(): ReleaseRegistry {
  const place = join(folder, `registry-${count++}`);
  return releaseRegistry(createLocalStore(place), `${place}-scratch`);
}

async function run(source: string, registry: ReleaseRegistry | null, settings: Partial<ReleaseSettings> = {}): Promise<ReleaseReport> {
  return release({ folder: source, out: `${source}-out`, registry, publish: registry !== null, runtimes: { onnx, programs: () => null }, sets: [], by: 'someone', tags: [], latest: true, laminaVersion: '0.1.0', ...settings });
}

const statuses = ({ stages }: ReleaseReport) => Object.fromEntries(stages.map(({ stage, status, resumed }) => [stage, resumed ? `${status}, resumed` : status]));
const detail = ({ stages }: ReleaseReport, name: StageName) => stages.find(({ stage }) => stage === name)!.detail;
const named = (version: string, fields = {}) => packageFolder(join(folder, `package-${count++}`), { version, ...fields });

describe('a release', () => {
  it('passes seven named stages, and the registry has the version, its report and the tag', async () => {
    const registry = newRegistry();
    const source = await named('1.0.0');
    const progress: Progress[] = [];
    const report = await run(source, registry, { sets, tags: ['stable'], onProgress: (step) => progress.push(step) });
    expect(report).toMatchObject({ operator: 'spectral', version: '1.0.0', status: 'published', allowed_regression: null });
    expect(report.stages.map(({ stage }) => stage)).toEqual([...stageNames]);
    expect(new Set(report.stages.map(({ status }) => status))).toEqual(new Set(['passed']));
    expect(report.publish).toEqual({ reference: `spectral@${report.build!.digest}`, tags: ['latest', 'stable'] });
    expect(report.test!.checks.map(({ check, status }) => [check, status])).toEqual([
      ['interface', 'passed'], ['golden', 'passed'], ['determinism', 'passed'], ['layer', 'passed'], ['codec', 'passed'], ['rate', 'passed'], ['quality', 'passed'], ['throughput', 'passed'], ['memory', 'skipped'], ['licence', 'passed'], ['secrets', 'passed'],
    ]);
    expect(await registry.latest({ name: 'spectral' })).toMatchObject({ version: '1.0.0' });
    expect(JSON.parse(await readFile(join(`${source}-out`, 'report.json'), 'utf8'))).toEqual({ ...JSON.parse(JSON.stringify(report)) as object, ms: expect.any(Number) as number });
    expect(progress.filter(({ kind }) => kind === 'ended')).toHaveLength(7);
    expect(progress.filter(({ kind }) => kind === 'check')).toHaveLength(11);
  });

  it('is signed when there is a key, and not published when the signature is of something else', async () => {
    const key = generateKeyPairSync('ed25519').privateKey;
    const registry = newRegistry();
    const refused = await run(await named('1.0.0'), registry, { sets, signer: () => { throw new RegistryRefusal('SignatureInvalid', 'It is of something else.'); } });
    expect([refused.status, detail(refused, 'publish')]).toEqual(['refused', 'It is of something else.']);
    expect(await registry.versions({ name: 'spectral' })).toEqual([]);
    expect((await run(await named('1.0.0'), registry, { sets, signer: (facts) => [signOperator(facts, key)] })).status).toBe('published');
    expect((await registry.versions({ name: 'spectral' }))[0]!.signatures).toEqual([{ keyid: keyIdOf(key), sig: expect.any(String) as string }]);
  });

  it('leaves a page for people, in which nothing of a package is HTML', async () => {
    const source = await named('1.0.0', { description: 'Not <b>bold</b>, and long enough to say what it is good for.', license: '<script>alert(1)</script>' });
    const report = await run(source, null);
    const page = await readFile(join(`${source}-out`, 'report.html'), 'utf8');
    expect(report.status).toBe('refused');
    expect(page).toContain('Refused: see the stage that failed.');
    expect(page).not.toContain('<script');
    expect(page).toContain('&#60;script&#62;');
    for (const stage of stageNames) expect(page).toContain(`<strong>${stage}</strong>`);
  });

  it('publishes to a bucket as to a directory, and compares with what lies there', async () => {
    const s3 = await startS3();
    const store = await openS3Store({ endpoint: `http://127.0.0.1:${s3.port}`, bucket: 'operators', region: 'us-east-1', accessKey: 'test', secretKey: 'test' });
    try {
      const registry = releaseRegistry(store, join(folder, 'from-s3'));
      expect((await run(await named('1.0.0'), registry)).status).toBe('published');
      const report = await run(await named('1.1.0', { title: 'Another' }), registry);
      expect(report).toMatchObject({ status: 'published', test: { previous: { version: '1.0.0' } } });
      expect((await registry.versions({ name: 'spectral' })).map(({ version }) => version)).toEqual(['1.1.0', '1.0.0']);
    } finally {
      store.close();
      await s3.stop();
    }
  });

  it('does not publish what is only to be tested', async () => {
    const registry = newRegistry();
    const report = await run(await named('1.0.0'), registry, { publish: false });
    expect(report.status).toBe('tested');
    expect(statuses(report)).toMatchObject({ version: 'passed', publish: 'skipped' });
    expect(await registry.versions({ name: 'spectral' })).toEqual([]);
  });

  it('is refused whole when one check fails, with all others done', async () => {
    const registry = newRegistry();
    const source = await named('1.0.0');
    await writeFile(join(source, 'run.sh'), `export SECRET_ACCESS_KEY='${'wJalrXUtnFEMIK7MDENG'}'\n`);
    const golden = JSON.parse(readFileSync(join(source, 'golden.json'), 'utf8')) as { cases: { expected: number[] }[] };
    golden.cases[0]!.expected[0]! += 1;
    await writeFile(join(source, 'golden.json'), JSON.stringify(golden));
    const report = await run(source, registry);
    expect(statuses(report)).toEqual({ source: 'passed', dependencies: 'passed', build: 'passed', test: 'failed', metadata: 'skipped', version: 'skipped', publish: 'skipped' });
    expect(detail(report, 'test')).toMatch(/2 of 11 checks failed\. golden: largest difference is 1.*secrets: run\.sh, line 1: a password in an assignment/);
    expect(detail(report, 'test')).not.toContain('wJalrXUtn');
    expect(await registry.versions({ name: 'spectral' })).toEqual([]);
  });

  it('refuses a model that does not load, with one reason', async () => {
    const source = await named('1.0.0');
    await writeFile(join(source, 'model.onnx'), 'no model');
    const { createHash } = await import('node:crypto');
    const parsed = JSON.parse(readFileSync(join(source, 'operator.json'), 'utf8')) as { model: object };
    await writeFile(join(source, 'operator.json'), JSON.stringify({ ...parsed, model: { ...parsed.model, sha256: createHash('sha256').update('no model').digest('hex') } }));
    const report = await run(source, null);
    expect(report.status).toBe('refused');
    expect(report.test!.checks.filter(({ status }) => status === 'failed').map(({ check }) => check)).toEqual(['interface']);
    expect(detail(report, 'test')).not.toContain(folder);
  });
});

describe('dependencies', () => {
  it.each([
    ['requirements.txt', 'numpy>=1.20\ntorch==2.4.1\n', "requirements.txt has 'numpy>=1.20' without an exact version"],
    ['package.json', '{}', 'package.json needs a package-lock.json beside it'],
    ['pyproject.toml', '', 'pyproject.toml needs a lock file'],
  ])('that float are refused: %s', async (file, content, reason) => {
    const source = await named('1.0.0');
    await writeFile(join(source, file), content);
    const report = await run(source, null);
    expect(statuses(report)).toMatchObject({ dependencies: 'failed', build: 'skipped', test: 'skipped' });
    expect(detail(report, 'dependencies')).toContain(reason);
  });

  it('that are held fast are noted', async () => {
    const source = await named('1.0.0');
    await writeFile(join(source, 'requirements.txt'), '# exact\nnumpy==1.26.4 ; python_version < "3.13"\n-r other.txt\nown @ https://example.org/own.whl#sha256=abc\n');
    const report = await run(source, null);
    expect(Object.keys(report.dependencies!.locks)).toEqual(['requirements.txt']);
    expect(report.dependencies!.needs['opset']).toBe('17');
  });
});

describe('versions', () => {
  const registry = () => shared;
  let shared: ReleaseRegistry;
  beforeAll(async () => {
    shared = newRegistry();
    expect((await run(await named('1.2.0'), shared)).status).toBe('published');
  });

  it('never change', async () => {
    const report = await run(await named('1.2.0', { title: 'Another one' }), registry());
    expect(detail(report, 'version')).toContain('Version 1.2.0 is published already, with other content');
  });

  it('are not older than what is published', async () => {
    expect(detail(await run(await named('1.1.9', { title: 'Old' }), registry()), 'version')).toContain('1.1.9 is older than 1.2.0');
  });

  it('are patches when the vectors are the same', async () => {
    const report = await run(await named('1.2.1', { title: 'Better words' }), registry(), { publish: false, sets });
    expect(report.status).toBe('tested');
    expect(detail(report, 'version')).toBe('1.2.0 → 1.2.1 (patch)');
    expect(report.test).toMatchObject({ previous: { version: '1.2.0' }, likeness: expect.closeTo(1, 6) });
  });

  it('may be pre-releases, which do not become latest', async () => {
    const report = await run(await named('2.0.0-rc1'), registry());
    expect(report.publish!.tags).toEqual([]);
    expect(await registry().latest({ name: 'spectral' })).toMatchObject({ version: '1.2.0' });
  });

  it.each([
    ['other bands', { input: { ...manifest.input, bands: [...manifest.input.bands].toReversed() } }, 'bands changed from B02 B03 to B03 B02'],
    ['another patch', { patch: 8 }, 'patch changed from 4 to 8'],
    ['unit vectors', { output: { ...manifest.output, norm: 'unit' as const } }, 'norm changed from none to unit'],
    ['fewer resolutions', { input: { ...manifest.input, gsd_range: [9, 11] as const } }, 'fewer resolutions are accepted'],
    ['a required parameter', { params: [{ name: 'gain', description: '', type: 'number' as const }] }, "parameter 'gain' is required now"],
  ])('with %s need a new major number', (_, fields, reason) => {
    expect(interfaceChanges(manifest, { ...manifest, ...fields })).toEqual([reason]);
  });

  it('may take further parameters, and not lose some', () => {
    const gain = { name: 'gain', description: '', type: 'number' as const, default: 1 };
    expect(interfaceChanges(manifest, { ...manifest, params: [gain] })).toEqual([]);
    expect(interfaceChanges({ ...manifest, params: [gain] }, manifest)).toEqual(["parameter 'gain' is gone"]);
    expect(interfaceChanges({ ...manifest, params: [gain] }, { ...manifest, params: [{ ...gain, type: 'string' }] })).toEqual(["parameter 'gain' has another type"]);
  });
});

describe('a release that was cut short', () => {
  /** Ends like a process that is killed, after a stage. */
  const killedAfter = (stage: string) => ({ onProgress: (step: Progress) => {
    if (step.kind === 'begun' && stageNames.indexOf(step.stage as StageName) > stageNames.indexOf(stage as StageName)) throw new Error('killed');
  } });

  it('goes on where it ended', async () => {
    const registry = newRegistry();
    const source = await named('1.0.0');
    await expect(run(source, registry, killedAfter('test'))).rejects.toThrow('killed');
    expect(await registry.versions({ name: 'spectral' })).toEqual([]);
    const report = await run(source, registry);
    expect(statuses(report)).toEqual({ source: 'passed', dependencies: 'passed, resumed', build: 'passed, resumed', test: 'passed, resumed', metadata: 'passed', version: 'passed', publish: 'passed' });
    expect(report.test!.checks).toHaveLength(11);
    expect(report.status).toBe('published');
  });

  it('begins anew when a file has changed, and builds again when the archive is gone', async () => {
    const source = await named('1.0.0');
    await expect(run(source, null, killedAfter('build'))).rejects.toThrow('killed');
    await rm(join(`${source}-out`, 'spectral-1.0.0.tar.gz'));
    await expect(run(source, null, killedAfter('build'))).rejects.toThrow('killed');
    expect(existsSync(join(`${source}-out`, 'spectral-1.0.0.tar.gz'))).toBe(true);
    await writeFile(join(source, 'card.md'), 'another card');
    const { stages } = await run(source, null);
    expect(stages.filter(({ resumed }) => resumed)).toEqual([]);
  });

  it('tests again when somebody published meanwhile', async () => {
    const registry = newRegistry();
    await run(await named('1.0.0'), registry);
    const source = await named('1.2.0', { title: 'Mine' });
    await expect(run(source, registry, killedAfter('test'))).rejects.toThrow('killed');
    await run(await named('1.1.0', { title: 'Theirs' }), registry);
    const report = await run(source, registry);
    expect(statuses(report)).toMatchObject({ build: 'passed, resumed', test: 'passed' });
    expect(report.test!.previous).toMatchObject({ version: '1.1.0' });
  });

  it('is refused when somebody publishes between its tests and its publication', async () => {
    const registry = newRegistry();
    await run(await named('1.0.0'), registry);
    const theirs = await named('1.1.0', { title: 'Theirs' });
    const mine = await named('1.2.0', { title: 'Mine' });
    let published: Promise<unknown> | undefined;
    const between: ReleaseRegistry = { ...registry, versions: async (of) => {
      published ??= run(theirs, registry);
      await published;
      return registry.versions(of);
    } };
    expect(detail(await run(mine, between), 'version')).toContain("'latest' is 1.1.0, and the tests compared with 1.0.0");
  });

  it('is taken up after its archive was published and its tags were not', async () => {
    const registry = newRegistry();
    const source = await named('1.0.0');
    const half: ReleaseRegistry = { ...registry, publish: async (archive, options) => {
      await registry.publish(archive, { ...options, latest: false });
      throw new Error('killed');
    } };
    await expect(run(source, half)).rejects.toThrow('killed');
    expect(await registry.latest({ name: 'spectral' })).toBeNull();
    const report = await run(source, registry);
    expect(detail(report, 'version')).toContain('is in the registry already, and is this very one');
    expect(report).toMatchObject({ status: 'published', publish: { tags: ['latest'] } });
    expect(await registry.latest({ name: 'spectral' })).toMatchObject({ version: '1.0.0' });
  });
});
