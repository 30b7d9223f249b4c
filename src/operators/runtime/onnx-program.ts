/**
 * An ONNX operator as a program: what the process runtimes start for operators of the kind 'onnx'. It keeps the protocol of
 * programs (docs/runtimes.md) and computes as the threads do, block by block, so that the vectors are the same bits.
 *
 *     node onnx-program.ts model.onnx pixels embedding
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { env } from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeNpy, encodeNpy } from '../npy.ts';

/**
 * Reads all blocks, runs the model on each, writes their vectors side by side. The files are read and written by this thread itself:
 * PRoot 5.1 loses the paths that Node's other threads open.
 */
async function main(model: string, input: string, output: string): Promise<void> {
  const { shape, data } = decodeNpy(readFileSync(env['INPUT_PATH']!));
  const session = await InferenceSession.create(model, { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all', logSeverityLevel: 3 });
  const [blocks, ...block] = shape as [number, ...number[]];
  const length = data.length / blocks;
  const results: Tensor[] = [];
  for (let i = 0; i < blocks; i++) {
    const given = await session.run({ [input]: new Tensor('float32', data.subarray(i * length, (i + 1) * length), [1, ...block]) }, [output]);
    results.push(given[output]!);
  }
  const vectors = results.map(({ data: values }) => values as Float32Array);
  const joined = new Float32Array(vectors.reduce((sum, each) => sum + each.length, 0));
  vectors.reduce((at, each) => (joined.set(each, at), at + each.length), 0);
  writeFileSync(env['OUTPUT_PATH']!, encodeNpy([blocks, ...results[0]!.dims.slice(1)], joined));
  await session.release();
}

const [model, input, output] = process.argv.slice(2) as [string, string, string];
await main(model, input, output);
