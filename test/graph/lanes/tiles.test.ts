/** Blocks of every shape go through the scratch memory in tiles, in threads as well, and memory stays what it was. */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { allocate, type DType } from '../../../src/cube/dtype.ts';
import type { Kernel, KernelData } from '../../../src/graph/kernel.ts';
import { layOut, SCRATCH_PAGES } from '../../../src/graph/lanes/layout.ts';
import { isForLanes } from '../../../src/graph/lanes/lane-run.ts';
import { encodeProgram } from '../../../src/graph/lanes/program.ts';
import { callbackFrom } from '../kernels.ts';

const labels = (length: number) => Array.from({ length }, (_, i) => i);

function reducer(process_id: string, dtype: DType, length: number, args: object = {}): Kernel {
  return callbackFrom({ v: { process_id, arguments: { data: { from_parameter: 'data' }, ...args }, result: true } }, ['data'])
    .compile([{ name: 'data', kind: 'array', dtype, labels: labels(length) }]);
}

function block(dtype: DType, length: number, isNull: (i: number) => boolean): KernelData {
  const data = allocate(dtype, length).map((_: number, i: number) => (Math.imul(i, 2654435761) >>> 20) % 200) as KernelData['data'];
  return { data, nulls: Uint8Array.from({ length }, (_, i) => Number(isNull(i))) };
}

/** The same by the JavaScript loop: rows are cut so short that they are no work for lanes. */
function byScript(kernel: Kernel, { data, nulls }: KernelData, outer: number, inner: number, length: number): (number | null)[] {
  const out: (number | null)[] = [];
  const elements = kernel.length ?? 1;
  for (let o = 0; o < outer; o++) {
    for (let from = 0; from < inner; from += 60) {
      const n = Math.min(60, inner - from);
      const cut = <T extends KernelData['data'] | Uint8Array>(rows: T) => rows.constructor.prototype.constructor.from(
        labels(length * n).map((at) => rows[(o * length + Math.floor(at / n)) * inner + from + at % n]!)) as T;
      const part = kernel.run([{ data: cut(data), nulls: nulls && cut(nulls) }], 1, n);
      for (let k = 0; k < elements; k++) {
        for (let i = 0; i < n; i++) out[(o * elements + k) * inner + from + i] = part.nulls?.[k * n + i] ? null : part.data[k * n + i]!;
      }
    }
  }
  return out;
}

const asValues = ({ data, nulls }: KernelData) => Array.from(data, (v, i) => (nulls?.[i] ? null : v));

describe('tiles', () => {
  it.each([[1, 9_001], [3, 4_099], [40, 67], [2, 12_288], [700, 64]])('cover %i × %i cells', (outer, inner) => {
    expect(isForLanes(outer, inner)).toBe(true);
    for (const [process, args] of [['mean', {}], ['quantiles', { probabilities: [0.2, 0.5] }], ['max', { ignore_nodata: false }]] as const) {
      const kernel = reducer(process, 'uint8', 5, args);
      expect(kernel.lanes).toBeDefined();
      const given = block('uint8', outer * 5 * inner, (i) => i % 3 === 0 || i % 5 === 0);
      expect(asValues(kernel.run([given], outer, inner))).toEqual(byScript(kernel, given, outer, inner, 5));
    }
  });

  it('without no-data among tiles that have some give no flags', () => {
    const kernel = reducer('max', 'int16', 3);
    const given = block('int16', 3 * 50_000, (i) => i % 50_000 > 30_000 && i % 50_000 < 30_100);
    const result = kernel.run([given], 1, 50_000);
    expect(result.nulls!.findIndex((flag) => flag === 1)).toBe(30_001);
    expect(result.nulls!.reduce((a, b) => a + b, 0)).toBe(99);
    expect(kernel.run([{ data: given.data, nulls: new Uint8Array(given.data.length) }], 1, 50_000).nulls).toBeNull();
  });

  it('do not see what another kernel left beyond their last cell', () => {
    const all = reducer('mean', 'float32', 2);
    all.run([{ data: new Float32Array(2 * 4096), nulls: new Uint8Array(2 * 4096).fill(1) }], 1, 4096);
    const result = reducer('mean', 'float32', 2).run([{ data: new Float32Array(2 * 2049).fill(NaN), nulls: Uint8Array.from({ length: 2 * 2049 }, (_, i) => Number(i === 0)) }], 1, 2049);
    expect(result.nulls).toBeNull();
    expect(result.data.every(Number.isNaN)).toBe(true);
  });
});

describe('scratch memory', () => {
  it('holds the tile of every layout', () => {
    for (const length of [1, 12, 400, 3000]) {
      for (const dtype of ['uint8', 'float32', 'float64'] as const) {
        const layout = layOut({ inputs: [{ dtype, length }], output: { dtype, length: 1 } });
        if (layout) expect(layout.outFlagBase + layout.cells).toBeLessThanOrEqual(SCRATCH_PAGES << 16);
        else expect(length).toBe(3000);
      }
    }
  });

  it('is not used for very long series, whose code would be too long: those stay JavaScript', () => {
    expect(reducer('sum', 'float64', 3000).lanes).toBeUndefined();
    const kernel = reducer('sd', 'float64', 1000);
    expect(encodeProgram(kernel.lanes!)).toBeNull();
    const data = new Float64Array(1000 * 2048).fill(2);
    expect(kernel.run([{ data, nulls: null }], 1, 2048).data.every((v) => v === 0)).toBe(true);
  });

  it('does not grow over many blocks and kernels', () => {
    const before = process.memoryUsage().rss;
    const data = new Float32Array(20 * 4096).fill(1);
    for (let round = 0; round < 40; round++) {
      for (let length = 1; length <= 20; length++) {
        expect(reducer('median', 'float32', length).run([{ data: data.subarray(0, length * 4096), nulls: null }], 1, 4096).data[4095]).toBe(1);
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });
});

it('works in threads, each with its own memory, at once', async () => {
  const threads = [1, 2].map((value) => new Promise<{ sum: number; ms: number }>((resolve, reject) => {
    const worker = new Worker(new URL('lane-thread.ts', import.meta.url), { workerData: { value } });
    worker.once('message', resolve);
    worker.once('error', reject);
  }));
  const results = await Promise.all(threads);
  expect(results.map((r) => r.sum)).toEqual([10_000 * 3, 10_000 * 6]);
  // Writing, compiling and running the first module of a thread.
  for (const { ms } of results) expect(ms).toBeLessThan(5000);
});
