/**
 * Embedding blocks through the operator runtime against bare ONNX sessions on as many threads.
 * `node bench/inference.ts` prints medians, spread and ratios; contenders alternate, and their vectors must
 * be bit-equal. Blocks have the size that layers compute in: 32 × 32 patches and the operator's halo.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { silentLog } from '../src/log.ts';
import type { Operator } from '../src/operators/operator.ts';
import { openRegistry } from '../src/operators/registry/installed.ts';
import { modelOf } from '../src/operators/runtime/model.ts';
import { createOnnxRuntime } from '../src/operators/runtime/onnx.ts';
import type { RawTask } from './raw-session-thread.ts';

const PATCHES = 32;
const BLOCKS = 48;
const ROUNDS = 7;
const operators = join(import.meta.dirname, '../operators');

interface Contender {
  /** Embeds BLOCKS blocks; gives the vectors of the last. */
  readonly run: () => Promise<Float32Array>;
  readonly close: () => Promise<unknown>;
}

/** Pixels like those of a scene: slow waves under noise. Time does not depend on them. */
function pixels(length: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1500 + 900 * Math.sin(i / 900) + state / 2 ** 24;
  });
}

/** Bare sessions, one per thread, each looping over the same block in its own memory: what the cores can do. */
async function rawSessions(operator: Operator, input: Float32Array, edge: number, threads: number): Promise<Contender> {
  const model = await modelOf(operator);
  const { output } = operator.manifest;
  const task: RawTask = {
    path: model.path, input: model.input, output: model.output, data: input,
    inputShape: [1, operator.manifest.input.bands.length, edge, edge], outputShape: [1, output.dimensions, PATCHES, PATCHES],
  };
  const workers = Array.from({ length: threads }, () => new Worker(new URL('./raw-session-thread.ts', import.meta.url), { workerData: task }));
  const ask = (worker: Worker, times: number) => new Promise<Float32Array>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
    worker.postMessage(times);
  });
  return {
    run: async () => (await Promise.all(workers.map((worker) => ask(worker, BLOCKS / threads))))[0]!,
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

function runtimeOf(operator: Operator, input: Float32Array, edge: number, threads: number): Contender {
  const runtime = createOnnxRuntime({ threads, log: silentLog });
  return {
    run: async () => (await Promise.all(Array.from({ length: BLOCKS }, () => runtime.run(operator, input, edge, edge)))).at(-1)!,
    close: () => runtime.close(),
  };
}

function summary(times: readonly number[]): { median: number; low: number; high: number } {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, low: sorted[0]!, high: sorted.at(-1)! };
}

/** Median milliseconds of each contender, after one round that is not counted and in which the vectors are compared. */
async function measure(contenders: Readonly<Record<string, Contender>>, megapixels: number): Promise<Record<string, number>> {
  const first = await Promise.all(Object.values(contenders).map((contender) => contender.run()));
  if (first.some((vectors) => Buffer.compare(bytes(vectors), bytes(first[0]!)) !== 0)) throw new Error('the contenders disagree about the vectors');
  const times: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const start = performance.now();
      await contender.run();
      (times[name] ??= []).push(performance.now() - start);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => {
    const { median, low, high } = summary(list);
    console.log(`${name.padEnd(26)} ${median.toFixed(0).padStart(6)} ms (${low.toFixed(0)}–${high.toFixed(0)})  ${((megapixels / median) * 1000).toFixed(2)} Mpx/s`);
    return [name, median];
  }));
}

function bytes(vectors: Float32Array): Uint8Array {
  return new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
}

export interface InferenceRatios {
  /** Speed of the runtime relative to bare sessions on as many threads; 1 = as fast. */
  readonly oneThread: number;
  readonly twoThreads: number;
  /** Speed of the runtime with two threads relative to itself with one. */
  readonly scaling: number;
}

/** Runs the benchmark for each operator. */
export async function benchInference(): Promise<Record<string, InferenceRatios>> {
  const ratios: Record<string, InferenceRatios> = {};
  for (const operator of (await openRegistry(operators)).list()) {
    const { name, patch, halo, input: { bands } } = operator.manifest;
    const edge = PATCHES * patch + 2 * halo;
    const input = pixels(bands.length * edge * edge);
    const megapixels = (BLOCKS * (PATCHES * patch) ** 2) / 1e6;
    console.log(`\n${name}: ${BLOCKS} blocks of ${PATCHES} × ${PATCHES} patches (${edge} × ${edge} pixels with halo), ${ROUNDS} rounds; Mpx without halo`);
    const contenders = {
      'bare session': await rawSessions(operator, input, edge, 1),
      runtime: runtimeOf(operator, input, edge, 1),
      'bare sessions, 2 threads': await rawSessions(operator, input, edge, 2),
      'runtime, 2 threads': runtimeOf(operator, input, edge, 2),
    };
    try {
      const ms = await measure(contenders, megapixels);
      ratios[name] = {
        oneThread: ms['bare session']! / ms['runtime']!,
        twoThreads: ms['bare sessions, 2 threads']! / ms['runtime, 2 threads']!,
        scaling: ms['runtime']! / ms['runtime, 2 threads']!,
      };
      const { oneThread, twoThreads, scaling } = ratios[name];
      console.log(`the runtime is ${oneThread.toFixed(2)} × the bare session, ${twoThreads.toFixed(2)} × on two threads; two threads are ${scaling.toFixed(2)} × one`);
    } finally {
      await Promise.all(Object.values(contenders).map((contender) => contender.close()));
    }
  }
  return ratios;
}

if (import.meta.main) await benchInference();
