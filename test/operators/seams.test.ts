import { afterAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import { largestDifference, noise, operatorsDirectory } from './golden.ts';

const registry = await openRegistry(operatorsDirectory);
const runtime = createOnnxRuntime({ threads: 2, log: silentLog });
afterAll(() => runtime.close());

const ROWS = 11;
const COLUMNS = 7;

/** A scene of ROWS × COLUMNS patches with its halo: smooth hills under noise, each band another. */
function scene({ manifest }: Operator): { data: Float32Array; height: number; width: number } {
  const height = ROWS * manifest.patch + 2 * manifest.halo;
  const width = COLUMNS * manifest.patch + 2 * manifest.halo;
  const grain = noise(manifest.input.bands.length * height * width, { seed: 9, low: 0, high: 400 });
  const data = grain.map((v, i) => v + 1500 + 1200 * Math.sin(i / 37 + Math.floor(i / (height * width))) * Math.cos(Math.floor(i / width) / 23));
  return { data, height, width };
}

/** The pixels of `rows` × `columns` patches from patch (row, column) on, with halo. */
function cut({ manifest }: Operator, whole: ReturnType<typeof scene>, row: number, column: number, rows: number, columns: number) {
  const { patch, halo, input: { bands } } = manifest;
  const height = rows * patch + 2 * halo;
  const width = columns * patch + 2 * halo;
  const data = new Float32Array(bands.length * height * width);
  for (let band = 0; band < bands.length; band++) {
    for (let y = 0; y < height; y++) {
      const from = (band * whole.height + row * patch + y) * whole.width + column * patch;
      data.set(whole.data.subarray(from, from + width), (band * height + y) * width);
    }
  }
  return { data, height, width };
}

/** The scene's vectors, computed in blocks of at most `edge` × `edge` patches. */
async function inBlocks(operator: Operator, whole: ReturnType<typeof scene>, edge: number): Promise<Float32Array> {
  const { dimensions } = operator.manifest.output;
  const out = new Float32Array(dimensions * ROWS * COLUMNS);
  const jobs: Promise<void>[] = [];
  for (let row = 0; row < ROWS; row += edge) {
    for (let column = 0; column < COLUMNS; column += edge) {
      const rows = Math.min(edge, ROWS - row);
      const columns = Math.min(edge, COLUMNS - column);
      const block = cut(operator, whole, row, column, rows, columns);
      jobs.push(runtime.run(operator, block.data, block.height, block.width).then((vectors) => {
        for (let i = 0; i < vectors.length; i++) {
          const [d, y, x] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
          out[(d * ROWS + row + y) * COLUMNS + column + x] = vectors[i]!;
        }
      }));
    }
  }
  await Promise.all(jobs);
  return out;
}

describe.each(registry.list().map((operator) => [operator.manifest.name, operator] as const))('%s', (_, operator) => {
  const whole = scene(operator);

  it.each([1, 2, 3, 4, 8])('gives one scene the same vectors in blocks of %i patches a side as in one piece', async (edge) => {
    const once = await runtime.run(operator, whole.data, whole.height, whole.width);
    expect(largestDifference(await inBlocks(operator, whole, edge), once)).toBeLessThan(1e-5);
  });

  it('gives blocks of one shape the same bits, on whichever thread', async () => {
    const runs = await Promise.all(Array.from({ length: 6 }, () => runtime.run(operator, whole.data, whole.height, whole.width)));
    for (const again of runs.slice(1)) expect(again).toEqual(runs[0]);
  });

  it('gives a place the same vector wherever in a block it lies', async () => {
    const block = cut(operator, whole, 2, 1, 4, 4);
    const shifted = cut(operator, whole, 4, 2, 4, 4);
    const [a, b] = await Promise.all([block, shifted].map((c) => runtime.run(operator, c.data, c.height, c.width)));
    const pick = (vectors: Float32Array, row: number, column: number) => Array.from({ length: operator.manifest.output.dimensions }, (__, d) => vectors[d * 16 + row * 4 + column]!);
    expect(largestDifference(pick(a!, 2, 1), pick(b!, 0, 0))).toBeLessThan(1e-5);
    expect(largestDifference(pick(a!, 3, 3), pick(b!, 1, 2))).toBeLessThan(1e-5);
  });
});
