/** Which values become darkest and brightest. */
import type { Block } from '../../cube/block.ts';
import type { DType } from '../../cube/dtype.ts';
import { refuse } from '../options.ts';
import type { BandStatistics } from '../statistics.ts';
import type { PictureSettings, Stretch } from './picture-options.ts';

export interface Limits {
  readonly low: number;
  readonly high: number;
}

/** The limits of each band as far as they are known without looking at the data. Throws ProcessParameterInvalid. */
export function givenLimits(settings: PictureSettings, dtype: DType, count: number): Partial<Limits>[] {
  const min = perBand('min', settings.min, count);
  const max = perBand('max', settings.max, count);
  return min.map((least, band) => {
    const usual = settings.stretch ? {} : usualLimits(dtype, band);
    const limits = { ...usual, ...(least !== undefined && { low: least }), ...(max[band] !== undefined && { high: max[band] }) };
    if (limits.low !== undefined && limits.high !== undefined && !(limits.low < limits.high)) throw refuse(`'max' (${limits.high}) must be greater than 'min' (${limits.low})`);
    return limits;
  });
}

/** Place of the band that is opacity. */
const OPACITY = 3;

function usualLimits(dtype: DType, band: number): Partial<Limits> {
  if (dtype === 'uint8') return { low: 0, high: 255 };
  return dtype === 'bool' || band === OPACITY ? { low: 0, high: 1 } : {};
}

function perBand(name: string, value: number | readonly number[] | undefined, count: number): readonly (number | undefined)[] {
  if (typeof value === 'number' || value === undefined) return new Array<number | undefined>(count).fill(value);
  if (value.length !== count) throw refuse(`'${name}' must have one number, or one for each of the ${count} bands`);
  return value;
}

/** The limits that a stretch gives a band, which is number `band` of the blocks [bands, …]. */
export function stretchLimits(stretch: Stretch, statistics: BandStatistics | null, blocks: readonly Block[], band: number): Limits {
  if (!statistics) return { low: 0, high: 1 };
  const { minimum, maximum, mean, stddev } = statistics;
  switch (stretch) {
    case 'minmax': return { low: minimum, high: maximum };
    // A few bright clouds must not leave everything else black.
    case 'deviation': return { low: Math.max(minimum, mean - 2 * stddev), high: Math.min(maximum, mean + 2 * stddev) };
    case 'percentile': return percentiles(blocks, band, { low: minimum, high: maximum });
  }
}

const BINS = 16_384;
const OUTER_SHARE = 0.02;

/** The 2nd and 98th percentile, to a 16384th of the whole range. */
function percentiles(blocks: readonly Block[], band: number, { low, high }: Limits): Limits {
  if (high <= low) return { low, high };
  const counts = new Uint32Array(BINS);
  const scale = BINS / (high - low);
  let total = 0;
  for (const { data, nulls, shape } of blocks) {
    const length = data.length / shape[0]!;
    for (let i = band * length; i < (band + 1) * length; i++) {
      const value = data[i]!;
      if (nulls?.[i] === 1 || !Number.isFinite(value)) continue;
      counts[Math.min(BINS - 1, Math.floor((value - low) * scale))]!++;
      total++;
    }
  }
  const first = binOf(counts, total * OUTER_SHARE);
  const last = binOf(counts, total * (1 - OUTER_SHARE));
  return { low: low + first / scale, high: low + (last + 1) / scale };
}

/** The bin in which so many values have been passed. */
function binOf(counts: Uint32Array, wanted: number): number {
  let passed = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    passed += counts[bin]!;
    if (passed > wanted || passed === wanted && wanted > 0) return bin;
  }
  return counts.length - 1;
}
