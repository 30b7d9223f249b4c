/** Blocks of different requests that wait for a thread are computed in one run, and have the bits of single runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { createOnnxRuntime, type CountingRuntime, type OnnxRuntimeOptions } from '../../src/operators/runtime/onnx.ts';
import { noise, operatorsDirectory } from './golden.ts';

const registry = await openRegistry(operatorsDirectory);
const pca = registry.resolve('pca');
const bands = pca.manifest.input.bands.length;
const folder = mkdtempSync(join(tmpdir(), 'lamina-batching-'));
/** Computes nothing, but shows what was computed together. */
const telling = new URL('./threads/dying-thread.ts', import.meta.url);

const opened: CountingRuntime[] = [];
const open = (options: Partial<OnnxRuntimeOptions> = {}) => {
  const runtime = createOnnxRuntime({ threads: 1, maxBatch: 4, log: silentLog, ...options });
  opened.push(runtime);
  return runtime;
};
afterEach(() => Promise.all(opened.splice(0).map((runtime) => runtime.close())));
afterAll(() => rmSync(folder, { recursive: true }));

const block = (first: number, edge = 8) => new Float32Array(bands * edge * edge).fill(first);
const run = (runtime: CountingRuntime, first: number, signal?: AbortSignal, operator = pca) => runtime.run(operator, block(first), 8, 8, signal);
/** Which block led the run that a block was in. */
const leaders = async (results: Promise<Float32Array>[]) => (await Promise.all(results)).map((vectors) => vectors[1]);

describe('operators in batches', () => {
  it.each(['pca', 'conv'])('%s gives the bits of single runs', async (name) => {
    const operator = registry.resolve(name);
    const edge = 2 * operator.manifest.patch + 2 * operator.manifest.halo;
    const inputs = Array.from({ length: 23 }, (_, i) => noise(bands * edge * edge, { seed: i, low: 100, high: 4000 }));
    const [single, together] = [open({ maxBatch: 1 }), open({ maxBatch: 4 })];
    const expected = await Promise.all(inputs.map((input) => single.run(operator, input, edge, edge)));
    const vectors = await Promise.all(inputs.map((input) => together.run(operator, input, edge, edge)));
    vectors.forEach((v, i) => expect(Buffer.from(v.buffer).equals(Buffer.from(expected[i]!.buffer)), `block ${i}`).toBe(true));
    expect(single.counts).toEqual({ blocks: 23, runs: 23 });
    // Two go at once, each alone; four are compared with single runs, one more goes alone meanwhile; then four at a time.
    expect(together.counts).toEqual({ blocks: 23, runs: 2 + 4 + 1 + 4 });
  }, 30_000);
});

describe('batching', () => {
  it('waits for no company: an idle thread takes a block at once', async () => {
    const runtime = open({ thread: telling });
    for (const first of [1, 2, 3]) expect(await run(runtime, first)).toMatchObject({ 0: first, 1: first });
    expect(runtime.counts).toEqual({ blocks: 3, runs: 3 });
  });

  it('takes together what waits, of equal operator and shape, as many as the limit', async () => {
    const runtime = open({ thread: telling, maxBatch: 3 });
    const other = { ...pca, digest: 'sha256:other' };
    // 1 and 2 fill the thread's slots; the first batch of three is compared, later ones are not.
    const before = [1, 2, 3, 4, 5].map((first) => run(runtime, first));
    expect(await leaders(before)).toEqual([1, 2, 3, 4, 5]);
    const results = [6, 7].map((first) => run(runtime, first));
    const large = runtime.run(pca, block(8, 16), 16, 16);
    results.push(run(runtime, 9), run(runtime, 10, undefined, other), run(runtime, 11), run(runtime, 12), run(runtime, 13));
    expect(await leaders(results)).toEqual([6, 7, 9, 10, 9, 9, 13]);
    expect((await large)[1]).toBe(8);
  });

  it('switches itself off for an operator whose batches differ', async () => {
    const entries: LogEntry[] = [];
    const runtime = open({ thread: telling, log: createLog((entry) => entries.push(entry)) });
    // −5 makes the comparison fail; its blocks were computed one by one for it.
    expect(await leaders([1, 2, -5, 4, 5, 6].map((first) => run(runtime, first)))).toEqual([1, 2, -5, 4, 5, 6]);
    expect(entries).toMatchObject([{ level: 'warning', message: expect.stringContaining('one by one'), data: { operator: pca.reference, blocks: 4 } }]);
    expect(await leaders([1, 2, 3, 4, 5, 6].map((first) => run(runtime, first)))).toEqual([1, 2, 3, 4, 5, 6]);
    const other = { ...pca, digest: 'sha256:other' };
    await Promise.all([1, 2, 3, 4, 5, 6].map((first) => run(runtime, first, undefined, other)));
    expect(await leaders([1, 2, 3, 4, 5, 6].map((first) => run(runtime, first, undefined, other)))).toEqual([1, 2, 3, 3, 3, 3]);
  });

  it('computes the others when one of a batch is canceled', async () => {
    const runtime = open({ thread: telling });
    await Promise.all([1, 2, 3, 4, 5, 6].map((first) => run(runtime, first)));
    const cancel = new AbortController();
    const first = new AbortController();
    // −3 keeps the thread until it is canceled; 2 lies ready; the rest waits and goes together.
    const holding = run(runtime, -3, first.signal);
    const ready = run(runtime, 2);
    const together = [run(runtime, 3), run(runtime, 4), run(runtime, -3, cancel.signal), run(runtime, 6)];
    const outcomes = Promise.allSettled([holding, ...together]);
    first.abort(new Error('enough'));
    await ready;
    cancel.abort(new Error('changed my mind'));
    expect((await outcomes).map((o) => (o.status === 'fulfilled' ? o.value[0] : (o.reason as Error).message))).toEqual(['enough', 3, 4, 'changed my mind', 6]);
  });

  it('tries blocks one by one when their thread died, and fails only the deadly one', async () => {
    const runtime = open({ thread: telling });
    const results = await Promise.allSettled([1, 2, 3, -1, 5, 6].map((first) => run(runtime, first)));
    expect(results.map((o) => (o.status === 'fulfilled' ? [o.value[0], o.value[1]] : (o.reason as Error).message))).toEqual([
      [1, 1], [2, 2], [3, 3], expect.stringMatching(/its thread died 2 times/), [5, 5], [6, 6],
    ]);
  });

  it('tries blocks one by one when their run failed', async () => {
    const runtime = open({ thread: telling });
    const results = await Promise.allSettled([1, 2, 3, -4, 5, 6].map((first) => run(runtime, first)));
    expect(results.map((o) => (o.status === 'fulfilled' ? o.value[0] : (o.reason as Error).message))).toEqual([1, 2, 3, expect.stringContaining('it does not like it'), 5, 6]);
  });

  it('is off on the CPU unless asked for', async () => {
    const runtime = createOnnxRuntime({ threads: 1, log: silentLog, thread: telling });
    opened.push(runtime);
    await Promise.all([1, 2, 3, 4, 5, 6].map((first) => run(runtime, first)));
    expect(await leaders([1, 2, 3, 4, 5, 6].map((first) => run(runtime, first)))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(runtime.counts).toEqual({ blocks: 12, runs: 12 });
  });
});
