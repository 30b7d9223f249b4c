/** What every runtime promises, tried in all that this machine has: the same call, the same vectors, limits, and nothing left behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStreamLog } from '../../src/log.ts';
import type { OperatorRuntime } from '../../src/operators/operator.ts';
import type { RuntimeName } from '../../src/operators/reference.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import { OperatorFailed, type ProcessRuntime } from '../../src/runtimes/process-runtime.ts';
import { openRuntime, toolEnvironmentOf } from '../../src/runtimes/runtimes.ts';
import { whyNot } from './available.ts';
import { COPY, programOperator, removePrograms, twoBlocks } from './operators.ts';
import { noSlurm, startSlurm, type SlurmCluster } from './slurm-cluster.ts';

const names: readonly RuntimeName[] = ['containerless', 'bubblewrap', 'proot', 'podman', 'slurm+containerless', 'slurm+bubblewrap', 'slurm+podman', 'pbs+containerless'];
const isBatch = (name: string) => name.includes('+');

let cluster: SlurmCluster | null = null;
let scratch: string;
let onnx: OperatorRuntime;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lamina-runs-'));
  onnx = createOnnxRuntime({ threads: 1, log: createStreamLog(process.stderr, 'error') });
  if (noSlurm() === null) cluster = await startSlurm();
}, 60_000);

afterAll(async () => {
  await onnx.close();
  removePrograms();
  await cluster?.close();
  await rm(scratch, { recursive: true, force: true });
}, 30_000);

const open = (name: RuntimeName): ProcessRuntime => openRuntime(name, { scratch, toolEnvironment: { ...toolEnvironmentOf(process.env), ...cluster?.environment } });
const never = new AbortController().signal;

async function failureOf(run: Promise<unknown>): Promise<OperatorFailed> {
  const error = await run.then(() => null, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(OperatorFailed);
  return error as OperatorFailed;
}

/** Processes of this machine that have the word among their arguments. */
function processesWith(word: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word);
    } catch {
      return false;
    }
  });
}

async function untilGone(word: string, withinMs: number): Promise<string[]> {
  const until = Date.now() + withinMs;
  while (processesWith(word).length > 0 && Date.now() < until) await sleep(50);
  return processesWith(word);
}

let word = 90_000 + (process.pid % 1000) * 10;
/** A number of seconds that no other process sleeps. */
const ownNumber = () => String(++word);

describe.each(names)('%s', (name) => {
  const reason = whyNot(name);
  if (reason !== null) {
    it.skip(`skipped: ${reason}`, () => {});
    return;
  }

  it.each(['pca', 'conv'])('gives the vectors that the worker itself gives (%s)', async (model) => {
    const operator = (await openRegistry('operators')).resolve(model);
    const { patch, halo, input } = operator.manifest;
    const edge = 4 * patch + 2 * halo;
    const tile = (seed: number) => Float32Array.from({ length: input.bands.length * edge * edge }, (_, i) => 500 + ((i * 7919 + seed * 104_729) % 4000));
    const inputs = [tile(1), tile(2)];
    const { vectors, usage } = await open(name).run(operator, { inputs, rows: edge, columns: edge }, never);
    for (const [i, block] of inputs.entries()) expect(vectors[i]).toEqual(await onnx.run(operator, block, edge, edge));
    expect(usage.wallSeconds).toBeGreaterThanOrEqual(0);
  }, 60_000);

  it('hands every parameter over as it is', async () => {
    const params = {
      spaces: ' two  words ', quotes: `it's "so"`, shell: '$(touch pwned) `id` $HOME; rm -rf * & | > <', minus: '-1', dashes: '--input', empty: '', boolean: false, capital: 'False',
      lines: 'a\nb\tc', unicode: 'Zürich ✓', number: -1.5e-7, list: [1, 2, 3], texts: ['a b', `'`, '"'], backslash: '\\n\\\\', none: null, star: '*', percent: '%s%d',
    };
    const shown = Object.keys(params).map((key) => `printf '${key} '; [ "\${${key}+set}" ] && { printf '%s' "$${key}" | od -An -v -tx1 | tr -d ' \\n'; } || printf unset; echo`);
    const { output, vectors } = await open(name).run(programOperator([...shown, 'printf "json "; od -An -v -tx1 < "$OPERATOR_PARAMS" | tr -d " \\n"; echo', COPY].join('\n'), { params }), twoBlocks, never);
    const arrived = Object.fromEntries(output.split('\n').map((line) => line.split(' ')).map(([key, hex]) => [key!, hex === 'unset' ? null : Buffer.from(hex ?? '', 'hex').toString()]));
    const { json, ...variables } = arrived;
    const texts = Object.fromEntries(Object.entries(params).map(([key, value]) => [key, Array.isArray(value) ? JSON.stringify(value) : value === null ? null : String(value)]));
    expect(variables).toEqual(texts);
    expect(JSON.parse(json!)).toEqual(params);
    expect(vectors).toEqual(twoBlocks.inputs);
  }, 30_000);

  it.runIf(!name.startsWith('pbs'))('shows the program nothing of our variables', async () => {
    process.env['LAMINA_TEST_SECRET'] = 'swordfish';
    try {
      const { output } = await open(name).run(programOperator(`env; ${COPY}`), twoBlocks, never);
      expect(output).toContain('INPUT_PATH=');
      expect(output).not.toContain('swordfish');
    } finally {
      delete process.env['LAMINA_TEST_SECRET'];
    }
  }, 30_000);

  it('says the exit code and the last words of a program that fails', async () => {
    const { ended, message } = await failureOf(open(name).run(programOperator('echo first; echo "no such weights" >&2; exit 7'), twoBlocks, never));
    expect(ended).toMatchObject({ reason: 'exit', exitCode: 7 });
    expect(message).toMatch(/program:1\.0\.0' failed: it ended with code 7; it said: first\nno such weights/);
  }, 30_000);

  it.runIf(!isBatch(name))('refuses an output that is missing, of another shape, or no array', async () => {
    const said = async (script: string) => (await failureOf(open(name).run(programOperator(script), twoBlocks, never))).message;
    expect(await said('true')).toMatch(/wrote no file to OUTPUT_PATH/);
    expect(await said('echo hello > "$OUTPUT_PATH"')).toMatch(/no \.npy file/);
    expect(await said('sed "s/(2, 1, 2, 3)/(2, 1, 3, 2)/" "$INPUT_PATH" > "$OUTPUT_PATH"')).toMatch(/shape is \(2, 1, 3, 2\) and should be \(2, 1, 2, 3\)/);
    expect(await said('ln -s /etc/passwd "$OUTPUT_PATH"')).toMatch(/can't be opened/);
    expect(await said('mkfifo "$OUTPUT_PATH"')).toMatch(/no plain file/);
  }, 60_000);

  it('ends a program that takes too long, with all that it started', async () => {
    const seconds = ownNumber();
    const { ended, message } = await failureOf(open(name).run(programOperator(`sleep ${seconds} & (setsid sleep ${seconds} &) ; sleep ${seconds}`, { resources: { seconds: 1 } }), twoBlocks, never));
    expect(ended.reason).toBe('time');
    expect(message).toContain('not done after 1 s, its limit of time');
    expect(await untilGone(seconds, 3000)).toEqual([]);
  }, 60_000);

  it('ends everything within 5 seconds when it is cancelled', async () => {
    const seconds = ownNumber();
    const controller = new AbortController();
    const running = open(name).run(programOperator(`trap "" TERM INT HUP; sleep ${seconds} & sleep ${seconds}; sleep ${seconds}`, { resources: { seconds: 60 } }), twoBlocks, controller.signal);
    const outcome = running.then(() => 'done', (error: unknown) => error);
    for (let i = 0; i < 300 && processesWith(seconds).length < 2; i++) await sleep(50);
    expect(processesWith(seconds).length).toBeGreaterThanOrEqual(2);
    const began = performance.now();
    controller.abort(new Error('the job was deleted'));
    expect(await outcome).toEqual(new Error('the job was deleted'));
    expect(await untilGone(seconds, 5000)).toEqual([]);
    expect(performance.now() - began).toBeLessThan(5000);
  }, 60_000);

  it.runIf(!isBatch(name) || name === 'slurm+bubblewrap')('ends a program that takes too much memory, and says so', async () => {
    const hungry = `exec perl -e '$_ = "x" x (8 << 20) for @a[0 .. 60]; sleep 9'`;
    const spread = `for i in 1 2 3; do perl -e 'for (@a[0 .. 60]) { $_ = "x" x (2 << 20); select undef, undef, undef, 0.25 }; sleep 9' & done; wait`;
    // By one process at once: the kernel refuses it and the program ends, or it is killed. By several, slowly: the watch ends them.
    const { ended } = await failureOf(open(name).run(programOperator(hungry, { resources: { memory_mib: 96, seconds: 20 } }), twoBlocks, never));
    expect(ended.reason === 'memory' || ended.exitCode !== 0).toBe(true);
    const { ended: second, message } = await failureOf(open(name).run(programOperator(spread, { resources: { memory_mib: 96, seconds: 20 } }), twoBlocks, never));
    expect(second.reason).toBe('memory');
    expect(message).toContain('more than 96 MiB, its limit of memory');
  }, 60_000);

  it.runIf(!isBatch(name))('counts what a run took', async () => {
    const { usage } = await open(name).run(programOperator(`perl -e '$x = "x" x (60 << 20); for (my $i = 0; $i < 6e6; $i++) {}'; ${COPY}`), twoBlocks, never);
    expect(usage.wallSeconds).toBeGreaterThan(0.05);
    expect(usage.cpuSeconds).toBeGreaterThan(0.03);
    expect(usage.peakMemoryBytes).toBeGreaterThan(50 * 2 ** 20);
  }, 30_000);

  it.runIf(isBatch(name))('tells what its job took, as its script has seen it', async () => {
    // Long enough for a look: the script looks twice a second.
    const { usage } = await open(name).run(programOperator(`perl -e '$x = "x" x (60 << 20); for (my $i = 0; $i < 6e6; $i++) {} select undef, undef, undef, 1.5'; ${COPY}`), twoBlocks, never);
    expect(usage.source).toBe('batch job');
    expect(usage.wallSeconds).toBeGreaterThanOrEqual(1);
    expect(usage.cpuSeconds).toBeGreaterThan(0.03);
    expect(usage.peakMemoryBytes).toBeGreaterThan(50 * 2 ** 20);
  }, 60_000);

  it('leaves no files behind', () => {
    expect(readdirSync(scratch)).toEqual([]);
  });
});
