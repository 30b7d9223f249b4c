/** G12: D3.1 names Slurm and PBS as targets; the published compiler makes files for Kubernetes only. Here the same call is a job. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { openBench, type Bench } from '../runtimes/command-line.ts';
import { whyNot } from '../runtimes/available.ts';
import { noSlurm, startSlurm, type SlurmCluster } from '../runtimes/slurm-cluster.ts';

describe('an operator as a job', () => {
  const missing = noSlurm();
  if (missing !== null) {
    it.skip(`skipped: ${missing}`, () => {});
    return;
  }
  let cluster: SlurmCluster;
  let bench: Bench;
  let scene: string;
  beforeAll(async () => {
    cluster = await startSlurm();
    bench = openBench(cluster.environment);
    scene = await bench.scene((await openRegistry('operators')).resolve('pca').manifest.input.bands.map(({ name }) => name), 64);
  }, 60_000);
  afterAll(async () => {
    bench.close();
    await cluster.close();
  }, 30_000);

  const bytesOf = async (reference: string, ...more: string[]) => {
    const path = join(bench.folder, 'out.tif');
    const { code, output } = await bench.run(reference, '--input', scene, '--output', path, '--scratch', join(bench.folder, 'shared'), ...more);
    expect(code, output).toBe(0);
    return readFileSync(path);
  };

  it.each(['slurm+containerless', 'slurm+podman', 'pbs+containerless'] as const)('%s gives the same file as the worker itself', async (runtime) => {
    const reason = whyNot(runtime);
    if (reason !== null) return console.info(`skipped: ${reason}`);
    const own = await bytesOf('pca:latest');
    expect((await bytesOf(`${runtime}/pca:latest`)).equals(own)).toBe(true);
  }, 120_000);

  it('goes where its options say, and refuses options that could start something', async () => {
    await bytesOf('slurm+containerless/pca', '--batch', 'partition=high');
    const refused = await bench.run('slurm+containerless/pca', '--input', scene, '--output', join(bench.folder, 'x.tif'), '--batch', 'prolog=/tmp/x');
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining("'prolog' is no option of batch jobs; there are partition, account") });
    const nowhere = await bench.run('slurm+containerless/pca', '--input', scene, '--output', join(bench.folder, 'x.tif'), '--batch', 'partition=nowhere');
    expect(nowhere).toMatchObject({ code: 1, output: expect.stringMatching(/sbatch failed: .*invalid partition/i) });
  }, 120_000);

  it('gives its exit code to the command line', async () => {
    const operator = bench.operator('exit 7');
    expect(await bench.run(operator, '--runtime', 'slurm+containerless', '--input', await bench.scene(), '--output', join(bench.folder, 'y.tif'))).toMatchObject({ code: 7 });
  }, 120_000);
});
