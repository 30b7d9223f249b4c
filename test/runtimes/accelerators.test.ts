/** Operators that want an accelerator, on a Slurm cluster that has two (fake ones) and on one that has none. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RuntimeName } from '../../src/operators/reference.ts';
import { acceleratorDevices } from '../../src/runtimes/devices.ts';
import { openRuntime, toolEnvironmentOf } from '../../src/runtimes/runtimes.ts';
import { whyNot } from './available.ts';
import { COPY, programOperator, removePrograms, twoBlocks } from './operators.ts';
import { noSlurm, startSlurm, type SlurmCluster } from './slurm-cluster.ts';

const never = new AbortController().signal;
const resources = { seconds: 20, memory_mib: 256, gpu: true };
const TELL = `echo "devices=\${CUDA_VISIBLE_DEVICES-none}"; ${COPY}`;
let scratch: string;
beforeAll(async () => void (scratch = await mkdtemp(join(tmpdir(), 'lamina-gpu-'))));
afterAll(async () => {
  removePrograms();
  await rm(scratch, { recursive: true, force: true });
});

const why = noSlurm();
describe.skipIf(why !== null)(`Slurm${why === null ? '' : ` (skipped: ${why})`}`, () => {
  let cluster: SlurmCluster | null = null;
  afterEach(() => cluster?.close(), 30_000);
  const open = async (gpus: number, name: RuntimeName) => {
    cluster = await startSlurm({ gpus });
    return openRuntime(name, { scratch, toolEnvironment: { ...toolEnvironmentOf(process.env), ...cluster.environment } });
  };

  const isolations = (['slurm+containerless', 'slurm+bubblewrap'] as const).filter((name) => whyNot(name) === null);
  it.each(isolations)('%s: the operator sees the one device that its job was given, and others none', async (name) => {
    const runtime = await open(2, name);
    for (const constrained of [false, true]) {
      const done = await runtime.run(programOperator(TELL, { resources: { ...resources, accelerator_constrained: constrained } }), twoBlocks, never);
      expect(done.output).toMatch(/^devices=[01]$/m);
      expect([...done.vectors[0]!]).toEqual([...twoBlocks.inputs[0]!]);
    }
    const without = await runtime.run(programOperator(TELL, { resources: { ...resources, gpu: false } }), twoBlocks, never);
    expect(without.output).toMatch(/^devices=(none|NoDevFiles)?$/m);
  }, 60_000);

  it('a cluster without any runs what can do without, says so, and refuses the rest', async () => {
    const runtime = await open(0, 'slurm+containerless');
    const done = await runtime.run(programOperator(TELL, { resources }), twoBlocks, never);
    expect(done.output).toMatch(/^The batch system gives no accelerator .*computed on the processor\.\ndevices=none$/);
    expect([...done.vectors[1]!]).toEqual([...twoBlocks.inputs[1]!]);
    const refused = runtime.run(programOperator(TELL, { resources: { ...resources, accelerator_constrained: true } }), twoBlocks, never);
    await expect(refused).rejects.toMatchObject({ code: 'NoAccelerator', status: 503, message: expect.stringMatching(/program:1\.0\.0.*batch system gives none: sbatch failed/) as unknown });
  }, 60_000);
});

describe('programs on a machine without a GPU', () => {
  const names = (['containerless', 'bubblewrap', 'podman'] as const).filter((name) => whyNot(name) === null);
  it.skipIf(acceleratorDevices().length > 0).each(names)('%s runs what can do without', async (name) => {
    const done = await openRuntime(name, { scratch }).run(programOperator(TELL, { resources }), twoBlocks, never);
    expect(done.output).toBe('devices=none');
  }, 60_000);
});
