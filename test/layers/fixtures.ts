/** A toy operator whose vectors can be computed in one's head, and cubes to embed. */
import { arrayCube } from '../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions, temporalDimension } from '../../src/cube/dimension.ts';
import type { Cube } from '../../src/cube/cube.ts';
import type { Grid } from '../../src/geo/grid.ts';
import type { Operator, OperatorManifest, OperatorRegistry, OperatorRuntime } from '../../src/operators/operator.ts';

export const manifest: OperatorManifest = {
  name: 'toy',
  version: '1.0.0',
  title: 'Toy',
  description: 'Mean of band 0 over the patch with its halo; mean of band 1 over the patch.',
  license: 'Apache-2.0',
  kind: 'onnx',
  model: { file: 'model.onnx', sha256: '', opset: 17, input: 'pixels', output: 'embedding' },
  input: { bands: [{ name: 'B02', common_name: 'blue' }, { name: 'B08', common_name: 'nir' }], fill: 0, gsd: 10, gsd_range: [5, 20] },
  patch: 4,
  halo: 2,
  output: { dimensions: 2, prefix_truncatable: true },
  min_valid: 0.5,
  quantization: { int8: { scale: [1, 2], offset: [0, 10] } },
  rgb: { mean: [0, 0], components: [[1, 0], [0, 1], [1, 1]], low: [0, 0, 0], high: [100, 100, 100] },
  golden: 'golden.json',
};

export const operator: Operator = { manifest, digest: 'sha256:00', reference: 'toy@sha256:00', runtime: 'onnx', params: {}, folder: async () => '/nowhere' };

export const registry: OperatorRegistry = { list: () => [operator], resolve: () => operator };

/** Computes what the manifest says, by loops; counts its runs. */
export function toyRuntime(): OperatorRuntime & { runs: number } {
  const runtime = {
    runs: 0,
    async run(_operator: Operator, input: Float32Array, rows: number, columns: number) {
      runtime.runs++;
      const { patch, halo } = manifest;
      const [h, w] = [(rows - 2 * halo) / patch, (columns - 2 * halo) / patch];
      const out = new Float32Array(2 * h * w);
      for (let row = 0; row < h; row++) {
        for (let column = 0; column < w; column++) {
          const wide = mean(input, 0, columns, row * patch, column * patch, patch + 2 * halo);
          const narrow = mean(input, rows * columns, columns, row * patch + halo, column * patch + halo, patch);
          out[row * w + column] = wide;
          out[h * w + row * w + column] = narrow;
        }
      }
      return out;
    },
    async close() {},
  };
  return runtime;
}

function mean(input: Float32Array, base: number, columns: number, top: number, left: number, size: number): number {
  let sum = 0;
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) sum += input[base + (top + y) * columns + left + x]!;
  return sum / (size * size);
}

export function utmGrid(width: number, height: number): Grid {
  return { crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 10, stepY: 10, width, height };
}

/** Two dates, bands B08 and B02 (in that order), with values that tell where they come from. */
export function rawCube(width: number, height: number, nulls?: Uint8Array): Cube {
  const data = new Float32Array(2 * 2 * height * width);
  data.forEach((_, i) => (data[i] = ((i * 7919) % 1009) / 10));
  return arrayCube({
    dimensions: [temporalDimension(['2021-05-01T00:00:00Z', '2021-06-01T00:00:00Z']), bandsDimension(['B08', 'B02']), ...spatialDimensions({ width, height })],
    grid: utmGrid(width, height),
    dtype: 'float32',
    data,
    nulls: nulls ?? null,
    attributes: { bands: [{ name: 'B08', common_name: 'nir' }, { name: 'B02', common_name: 'blue' }], anchor: { x: 600_000, y: 5_600_000 } },
  });
}
