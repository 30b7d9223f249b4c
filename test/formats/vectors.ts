/** Cubes of embeddings for tests, in every way that they are stored. */
import { quantizedBlock } from '../../src/cube/quantize.ts';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Cube, Encoding, Quantization } from '../../src/cube/cube.ts';
import { dates } from './cubes.ts';

export const DIMENSIONS = 12;
export const WIDTH = 37;
export const HEIGHT = 29;
export const DATES = ['2021-01-01T00:00:00Z', '2021-01-03T12:00:00Z'];

const list = (value: (i: number) => number) => Array.from({ length: DIMENSIONS }, (_, i) => value(i));

export const encodings: Record<Quantization, Encoding> = {
  float32: { method: 'float32', dtype: 'float32', nodata: Number.NaN },
  float16: { method: 'float16', dtype: 'float16', nodata: Number.NaN },
  int8: { method: 'int8', dtype: 'int8', nodata: -128, scale: list((i) => 0.01 + i / 500), offset: list((i) => i / 100) },
  int8_power2: { method: 'int8_power2', dtype: 'int8', nodata: -128, gain: 1 },
  int8_per_vector: { method: 'int8_per_vector', dtype: 'int8', nodata: -128 },
  binary: { method: 'binary', dtype: 'uint8', nodata: 255, threshold: list((i) => i / 100 - 0.05) },
};

/** [t, embedding, y, x]; the first three columns have no data, and so has one more cell of the second date. */
export function vectorCube(method: Quantization = 'float32', encoding: Encoding = encodings[method]): Cube {
  const plane = WIDTH * HEIGHT;
  const length = DATES.length * DIMENSIONS * plane;
  const nulls = new Uint8Array(length);
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const cell = i % plane;
    const isSecond = i >= length / 2;
    if (cell % WIDTH < 3 || (isSecond && cell === 5 * WIDTH + 30)) nulls[i] = 1;
    else data[i] = Math.sin(i * 12.9898) * 0.9;
  }
  const grid = { crs: 'EPSG:32631', originX: 500_000, originY: 5_600_000, stepX: 80, stepY: 80, width: WIDTH, height: HEIGHT };
  const dimensions = [
    dates(...DATES),
    { name: 'embedding', type: 'bands' as const, size: DIMENSIONS, labels: list((i) => i).map((i) => `e${String(i).padStart(3, '0')}`) },
    { name: 'y', type: 'spatial' as const, axis: 'y' as const, size: HEIGHT },
    { name: 'x', type: 'spatial' as const, axis: 'x' as const, size: WIDTH },
  ];
  const block = quantizedBlock({ dtype: 'float32', shape: dimensions.map((d) => d.size), data, nulls }, 1, encoding);
  return arrayCube({
    dimensions, grid, dtype: block.dtype, data: block.data, nulls: block.nulls,
    attributes: {
      encoding,
      sources: ['s2/one', 's2/two', 's2/three'],
      sourcesByLabel: { [DATES[0]!]: ['s2/one'], [DATES[1]!]: ['s2/two', 's2/three'] },
      operator: 'pca@sha256:abc',
      embedding: { operator: 'pca@sha256:abc', name: 'pca', version: '1.0.0', dimensions: DIMENSIONS, patch: 8, gsd: 80, norm: null },
    },
  });
}
