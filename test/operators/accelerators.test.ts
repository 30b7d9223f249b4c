import { expect, it, describe } from 'vitest';
import { acceleratorHost, checkAccelerator, needsOwnAccelerator, processorWarning, refusingWithoutAccelerator, whyNoAccelerator } from '../../src/operators/accelerators.ts';
import type { OperatorManifest, OperatorResources } from '../../src/operators/operator.ts';
import { manifestProblems } from '../../src/operators/manifest.ts';
import { operatorProperties } from '../../src/operators/registry/stac-item.ts';
import { workingProviders } from '../../src/operators/runtime/providers.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import { manifest, operator } from '../layers/fixtures.ts';

const [none, threads, programs] = [{ threads: false, programs: false }, { threads: true, programs: false }, { threads: false, programs: true }];
const wanting = (resources: OperatorResources, runtime = 'onnx', kind: OperatorManifest['kind'] = runtime === 'onnx' ? 'onnx' : 'exec') => ({ ...operator, runtime, manifest: { ...manifest, kind, resources } as OperatorManifest });
const [unconstrained, constrained] = [{ gpu: true }, { gpu: true, accelerator_constrained: true }];

describe('who gives an operator its accelerator', () => {
  it.each([['onnx', 'onnx', 'threads'], ['bubblewrap', 'onnx', null], ['slurm+bubblewrap', 'onnx', null], ['bubblewrap', 'exec', 'programs'], ['podman', 'image', 'programs'], ['slurm+podman', 'image', 'batch'], ['pbs+containerless', 'exec', 'batch']] as const)('in %s, of the kind %s: %s', (runtime, kind, host) => {
    expect(acceleratorHost(wanting({}, runtime, kind))).toBe(host);
  });
});

describe('an operator that needs an accelerator', () => {
  it.each([
    ['onnx', none, /no worker has an execution provider that works beside the processor/],
    ['onnx', programs, /no worker has an execution provider/],
    ['onnx', threads, null],
    ['bubblewrap', threads, /no worker has a device for 'bubblewrap'/],
    ['bubblewrap', programs, null],
    ['slurm+podman', none, null],
    ['onnx', null, null],
  ] as const)('in %s with %j', (runtime, there, reason) => {
    const called = wanting(constrained, runtime);
    if (reason === null) expect(() => checkAccelerator(called, there)).not.toThrow();
    else expect(() => checkAccelerator(called, there)).toThrow(expect.objectContaining({ code: 'NoAccelerator', status: 503, message: expect.stringMatching(new RegExp(`'toy:1\\.0\\.0' runs on an accelerator.*${reason.source}.*Ask whoever runs the service`)) as unknown }));
  });

  it('has a lane of its own unless a batch system gives it one', () => {
    expect([['onnx', constrained], ['onnx', unconstrained], ['onnx', {}], ['bubblewrap', constrained], ['slurm+bubblewrap', constrained]].map(([runtime, resources]) => needsOwnAccelerator(wanting(resources as OperatorResources, runtime as string)))).toEqual([true, false, false, true, false]);
  });

  it('can not be a model that is run as a program', () => {
    expect(whyNoAccelerator(wanting(constrained, 'bubblewrap', 'onnx'), { threads: true, programs: true })).toMatch(/in 'bubblewrap' models are run by the processor; only in 'onnx'/);
  });

  it('is not begun by a worker without', async () => {
    const runtime = { runs: 0, async run() { this.runs++; return new Float32Array(1); }, close: async () => {} };
    const guarded = refusingWithoutAccelerator(runtime, none);
    await expect(guarded.run(wanting(constrained), new Float32Array(1), 1, 1)).rejects.toMatchObject({ code: 'NoAccelerator' });
    expect(await guarded.run(wanting(unconstrained), new Float32Array(1), 1, 1)).toEqual(new Float32Array(1));
    expect(runtime.runs).toBe(1);
  });
});

it('an operator that can do without is computed with a warning where there is none', () => {
  expect(processorWarning(wanting(unconstrained), none)).toMatch(/'toy:1\.0\.0' is made for an accelerator .* computed on the processor: no worker/);
  expect([processorWarning(wanting(unconstrained), threads), processorWarning(wanting({}), none)]).toEqual([null, null]);
});

describe('what the manifest says', () => {
  it('is what MLM says', () => {
    const said = (resources: OperatorResources) => {
      const properties = operatorProperties({ manifest: { ...manifest, resources }, version: '1.0.0', digest: 'sha256:0', published: '2026-01-01T00:00:00Z' } as never);
      return [properties['mlm:accelerator'], properties['mlm:accelerator_constrained']];
    };
    expect([said({}), said(unconstrained), said(constrained)]).toEqual([[null, false], ['cuda', false], ['cuda', true]]);
  });

  it('is not that an operator needs what it does not use', () => {
    expect(manifestProblems({ ...manifest, model: { ...manifest.kind === 'onnx' ? manifest.model : {}, sha256: '0'.repeat(64) }, resources: { accelerator_constrained: true } })).toContain('resources.accelerator_constrained goes with resources.gpu: true only');
  });
});

describe('execution providers', () => {
  it('are used when they work; what does not is a warning, and the processor is always left', async () => {
    const entries: LogEntry[] = [];
    expect(await workingProviders(['sorcery', 'cpu'], createLog((entry) => entries.push(entry)))).toEqual(['cpu']);
    expect(await workingProviders(['sorcery'], silentLog)).toEqual(['cpu']);
    expect(entries).toMatchObject([{ level: 'warning', message: "The execution provider 'sorcery' does not work here: operators run without it.", data: { reason: expect.stringMatching(/\w+/) as unknown } }]);
  });
});
