import { describe, expect, it } from 'vitest';
import { OpenEOError } from '../../src/errors.ts';
import type { LogEntry } from '../../src/log.ts';
import type { Operator, OperatorRuntime } from '../../src/operators/operator.ts';
import type { RuntimeName } from '../../src/operators/reference.ts';
import { containerless } from '../../src/runtimes/containerless.ts';
import { createOperatorRuntime } from '../../src/runtimes/operator-runtime.ts';
import type { Blocks, ProcessRuntime } from '../../src/runtimes/process-runtime.ts';
import { RuntimeUnavailable } from '../../src/runtimes/program.ts';
import { pixelManifest } from './operators.ts';

const usage = { wallSeconds: 0, cpuSeconds: 0, peakMemoryBytes: 0, source: 'sampled' as const };

function operatorOf(runtime: string, kind: 'exec' | 'onnx' = 'exec'): Operator {
  const what = kind === 'exec' ? { kind, command: ['x'], files: {} } : { kind, model: { file: 'm.onnx', sha256: '', opset: 17, input: 'a', output: 'b' } };
  return { manifest: { ...pixelManifest('program'), ...what }, digest: `sha256:${kind}`, reference: 'program', runtime, params: {}, folder: async () => '/nowhere' };
}

/** A runtime in which vectors are the doubled pixels, computed by `compute`, one run at a time released by the test. */
function doubling(compute: (blocks: Blocks) => Float32Array[] = ({ inputs }) => inputs.map((input) => input.map((value) => value * 2))) {
  const runs: number[][] = [];
  const gates: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const runtime: ProcessRuntime = {
    name: 'bubblewrap', isolation: containerless,
    async run(_operator, blocks, signal) {
      runs.push(blocks.inputs.map((input) => input[0]!));
      signals.push(signal);
      const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      await Promise.race([new Promise<void>((open) => void gates.push(open)), aborted]);
      return { vectors: compute(blocks), usage, output: '' };
    },
  };
  return { runtime, runs, signals, release: async () => { await tick(); gates.shift()!(); await tick(); } };
}

const tick = () => new Promise<void>((done) => void setTimeout(done, 5));
const onnx = (): OperatorRuntime & { ran: number } => ({ ran: 0, async run() { this.ran++; return Float32Array.of(7); }, close: async () => {} });

function open(runtime: ProcessRuntime, allowed: readonly RuntimeName[] = ['onnx', 'bubblewrap'], concurrency = 1) {
  const entries: string[] = [];
  const log = { error: () => {}, warning: (message: string) => void entries.push(message), info: () => {}, debug: () => {} } as never as Parameters<typeof createOperatorRuntime>[0]['log'] & LogEntry;
  const threads = onnx();
  return { threads, entries, opened: createOperatorRuntime({ onnx: threads, runtimes: () => runtime, allowed, concurrency, log }) };
}

const block = (value: number) => Float32Array.of(value);
const run = (opened: OperatorRuntime, value: number, operator = operatorOf('bubblewrap'), signal?: AbortSignal) => opened.run(operator, block(value), 1, 1, signal);

describe('where operators run', () => {
  it('is the threads for models, and a program for everything else', async () => {
    const { runtime, release, runs } = doubling();
    const { opened, threads } = open(runtime);
    expect(await run(opened, 1, operatorOf('onnx', 'onnx'))).toEqual(Float32Array.of(7));
    const program = run(opened, 4);
    await release();
    expect(await program).toEqual(Float32Array.of(8));
    expect([threads.ran, runs]).toEqual([1, [[4]]]);
  });

  it('is nowhere for a runtime that the service does not allow, nor for a program in the service itself', async () => {
    const { opened, threads } = open(doubling().runtime, ['onnx', 'podman']);
    await expect(run(opened, 1)).rejects.toMatchObject({ code: 'OperatorRuntimeUnavailable', status: 400, message: expect.stringContaining("does not run operators in 'bubblewrap'; it runs them in onnx, podman") });
    await expect(run(opened, 1, operatorOf('onnx', 'exec'))).rejects.toMatchObject({ code: 'OperatorRuntimeUnavailable', message: expect.stringContaining('only ONNX models') });
    await expect(run(opened, 1, operatorOf('slurm+containerless', 'onnx'))).rejects.toThrow(OpenEOError);
    expect(threads.ran).toBe(0);
  });

  it('says why a runtime does not work on this machine', async () => {
    const { opened } = open({ ...doubling().runtime, run: () => Promise.reject(new RuntimeUnavailable('bwrap is not installed')) });
    await expect(run(opened, 1)).rejects.toMatchObject({ code: 'OperatorRuntimeUnavailable', message: "The operator 'program:1.0.0' can't run here: bwrap is not installed." });
  });

  it('refuses blocks that the geometry does not allow', async () => {
    const { opened } = open(doubling().runtime);
    await expect(opened.run(operatorOf('bubblewrap'), block(1), 1, 2)).rejects.toThrow('must hold 2 samples');
    await expect(opened.run(operatorOf('bubblewrap'), block(1), 0, 1)).rejects.toThrow('rows and columns');
  });
});

describe('blocks that wait for a program', () => {
  it('go together, and the first time one of them alone as well', async () => {
    const { runtime, release, runs } = doubling();
    const { opened } = open(runtime);
    const all = [1, 2, 3, 4].map((value) => run(opened, value));
    for (let i = 0; i < 3; i++) await release();
    expect(await Promise.all(all)).toEqual([2, 4, 6, 8].map(block));
    // The first went off at once; the others waited for it. [2] compares.
    expect(runs).toEqual([[1], [2, 3, 4], [2]]);
    const later = [5, 6, 7].map((value) => run(opened, value));
    for (let i = 0; i < 2; i++) await release();
    await Promise.all(later);
    expect(runs.slice(3)).toEqual([[5], [6, 7]]);
  });

  it('go one by one where the operator gives other bits for several', async () => {
    const { runtime, release, runs } = doubling(({ inputs }) => inputs.map((input) => input.map((value) => value * 2 + (inputs.length > 1 ? 1e-3 : 0))));
    const { opened, entries } = open(runtime);
    const all = [1, 2, 3].map((value) => run(opened, value));
    for (let i = 0; i < 4; i++) await release();
    expect(await Promise.all(all)).toEqual([2, 4, 6].map(block));
    expect(entries).toEqual([expect.stringContaining('one by one')]);
    const later = [4, 5, 6].map((value) => run(opened, value));
    for (let i = 0; i < 3; i++) await release();
    await Promise.all(later);
    expect(runs.slice(-3)).toEqual([[4], [5], [6]]);
  });

  it('are tried one by one after they failed together, so that one bad block fails alone', async () => {
    const { runtime, release } = doubling(({ inputs }) => {
      if (inputs.some((input) => input[0] === 2)) throw new Error('two is bad');
      return inputs.map((input) => input.map((value) => value * 2));
    });
    const { opened } = open(runtime);
    const all = [1, 2, 3].map((value) => run(opened, value).catch((error: Error) => error.message));
    for (let i = 0; i < 4; i++) await release();
    expect(await Promise.all(all)).toEqual([block(2), 'two is bad', block(6)]);
  });

  it('are stopped when nobody waits for any of them', async () => {
    const { runtime, signals, release } = doubling();
    const { opened } = open(runtime);
    const controllers = [new AbortController(), new AbortController(), new AbortController()];
    const all = controllers.map(({ signal }, i) => run(opened, i, operatorOf('bubblewrap'), signal).catch((error: Error) => error.message));
    await release();
    controllers[1]!.abort(new Error('first left'));
    await tick();
    expect(signals[1]!.aborted).toBe(false);
    controllers[2]!.abort(new Error('second left'));
    expect(await Promise.all(all)).toEqual([block(0), 'first left', 'second left']);
    expect(signals[1]!.aborted).toBe(true);
  });

  it('fail when the runtime is closed', async () => {
    const { runtime } = doubling();
    const { opened } = open(runtime);
    const all = [1, 2].map((value) => run(opened, value).catch((error: Error) => error.message));
    await tick();
    await opened.close();
    expect(await Promise.all(all)).toEqual(Array.from({ length: 2 }, () => 'the operator runtime was closed'));
    await expect(run(opened, 3)).rejects.toThrow('closed');
  });
});
