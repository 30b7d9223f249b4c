/** The reducer of zonal statistics, compiled for zones of different sizes. */
import type { DType, Samples } from '../../cube/dtype.ts';
import type { Callback } from '../../graph/callback.ts';
import type { Kernel, KernelData } from '../../graph/kernel.ts';
import type { Value } from '../../graph/value.ts';
import { compileScalar } from './kernels.ts';

/** Compiled reducers that are kept: zones are of all sizes, and many share one. */
const MOST_KEPT = 256;
/** A kernel holds a label per pixel: those of large zones are not kept. */
const LARGEST_KEPT = 65_536;

export class ZoneKernels {
  /** Of the results. Numbers come as float64: they are few, and sums over many pixels need the digits. */
  readonly dtype: DType;
  readonly #reducer: Callback;
  readonly #input: DType;
  readonly #constants: Readonly<Record<string, Value>>;
  readonly #kept = new Map<number, Kernel>();

  /** Throws what compiling throws: an unsuitable reducer is told before anything is read. */
  constructor(reducer: Callback, dtype: DType, constants: Readonly<Record<string, Value>>) {
    this.#reducer = reducer;
    this.#input = dtype === 'bool' ? 'bool' : 'float64';
    this.#constants = constants;
    this.dtype = this.#kernel(1).dtype === 'bool' ? 'bool' : 'float64';
  }

  /** One result per series; `data` holds `series` of them one after the other, each of `length` samples. */
  run(data: Samples, nulls: Uint8Array | null, series: number, length: number): KernelData {
    // The code reads numbers of whatever type: only the type of its results follows from that of its input.
    return this.#kernel(length).run([{ data, nulls }], series, 1);
  }

  #kernel(length: number): Kernel {
    const known = this.#kept.get(length);
    if (known) return known;
    const labels = positions(length);
    const kernel = compileScalar(this.#reducer, [{ name: 'data', kind: 'array', dtype: this.#input, labels }], this.#constants, { process: 'aggregate_spatial', parameter: 'reducer' });
    if (length <= LARGEST_KEPT) this.#kept.set(length, kernel);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return kernel;
  }
}

/** 0, 1, 2 …: a loop, because Array.from takes seconds for millions. */
function positions(length: number): number[] {
  const out = new Array<number>(length);
  for (let i = 0; i < length; i++) out[i] = i;
  return out;
}
