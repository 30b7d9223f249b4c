/** What a user has chosen for his jobs of Slurm is what Slurm says of them. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBatchRules } from '../../src/operators/batch-options.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { readJobOptions, runAs } from '../../src/operators/runtime-choice.ts';
import { openRuntime, toolEnvironmentOf } from '../../src/runtimes/runtimes.ts';
import { COPY, programOperator, removePrograms, twoBlocks } from './operators.ts';
import { noSlurm, startSlurm, type SlurmCluster } from './slurm-cluster.ts';

const missing = noSlurm();
describe('a job of Slurm', () => {
  if (missing !== null) {
    it.skip(`skipped: ${missing}`, () => {});
    return;
  }
  let cluster: SlurmCluster;
  let scratch: string;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'lamina-runs-'));
    cluster = await startSlurm({ gpus: 1 });
  }, 60_000);
  afterAll(async () => {
    removePrograms();
    await cluster.close();
    await rm(scratch, { recursive: true, force: true });
  }, 30_000);

  /** Runs the operator and gives what scontrol says of its job. */
  async function jobOf(operator: Operator): Promise<string> {
    const runtime = openRuntime('slurm+containerless', { scratch, batch: { partition: 'low' }, toolEnvironment: { ...toolEnvironmentOf(process.env), ...cluster.environment } });
    const { vectors } = await runtime.run(operator, twoBlocks, new AbortController().signal);
    expect(vectors).toEqual(twoBlocks.inputs);
    const jobs = execFileSync('scontrol', ['show', 'job', '--oneliner'], { env: { ...process.env, ...cluster.environment }, encoding: 'utf8' }).trim().split('\n');
    return jobs.toSorted((a, b) => idOf(a) - idOf(b)).at(-1)!;
  }
  const idOf = (line: string) => Number(/JobId=(\d+)/.exec(line)?.[1]);

  it('has the options of the service where nobody says otherwise', async () => {
    const job = await jobOf(programOperator(COPY));
    expect(job).toContain(' Partition=low ');
    expect(job).toContain(' TimeLimit=00:02:00 ');
  }, 60_000);

  it('has partition, account, time, resources and flags that its user chose', async () => {
    const rules = { runtimes: ['slurm+containerless'], batch: parseBatchRules('partition=high; account=e2s; gres=gpu:*; time=1:00:00; extra=--nice=*,--comment=*') } as const;
    const choice = readJobOptions({ runtime: 'slurm+containerless', slurm: { partition: 'high', account: 'e2s', time: '17', gres: 'gpu:fake:1', extra: ['--nice=42', '--comment=tile-7'] } }, rules);
    const job = await jobOf(runAs(programOperator(COPY), choice));
    for (const words of [' Partition=high ', ' Account=e2s ', ' TimeLimit=00:17:00 ', ' Nice=42 ', ' Comment=tile-7 ', 'gpu:fake:1']) expect(job).toContain(words);
  }, 60_000);
});
