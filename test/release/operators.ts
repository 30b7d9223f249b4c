/** For tests: operators in plain JavaScript, good and bad in known ways. */
import { readFileSync } from 'node:fs';
import type { Operator, OperatorManifest } from '../../src/operators/operator.ts';
import type { Pixels, Subject } from '../../src/release/gate/subject.ts';
import { operatorsDirectory } from '../operators/golden.ts';

const pca = JSON.parse(readFileSync(`${operatorsDirectory}pca/operator.json`, 'utf8')) as OperatorManifest;
const DIMENSIONS = 4;

/** A manifest with four dimensions over two bands, patch 4, halo 2. */
export const manifest: OperatorManifest = {
  ...pca,
  name: 'test', version: '1.0.0', patch: 4, halo: 2,
  input: { ...pca.input, bands: pca.input.bands.slice(0, 2) },
  output: { dimensions: DIMENSIONS, prefix_truncatable: false },
  quantization: { int8: { scale: [40, 40, 40, 40], offset: [2000, 2000, 2000, 2000] } },
  rgb: { ...pca.rgb, mean: [0, 0, 0, 0], components: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], low: [0, 0, 0], high: [5000, 5000, 5000] },
};

/** What may be wrong with one. */
export interface Ways {
  /** Added to every vector, by block: 0 for good ones. */
  readonly shift?: (block: Pixels, call: number) => number;
  /** Pixels around a patch that count; the manifest says 2. */
  readonly reach?: number;
  /** Changes the vectors of a block as a whole. */
  readonly spoil?: (vectors: Float32Array, blocksInCall: number) => Float32Array;
}

/** Vectors: the mean of each band in the patch and in its surroundings. */
export function subject({ shift = () => 0, reach = 2, spoil = (vectors) => vectors }: Ways = {}, changed: Partial<OperatorManifest> = {}): Subject {
  const its = { ...manifest, ...changed } as OperatorManifest;
  let calls = 0;
  const operator: Operator = { manifest: its, digest: `sha256:${'0'.repeat(64)}`, reference: `test@sha256:${'0'.repeat(64)}`, runtime: 'onnx', params: {}, folder: async () => '/nowhere' };
  return { operator, embed: async (blocks) => blocks.map((block) => spoil(vectorsOf(its, block, reach).map((v) => v + shift(block, calls++)), blocks.length)) };
}

function vectorsOf({ patch, halo, input }: OperatorManifest, { samples, rows, columns }: Pixels, reach: number): Float32Array {
  const [down, across] = [(rows - 2 * halo) / patch, (columns - 2 * halo) / patch];
  const out = new Float32Array(2 * input.bands.length * down * across);
  const mean = (band: number, top: number, left: number, size: number) => {
    let [sum, count] = [0, 0];
    for (let y = Math.max(0, top); y < Math.min(rows, top + size); y++) {
      for (let x = Math.max(0, left); x < Math.min(columns, left + size); x++, count++) sum += samples[(band * rows + y) * columns + x]!;
    }
    return sum / count;
  };
  for (let i = 0; i < out.length; i++) {
    const [d, row, column] = [Math.floor(i / (down * across)), Math.floor(i / across) % down, i % across];
    const [top, left] = [row * patch + halo, column * patch + halo];
    out[i] = d < input.bands.length ? mean(d, top, left, patch) : mean(d - input.bands.length, top - reach, left - reach, patch + 2 * reach);
  }
  return out;
}
