/** Tables that a manifest has about its vectors, computed from vectors of samples: ranges for int8, and directions for pictures. */
import type { ManifestFields } from '../operator.ts';

export type Tables = Pick<ManifestFields, 'quantization' | 'rgb'>;

const CODES = 127;
const ROUNDS = 200;

/**
 * Tables of these vectors, [vectors][dimensions]. int8 spans what each dimension had; the picture shows the three directions
 * in which they vary most, between the 2nd and the 98th percentile. Throws RangeError for fewer than 16 vectors or NaN in them.
 */
export function tablesOf(vectors: readonly Float32Array[]): Tables {
  const dimensions = vectors[0]?.length ?? 0;
  if (vectors.length < 16) throw new RangeError(`samples with ${vectors.length} patches are too few; 16 at least are needed, better thousands`);
  if (vectors.some((vector) => !vector.every(Number.isFinite))) throw new RangeError('the model gives NaN or infinity for these samples');
  const columns = Array.from({ length: dimensions }, (_, d) => Float64Array.from(vectors, (vector) => vector[d]!));
  const mean = columns.map((column) => column.reduce((a, b) => a + b, 0) / column.length);
  const components = directions(columns.map((column, d) => column.map((v) => v - mean[d]!)), Math.min(3, dimensions));
  while (components.length < 3) components.push(new Array<number>(dimensions).fill(0));
  const ranges = components.map((component) => spread(vectors.map((vector) => component.reduce((sum, weight, d) => sum + weight * (vector[d]! - mean[d]!), 0))));
  return {
    quantization: { int8: int8Of(columns) },
    rgb: { mean: mean.map(short), components: components.map((component) => component.map(short)), low: ranges.map(([low]) => short(low)), high: ranges.map(([, high]) => short(high)) },
  };
}

/** The middle of each range, and a step that spans it with the codes that there are. */
function int8Of(columns: readonly Float64Array[]): ManifestFields['quantization']['int8'] {
  const ranges = columns.map((column): [number, number] => [column.reduce((a, b) => Math.min(a, b)), column.reduce((a, b) => Math.max(a, b))]);
  return { scale: ranges.map(([low, high]) => short(Math.max((high - low) / (2 * CODES), 1e-12))), offset: ranges.map(([low, high]) => short((low + high) / 2)) };
}

/** First principal directions by power iteration; each is taken out before the next. */
function directions(centred: Float64Array[], count: number): number[][] {
  const found: number[][] = [];
  for (let k = 0; k < count; k++) {
    let direction = unit(centred.map((_, d) => 1 + ((d * 2654435761) % 97) / 97));
    for (let round = 0; round < ROUNDS; round++) {
      const next = multiplied(centred, projected(centred, direction));
      const length = Math.hypot(...next);
      if (length < 1e-12) break;
      direction = next.map((v) => v / length);
    }
    const along = projected(centred, direction);
    centred = centred.map((column, d) => column.map((v, i) => v - along[i]! * direction[d]!));
    // The sign is free; it is chosen so that the same vectors have the same picture.
    const sign = Math.sign(direction.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0)) || 1;
    found.push(direction.map((v) => v * sign));
  }
  return found;
}

function projected(columns: readonly Float64Array[], direction: readonly number[]): Float64Array {
  const out = new Float64Array(columns[0]!.length);
  columns.forEach((column, d) => column.forEach((v, i) => void (out[i]! += v * direction[d]!)));
  return out;
}

function multiplied(columns: readonly Float64Array[], along: Float64Array): number[] {
  return columns.map((column) => column.reduce((sum, v, i) => sum + v * along[i]!, 0));
}

function unit(values: readonly number[]): number[] {
  const length = Math.hypot(...values);
  return values.map((v) => v / length);
}

function spread(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const [low, high] = [at(0.02), at(0.98)];
  return high > low ? [low, high] : [low - 1, low + 1];
}

/** Seven digits, as a float32 has them. */
const short = (value: number) => Number(value.toPrecision(7));
