/** G10: CLAIMED operators get credentials in parameters, which stand on command lines and are printed. Lamina's operators need none: they read and write files. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openBench } from '../runtimes/command-line.ts';
import { whyNot } from '../runtimes/available.ts';
import { lamina } from '../system/processes.ts';

const bench = openBench();
afterAll(() => bench.close());

const SECRET = 'cos://key:swordfish@endpoint/bucket';

it.each(['containerless', 'bubblewrap', 'podman'] as const)('a parameter stands on no command line and in no message (%s)', async (runtime) => {
  const missing = whyNot(runtime);
  if (missing !== null) return console.info(`skipped: ${missing}`);
  const operator = bench.operator('[ "$target" = "cos://key:swordfish@endpoint/bucket" ] || exit 9; sleep 2; cp "$INPUT_PATH" "$OUTPUT_PATH"', [{ name: 'target', description: 'Where to.', type: 'string', default: '' }]);
  const parameters = join(bench.folder, 'parameters.json');
  writeFileSync(parameters, JSON.stringify({ target: SECRET }));
  const started = lamina(['run', operator, '--runtime', runtime, '--input', await bench.scene(), '--output', join(bench.folder, 'out.tif'), '--params', parameters], bench.environment);
  const seen: string[] = [];
  let looks = 0;
  while (started.child.exitCode === null && started.child.signalCode === null) {
    seen.push(...commandLines().filter((line) => line.includes('swordfish')));
    looks++;
    await new Promise((done) => void setTimeout(done, 50));
  }
  expect(started.child.exitCode, started.output()).toBe(0);
  expect(looks).toBeGreaterThan(10);
  expect(seen).toEqual([]);
  expect(started.output()).not.toContain('swordfish');
}, 60_000);

it('nothing of the service\'s own variables reaches an operator', async () => {
  const operator = bench.operator('env >&2; cp "$INPUT_PATH" "$OUTPUT_PATH"');
  const started = lamina(['run', operator, '--runtime', 'containerless', '--input', await bench.scene(), '--output', join(bench.folder, 'out2.tif')], { ...bench.environment, AWS_SECRET_ACCESS_KEY: 'swordfish', LAMINA_SECRET: 'swordfish-swordfish-swordfish-swordfish' });
  await new Promise((done) => void started.child.once('close', done));
  expect(started.output()).toContain('INPUT_PATH=');
  expect(started.output()).not.toContain('swordfish');
}, 60_000);

function commandLines(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  });
}
