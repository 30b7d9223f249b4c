/** Runs a model that is being imported, to see what it really does. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { largestDifference } from '../package/golden.ts';

export interface Vectors {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Random numbers that are the same each time; they only must not be special. */
function trialPixels(length: number, seed: number, low: number, high: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + (state / 2 ** 32) * (high - low);
  });
}

export class TrialModel {
  readonly #session: InferenceSession;
  readonly #input: string;
  readonly #output: string;
  readonly bands: number;

  private constructor(session: InferenceSession, names: { readonly input: string; readonly output: string; readonly bands: number }) {
    this.#session = session;
    [this.#input, this.#output, this.bands] = [names.input, names.output, names.bands];
  }

  /** Throws RangeError with the runtime's words for a file that does not load. */
  static async open(path: string, names: { readonly input: string; readonly output: string; readonly bands: number }): Promise<TrialModel> {
    try {
      return new TrialModel(await InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 }), names);
    } catch (error) {
      throw new RangeError(`the model does not load: ${shortened(error)}`, { cause: error });
    }
  }

  /** [n, bands, rows, columns] in, whatever the model gives out. Throws RangeError. */
  async run(pixels: Float32Array, rows: number, columns: number, further: Readonly<Record<string, { data: Float32Array; shape: readonly number[] }>> = {}): Promise<Vectors> {
    const n = pixels.length / (this.bands * rows * columns);
    try {
      const feeds = Object.entries(further).map(([name, { data, shape }]): [string, Tensor] => [name, new Tensor('float32', data, [...shape])]);
      const results = await this.#session.run({ [this.#input]: new Tensor('float32', pixels, [n, this.bands, rows, columns]), ...Object.fromEntries(feeds) }, [this.#output]);
      const { data, dims } = results[this.#output]!;
      return { data: data as Float32Array, shape: dims };
    } catch (error) {
      throw new RangeError(`the model does not run on [${n}, ${this.bands}, ${rows}, ${columns}]: ${shortened(error)}`, { cause: error });
    }
  }

  /** Patches along an axis for an image of this edge; 0 where it does not run. */
  async patchesOf(edge: number): Promise<number> {
    const vectors = await this.run(trialPixels(this.bands * edge * edge, 1, 0, 3000), edge, edge).catch(() => null);
    return vectors?.shape.length === 4 && vectors.shape[2] === vectors.shape[3] ? vectors.shape[2]! : 0;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

const shortened = (error: unknown) => (error as Error).message.replace(/\s+/g, ' ').slice(0, 300);

/** Edges beyond this are not tried. */
const LARGEST_EDGE = 512;

/**
 * Patch and halo of a model that takes any size, from the edges at which the number of its vectors changes; null when that
 * follows no rule. Throws nothing.
 */
export async function geometryOf(model: TrialModel): Promise<{ patch: number; halo: number } | null> {
  const first = await smallestEdge(model, 1);
  const [second, fourth] = [await smallestEdge(model, 2), await smallestEdge(model, 4)];
  if (first === null || second === null || fourth === null) return null;
  const patch = second - first;
  const margin = first - patch;
  return fourth === first + 3 * patch && margin >= 0 && margin % 2 === 0 ? { patch, halo: margin / 2 } : null;
}

async function smallestEdge(model: TrialModel, patches: number): Promise<number | null> {
  let [low, high] = [0, 1];
  while ((await model.patchesOf(high)) < patches) {
    if (high >= LARGEST_EDGE) return null;
    [low, high] = [high, high * 2];
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((await model.patchesOf(middle)) < patches) low = middle;
    else high = middle;
  }
  return high;
}

/** Whether a vector changes when pixels change that lie beyond its patch and halo: then it depends on where a block ends. */
export async function looksFurther(model: TrialModel, { patch, halo }: { readonly patch: number; readonly halo: number }): Promise<boolean> {
  const edge = 3 * patch + 2 * halo;
  const pixels = trialPixels(model.bands * edge * edge, 7, 200, 3000);
  const isInside = (at: number) => at >= patch && at < edge - patch;
  const changed = pixels.map((value, i) => (isInside(Math.floor(i / edge) % edge) && isInside(i % edge) ? value : value + 1000));
  const [a, b] = [await model.run(pixels, edge, edge), await model.run(changed, edge, edge)];
  const central = ({ data, shape }: Vectors) => Array.from({ length: shape[1]! }, (_, d) => data[d * 9 + 4]!);
  const size = Math.max(...central(a).map(Math.abs), 1e-6);
  return largestDifference(central(a), central(b)) > 1e-4 * size;
}
