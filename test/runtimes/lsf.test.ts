/** The driver for LSF against stand-ins of its commands (lsf-double.ts): the calls that it makes, and what it makes of the answers. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OperatorFailed } from '../../src/runtimes/process-runtime.ts';
import { RuntimeUnavailable } from '../../src/runtimes/program.ts';
import { openRuntime, toolEnvironmentOf } from '../../src/runtimes/runtimes.ts';
import { whyNot } from './available.ts';
import { startLsfDouble, type LsfDouble } from './lsf-double.ts';
import { COPY, programOperator, removePrograms, twoBlocks } from './operators.ts';

let double: LsfDouble;
let scratch: string;
beforeAll(async () => {
  double = startLsfDouble();
  scratch = await mkdtemp(join(tmpdir(), 'lamina-runs-'));
});
afterEach(() => double.refuse(null));
afterAll(async () => {
  removePrograms();
  double.close();
  await rm(scratch, { recursive: true, force: true });
});

const open = (name: 'lsf+containerless' | 'lsf+bubblewrap' = 'lsf+containerless') => openRuntime(name, { scratch, batch: { partition: 'gpuq', account: 'e2s' }, toolEnvironment: { ...toolEnvironmentOf(process.env), ...double.environment } });
const never = new AbortController().signal;

describe('a job of LSF', () => {
  it('has limits, queue and project, and neither variables nor parameters where others see them', async () => {
    const { vectors, usage } = await open().run(programOperator(`[ "$word" = 'two  "words" $(x)' ] || exit 4; ${COPY}`, { params: { word: 'two  "words" $(x)' }, resources: { seconds: 90, memory_mib: 512 } }), twoBlocks, never);
    expect(vectors).toEqual(twoBlocks.inputs);
    expect(usage.source).toBe('batch job');
    const { words, script } = double.jobs().at(-1)!;
    const flag = (name: string) => words[words.indexOf(name) + 1];
    expect([flag('-W'), flag('-M'), flag('-q'), flag('-P'), flag('-n'), flag('-env'), flag('-o')]).toEqual(['3', '704MB', 'gpuq', 'e2s', '1', 'none', '/dev/null']);
    expect(words).toContain('-rn');
    expect(words).not.toContain('-gpu');
    expect(script.split('\n')).toHaveLength(3);
    expect([...words, script].join(' ')).not.toContain('words');
  }, 30_000);

  it('can be a sandbox at its node', async () => {
    const missing = whyNot('bubblewrap');
    if (missing !== null) return console.info(`skipped: ${missing}`);
    expect((await open('lsf+bubblewrap').run(programOperator(COPY), twoBlocks, never)).vectors).toEqual(twoBlocks.inputs);
  }, 30_000);

  it('that fails tells its exit code and its last words', async () => {
    const error = await open().run(programOperator('echo no weights; exit 9'), twoBlocks, never).catch((reason: unknown) => reason as OperatorFailed);
    expect(error).toBeInstanceOf(OperatorFailed);
    expect((error as OperatorFailed).ended).toMatchObject({ reason: 'exit', exitCode: 9, output: 'no weights' });
  }, 30_000);

  it.each([['TERM_RUNLIMIT: job killed after reaching LSF run time limit', 'time'], ['TERM_MEMLIMIT: job killed after reaching LSF memory usage limit', 'memory'], ['', 'exit']] as const)('that LSF ends (%s) is said to have been ended so', async (text, reason) => {
    double.reason(text);
    // The script can't say anything any more.
    const error = await open().run(programOperator('kill -KILL $PPID $(ps -o ppid= -p $PPID)'), twoBlocks, never).catch((failure: unknown) => failure as OperatorFailed);
    expect((error as OperatorFailed).ended).toMatchObject({ reason, exitCode: null });
  }, 30_000);

  it('is ended by bkill, with all that it started', async () => {
    const seconds = String(70_000 + (process.pid % 9000));
    const sleepers = () => spawnSync('pgrep', ['-fx', `sleep ${seconds}`], { encoding: 'utf8' }).stdout.split('\n').filter((pid) => pid !== '');
    const controller = new AbortController();
    const running = open().run(programOperator(`sleep ${seconds} & sleep ${seconds}`), twoBlocks, controller.signal).catch((error: unknown) => error);
    for (let i = 0; i < 200 && sleepers().length < 2; i++) await sleep(50);
    expect(sleepers()).toHaveLength(2);
    controller.abort(new Error('canceled'));
    expect(await running).toEqual(new Error('canceled'));
    for (let i = 0; i < 100 && sleepers().length > 0; i++) await sleep(50);
    expect(sleepers()).toEqual([]);
  }, 30_000);

  it('that is refused, and an LSF that is not there, are no fault of the operator', async () => {
    double.refuse('gpuq: No such queue. Job not submitted.');
    const refused = await open().run(programOperator(COPY), twoBlocks, never).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RuntimeUnavailable);
    expect((refused as Error).message).toContain('bsub failed: gpuq: No such queue');
    const without = openRuntime('lsf+containerless', { scratch, toolEnvironment: { PATH: '/usr/bin:/bin' } });
    await expect(without.run(programOperator(COPY), twoBlocks, never)).rejects.toThrow('bsub is not installed');
  }, 30_000);
});
