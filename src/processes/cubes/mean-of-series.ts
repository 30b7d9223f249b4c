/** The mean as a callback, for processes whose definition contains it. */
import { allocate, arithmeticDType } from '../../cube/dtype.ts';
import { Callback } from '../../graph/callback.ts';
import type { Kernel, KernelData, KernelInput } from '../../graph/kernel.ts';
import { LabeledArray, type Value } from '../../graph/value.ts';

class MeanOfSeries extends Callback {
  override readonly processGraph = { mean: { process_id: 'mean', arguments: { data: { from_parameter: 'data' } }, result: true } };

  override compile([input]: readonly KernelInput[]): Kernel {
    const dtype = arithmeticDType(input!.dtype);
    const length = input!.labels?.length ?? 0;
    return { dtype, length: null, labels: null, run: ([series], outer, inner) => mean(series!, dtype, length, outer, inner) };
  }

  override interpret({ data }: Readonly<Record<string, Value>>): Value {
    const values = data instanceof LabeledArray ? data.values : data as readonly Value[];
    const valid = values.filter((value) => typeof value === 'number');
    return valid.length === 0 ? null : valid.reduce((a, b) => a + b, 0) / valid.length;
  }
}

/** The parameter is `data`; no-data is left out, and is what comes of nothing. */
export const meanOfSeries: Callback = new MeanOfSeries();

function mean({ data, nulls }: KernelData, dtype: 'float32' | 'float64', length: number, outer: number, inner: number): KernelData {
  const out = allocate(dtype, outer * inner);
  const flags = new Uint8Array(out.length);
  const [sums, counts] = [new Float64Array(inner), new Uint32Array(inner)];
  for (let o = 0; o < outer; o++) {
    sums.fill(0);
    counts.fill(0);
    for (let at = o * length * inner, end = at + length * inner; at < end; at += inner) {
      for (let i = 0; i < inner; i++) {
        if (nulls !== null && nulls[at + i] === 1) continue;
        sums[i]! += data[at + i]!;
        counts[i]! += 1;
      }
    }
    for (let i = 0; i < inner; i++) {
      out[o * inner + i] = counts[i]! === 0 ? 0 : sums[i]! / counts[i]!;
      flags[o * inner + i] = counts[i]! === 0 ? 1 : 0;
    }
  }
  return { data: out, nulls: flags.includes(1) ? flags : null };
}
