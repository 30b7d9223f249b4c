/** Gap 11: "testing … downstream performance" was promised, and no gate was published. Here a version whose weights are shuffled is not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import { Registry } from '../../src/operators/registry/registry.ts';
import { release } from '../../src/release/release.ts';
import { releaseRegistry } from '../../src/release/release-registry.ts';
import type { ReleaseReport } from '../../src/release/report.ts';
import { madeUpLandscapes } from '../../src/release/tasks/synthetic.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { packageFolder, shuffledFolder } from '../release/packages.ts';

let folder: string;
let registry: Registry;
const onnx = createOnnxRuntime({ threads: 1, log: silentLog });
const sets = [madeUpLandscapes(3)];
const MINUTE = 60_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-g11-'));
  registry = new Registry(createLocalStore(join(folder, 'registry')), { scratch: join(folder, 'scratch') });
  expect((await run(await packageFolder(join(folder, 'v1'), { version: '1.0.0' }))).status).toBe('published');
});
afterAll(async () => {
  await onnx.close();
  await rm(folder, { recursive: true, force: true });
});

function run(source: string, settings: { allowRegression?: string } = {}): Promise<ReleaseReport> {
  const objects = createLocalStore(join(folder, 'registry'));
  return release({ folder: source, out: `${source}-out`, registry: releaseRegistry(objects, join(folder, 'published')), publish: true, runtimes: { onnx, programs: () => null }, sets, by: 'someone', tags: [], latest: true, laminaVersion: '0.1.0', ...settings });
}

it('a version with shuffled weights is not published, and the report says why with numbers', async () => {
  const report = await run(await shuffledFolder(join(folder, 'v2'), { version: '1.1.0' }));
  expect(report.status).toBe('refused');
  const failed = report.test!.checks.filter(({ status }) => status === 'failed');
  // Digest, golden vectors and scales are those of the shuffled model: nothing else is wrong with it.
  expect(failed.map(({ check }) => check).filter((check) => check !== 'rate')).toEqual(['quality']);
  const quality = failed.find(({ check }) => check === 'quality')!;
  expect(quality.detail).toMatch(/synthetic, mean of all is 0\.\d+, and must be at least 0\.\d+ \(0\.\d+ in the version before/);
  const slant = quality.figures.find(({ name }) => name === 'synthetic, slant, linear (r2)')!;
  expect(slant.value).toBeLessThan(slant.at_least!);
  expect(slant.previous).toBeGreaterThan(slant.value! + 0.1);
  expect((await registry.versions({ name: 'spectral' })).map(({ version }) => version)).toEqual(['1.0.0']);
  expect(await registry.latest({ name: 'spectral' })).toMatchObject({ version: '1.0.0' });
}, MINUTE);

it('who takes responsibility publishes it, and the reason stays with the version; rollback is one command', async () => {
  const report = await run(await shuffledFolder(join(folder, 'v3'), { version: '1.1.0' }), { allowRegression: 'the old weights must not be used any more' });
  expect(report).toMatchObject({ status: 'published', allowed_regression: 'the old weights must not be used any more' });
  expect(report.test!.checks.find(({ check }) => check === 'quality')).toMatchObject({ status: 'allowed', detail: expect.stringContaining('Allowed: the old weights') as string });
  const latest = await registry.latest({ name: 'spectral' });
  expect(latest).toMatchObject({ version: '1.1.0' });
  expect(latest!.history.at(-1)).toMatchObject({ reason: 'the old weights must not be used any more', by: 'someone' });
  await registry.rollback({ name: 'spectral' }, { by: 'someone' });
  expect(await registry.latest({ name: 'spectral' })).toMatchObject({ version: '1.0.0' });
}, MINUTE);

it('no excuse lets wrong golden vectors pass', async () => {
  const source = await packageFolder(join(folder, 'v4'), { version: '1.2.0', min_valid: 0.4 });
  const { readFile, writeFile } = await import('node:fs/promises');
  const golden = JSON.parse(await readFile(join(source, 'golden.json'), 'utf8')) as { cases: { expected: number[] }[] };
  golden.cases[0]!.expected.reverse();
  await writeFile(join(source, 'golden.json'), JSON.stringify(golden));
  const report = await run(source, { allowRegression: 'in a hurry' });
  expect(report.status).toBe('refused');
  expect(report.allowed_regression).toBeNull();
}, MINUTE);
