import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import type { Operator, OperatorRuntime } from '../../src/operators/operator.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { createOnnxRuntime, type OnnxRuntimeOptions } from '../../src/operators/runtime/onnx.ts';
import { noise, operatorsDirectory } from './golden.ts';

const registry = await openRegistry(operatorsDirectory);
const pca = registry.resolve('pca');
const bands = pca.manifest.input.bands.length;
const folder = mkdtempSync(join(tmpdir(), 'lamina-runtime-'));
const dying = new URL('./threads/dying-thread.ts', import.meta.url);

const opened: OperatorRuntime[] = [];
const open = (options: Partial<OnnxRuntimeOptions> = {}) => {
  const runtime = createOnnxRuntime({ threads: 1, log: silentLog, ...options });
  opened.push(runtime);
  return runtime;
};
afterEach(() => Promise.all(opened.splice(0).map((runtime) => runtime.close())));
afterAll(() => rmSync(folder, { recursive: true }));

const block = (first: number, edge = 8) => new Float32Array(bands * edge * edge).fill(first);
const run = (runtime: OperatorRuntime, first: number, signal?: AbortSignal, operator: Operator = pca) => runtime.run(operator, block(first), 8, 8, signal);

describe('the ONNX runtime', () => {
  it('runs many blocks at once on two threads, each with its own answer', async () => {
    const runtime = open({ threads: 2 });
    const inputs = Array.from({ length: 24 }, (_, i) => noise(bands * 32 * 32, { seed: i % 8, low: 100, high: 4000 }));
    const vectors = await Promise.all(inputs.map((input) => runtime.run(pca, input, 32, 32)));
    vectors.forEach((v, i) => expect(v, `block ${i}`).toEqual(vectors[i % 8]));
    expect(new Set(vectors.map((v) => v[0])).size).toBe(8);
    expect(vectors[0]!.length).toBe(32 * 4 * 4);
  });

  it('gives results of their own memory, which later runs leave alone', async () => {
    const runtime = open();
    const first = await run(runtime, 500);
    const copy = first.slice();
    await run(runtime, 3000);
    expect(first).toEqual(copy);
    expect(first.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('takes input from shared memory as it takes any other', async () => {
    const runtime = open();
    const shared = new Float32Array(new SharedArrayBuffer(bands * 64 * 4)).fill(800);
    expect(await runtime.run(pca, shared, 8, 8)).toEqual(await run(runtime, 800));
  });

  it('does not block the calling thread', async () => {
    const runtime = open();
    const edge = 1024;
    await run(runtime, 1);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await Promise.all(Array.from({ length: 4 }, () => runtime.run(pca, new Float32Array(bands * edge * edge).fill(900), edge, edge)));
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
  });

  it('serves more operators than it keeps sessions', async () => {
    const runtime = open({ maxSessions: 1 });
    const conv = registry.resolve('conv');
    const edge = conv.manifest.patch + 2 * conv.manifest.halo;
    const large = new Float32Array(bands * edge * edge).fill(1000);
    const [a, b] = [await run(runtime, 1000), await runtime.run(conv, large, edge, edge)];
    expect(await run(runtime, 1000)).toEqual(a);
    expect(await runtime.run(conv, large, edge, edge)).toEqual(b);
  });

  it('refuses blocks that do not fit the geometry of the operator', async () => {
    const runtime = open();
    await expect(runtime.run(pca, block(1), 8, 9)).rejects.toThrow(/takes n·8 \+ 0 rows and columns, not 8 × 9/);
    await expect(runtime.run(pca, block(1), 0, 8)).rejects.toThrow(RangeError);
    await expect(runtime.run(pca, block(1), 16, 8)).rejects.toThrow(/must hold 9 × 16 × 8 samples, it holds 576/);
    await expect(runtime.run(registry.resolve('conv'), block(1), 64, 64)).rejects.toThrow(/n·8 \+ 64/);
  });

  it('reports a model that fails, and goes on', async () => {
    const runtime = open();
    const broken = { ...pca, digest: 'sha256:0', reference: 'broken@sha256:0', folder: async () => join(folder, 'absent') };
    await expect(run(runtime, 1, undefined, broken)).rejects.toThrow(/^operator broken@sha256:0 failed: /);
    expect((await run(runtime, 1)).length).toBe(32);
  });

  it('rejects a thread count that makes no sense', () => {
    expect(() => createOnnxRuntime({ threads: 0, log: silentLog })).toThrow(RangeError);
  });
});

describe('cancelling', () => {
  it('does not start what is cancelled beforehand', async () => {
    await expect(run(open(), 1, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });

  it('lets go of running and waiting work, and the rest is done', async () => {
    const runtime = open({ thread: dying });
    const controllers = Array.from({ length: 4 }, () => new AbortController());
    // The first keeps the thread; the second lies ready in it, the others wait in the queue.
    const cancelled = controllers.map((c) => run(runtime, -3, c.signal));
    const kept = run(runtime, 42);
    controllers.toReversed().forEach((c) => c.abort(new Error('changed my mind')));
    for (const result of cancelled) await expect(result).rejects.toThrow('changed my mind');
    expect((await kept)[0]).toBe(42);
  }, 20_000);
});

describe('a thread that dies', () => {
  const flaky = { ...pca, folder: async () => join(folder, 'second-try') };
  mkdirSync(join(folder, 'second-try'));

  it('is replaced, and the block it was at is tried once more', async () => {
    const entries: LogEntry[] = [];
    const runtime = open({ thread: dying, log: createLog((entry) => entries.push(entry)) });
    const results = await Promise.all([run(runtime, -2, undefined, flaky), run(runtime, 5), run(runtime, 6)]);
    expect(results.map((v) => v[0])).toEqual([-2, 5, 6]);
    expect(entries).toMatchObject([{ level: 'warning', message: 'An inference thread died and is replaced', data: { reason: 'it ended with code 7' } }]);
  });

  it('twice over one block fails that block, and only that', async () => {
    const runtime = open({ thread: dying });
    const deadly = run(runtime, -1);
    const other = run(runtime, 9);
    await expect(deadly).rejects.toThrow(/its thread died 2 times, last because struck by lightning/);
    expect((await other)[0]).toBe(9);
  });
});

describe('closing', () => {
  it('fails what is unfinished, refuses more, and can be done twice', async () => {
    const runtime = open({ threads: 2 });
    const results = Array.from({ length: 12 }, () => runtime.run(pca, block(700, 512), 512, 512));
    const settled = Promise.allSettled(results);
    await runtime.close();
    const outcomes = await settled;
    expect(outcomes.some((o) => o.status === 'rejected' && /was closed/.test(String(o.reason)))).toBe(true);
    await expect(run(runtime, 1)).rejects.toThrow('the operator runtime is closed');
    await runtime.close();
  });

  it('while inference is going on lets the process end cleanly', async () => {
    const script = fileURLToPath(new URL('./threads/close-midway.ts', import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script]);
    expect(stderr).toBe('');
    expect(stdout).toBe('closed\n');
  });
});
