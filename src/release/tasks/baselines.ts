/** Trivial descriptions of patches, which an operator has to be worth more than. */
import type { Describer } from './patches.ts';
import type { Scene, SceneGeometry } from './task-set.ts';

/** Beyond this a projection of the pixels would cost more than most operators. */
const MOST_INPUTS = 20_000;

/** The mean of each band; mean and deviation of each band; as many random sums of the pixels as the operator has dimensions. */
export function baselines(geometry: SceneGeometry, dimensions: number): Describer[] {
  const { bands, patch } = geometry;
  const random = { name: 'random_projection', embed: async (scene: Scene) => projected(scene, geometry, dimensions) };
  return [
    { name: 'band_mean', embed: async (scene) => statistics(scene, geometry, false) },
    { name: 'band_mean_std', embed: async (scene) => statistics(scene, geometry, true) },
    ...(bands.length * patch ** 2 <= MOST_INPUTS ? [random] : []),
  ];
}

/** Calls `visit` with the patch and the position within it of every sample of a band, halo left out. */
function eachSample({ rows, columns, samples }: Scene, { patch, halo }: SceneGeometry, band: number, visit: (value: number, at: number, inside: number) => void): void {
  const [height, width] = [rows + 2 * halo, columns + 2 * halo];
  const across = Math.floor(columns / patch);
  for (let y = 0; y < Math.floor(rows / patch) * patch; y++) {
    for (let x = 0; x < across * patch; x++) {
      visit(samples[(band * height + y + halo) * width + x + halo]!, Math.floor(y / patch) * across + Math.floor(x / patch), (y % patch) * patch + (x % patch));
    }
  }
}

const patchesOf = ({ rows, columns }: Scene, patch: number) => Math.floor(rows / patch) * Math.floor(columns / patch);

function statistics(scene: Scene, geometry: SceneGeometry, withDeviation: boolean): Float32Array {
  const { bands, patch } = geometry;
  const patches = patchesOf(scene, patch);
  const out = new Float32Array(bands.length * (withDeviation ? 2 : 1) * patches);
  bands.forEach((_, band) => {
    const sum = new Float64Array(patches);
    const square = new Float64Array(patches);
    eachSample(scene, geometry, band, (v, at) => {
      sum[at]! += v / patch ** 2;
      square[at]! += v ** 2 / patch ** 2;
    });
    out.set(sum, band * patches);
    if (withDeviation) out.set(square.map((s, i) => Math.sqrt(Math.max(0, s - sum[i]! ** 2))), (bands.length + band) * patches);
  });
  return out;
}

/** Weights are whole numbers −1, 0 and 1 from a generator with a fixed start, the same for every scene. */
function projected(scene: Scene, geometry: SceneGeometry, dimensions: number): Float32Array {
  const { bands, patch } = geometry;
  const patches = patchesOf(scene, patch);
  const out = new Float64Array(dimensions * patches);
  const weights = signs(dimensions * bands.length * patch ** 2);
  bands.forEach((_, band) => eachSample(scene, geometry, band, (v, at, inside) => {
    for (let d = 0; d < dimensions; d++) out[d * patches + at]! += v * weights[(d * bands.length + band) * patch ** 2 + inside]!;
  }));
  return new Float32Array(out);
}

function signs(count: number): Int8Array {
  let state = 1;
  return Int8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * 3) - 1;
  });
}
