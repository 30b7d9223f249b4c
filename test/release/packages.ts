/** For tests: versions of the shipped pca as folders, also with spoilt weights. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLog } from '../../src/log.ts';
import { readOperator } from '../../src/operators/manifest.ts';
import { goldenInput, type Golden } from '../../src/operators/package/golden.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import { madeUpLandscapes } from '../../src/release/tasks/synthetic.ts';
import { operatorsDirectory } from '../operators/golden.ts';
import { shuffledModel } from './shuffled-model.ts';

type Fields = Readonly<Record<string, unknown>> & { readonly version: string };

/** The shipped pca with other fields, in a new folder. */
export async function packageFolder(folder: string, fields: Fields): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const file of ['model.onnx', 'golden.json', 'card.md']) await cp(join(operatorsDirectory, 'pca', file), join(folder, file));
  await change(folder, { name: 'spectral', ...fields });
  return folder;
}

/**
 * The same with its weights in another order, and everything else as an author would make it for such a model: digest, golden vectors and
 * scales are right. Only what the vectors are good for is lost.
 */
export async function shuffledFolder(folder: string, fields: Fields): Promise<string> {
  await packageFolder(folder, fields);
  const { bytes, shuffled } = shuffledModel(await readFile(join(folder, 'model.onnx')));
  if (shuffled === 0) throw new Error('the model has no weights to shuffle');
  await writeFile(join(folder, 'model.onnx'), bytes);
  const { model } = await manifestOf(folder) as { model: object };
  await change(folder, { model: { ...model, sha256: createHash('sha256').update(bytes).digest('hex') } });
  const runtime = createOnnxRuntime({ threads: 1, log: silentLog });
  try {
    const operator = await readOperator(folder);
    const { input: { bands, fill }, patch, halo, output: { dimensions } } = operator.manifest;
    const golden = JSON.parse(await readFile(join(folder, 'golden.json'), 'utf8')) as Golden;
    const cases = await Promise.all(golden.cases.map(async (one) => ({ ...one, expected: [...await runtime.run(operator, goldenInput(bands.length * one.rows * one.columns, one), one.rows, one.columns)] })));
    await writeFile(join(folder, 'golden.json'), JSON.stringify({ ...golden, cases }));
    const extremes = Array.from({ length: dimensions }, () => [Infinity, -Infinity]) as [number, number][];
    for await (const { samples, rows, columns } of madeUpLandscapes(2).scenes({ bands, patch, halo, fill }) as AsyncIterable<{ samples: Float32Array; rows: number; columns: number }>) {
      const vectors = await runtime.run(operator, samples, rows, columns);
      vectors.forEach((v, i) => {
        const range = extremes[Math.floor(i / (vectors.length / dimensions))]!;
        range[0] = Math.min(range[0], v);
        range[1] = Math.max(range[1], v);
      });
    }
    await change(folder, { quantization: { int8: { scale: extremes.map(([low, high]) => Math.max(1e-6, ((high - low) * 1.8) / 254)), offset: extremes.map(([low, high]) => (low + high) / 2) } } });
  } finally {
    await runtime.close();
  }
  return folder;
}

async function manifestOf(folder: string): Promise<Record<string, unknown>> {
  const path = join(folder, 'operator.json');
  return JSON.parse(await readFile(path, 'utf8').catch(() => readFile(join(operatorsDirectory, 'pca', 'operator.json'), 'utf8'))) as Record<string, unknown>;
}

async function change(folder: string, fields: object): Promise<void> {
  await writeFile(join(folder, 'operator.json'), JSON.stringify({ ...await manifestOf(folder), ...fields }, null, 2));
}
