/** G14: `python claimed.py` ends with 0 whatever its operator ended with, and for a version that does not exist. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openBench } from '../runtimes/command-line.ts';
import { whyNot } from '../runtimes/available.ts';

const bench = openBench();
afterAll(() => bench.close());
const output = () => join(bench.folder, 'out.tif');

it.each(['containerless', 'podman'] as const)('the operator\'s exit code is that of the command (%s)', async (runtime) => {
  const missing = whyNot(runtime);
  if (missing !== null) return console.info(`skipped: ${missing}`);
  const operator = bench.operator('echo "the weights are missing" >&2; exit 42');
  const scene = await bench.scene();
  for (const ended of [
    await bench.run(operator, '--runtime', runtime, '--input', scene, '--output', output()),
    await bench.claimed('--component', operator, '--runtime', runtime, '--input', scene, '--output', output()),
  ]) expect(ended).toMatchObject({ code: 42, output: expect.stringContaining('it ended with code 42; it said: the weights are missing') });
  expect(existsSync(output())).toBe(false);
}, 60_000);

it('a version that does not exist is an error', async () => {
  const { code, output: said } = await bench.claimed('--component', 'containerless/pca:9.9.9', '--input', await bench.scene(), '--output', output());
  expect(said).toMatch(/'containerless\/pca:9\.9\.9' does not exist/);
  expect(code).toBe(1);
}, 60_000);

it('so is an operator that says it is well and gives nothing', async () => {
  const operator = bench.operator('exit 0');
  const { code, output: said } = await bench.run(operator, '--runtime', 'containerless', '--input', await bench.scene(), '--output', output());
  expect(said).toContain('it wrote no file to OUTPUT_PATH');
  expect(code).toBe(1);
}, 60_000);
