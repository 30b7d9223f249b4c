/** One step of an overview: every 2 × 2 cells become one, their mean. */
import type { StoredBlock } from './block-file.ts';

/** Vectors [bands, rows, columns], planar; a cell is no-data when its flag is 1. */
export interface VectorBlock {
  readonly bands: number;
  readonly edge: number;
  readonly data: Float32Array<ArrayBuffer>;
  /** [edge, edge]. */
  readonly nulls: Uint8Array;
}

/**
 * The block [bands, edge / 2, edge / 2] of means over the valid ones of each 2 × 2 cells. With `unit` every
 * mean is brought back to length 1; a mean without a direction (vectors that cancel out) is no-data.
 */
export function halve({ bands, edge, data, nulls }: VectorBlock, unit: boolean): VectorBlock {
  const half = edge / 2;
  const area = half * half;
  const weights = weightsOf(nulls, edge);
  const out = new Float32Array(bands * area);
  const gaps = new Uint8Array(area);
  for (let i = 0; i < area; i++) gaps[i] = weights[i] === 0 ? 1 : 0;
  for (let band = 0; band < bands; band++) {
    for (let row = 0; row < half; row++) {
      let from = band * edge * edge + row * 2 * edge;
      let cell = row * 2 * edge;
      for (let column = 0, to = row * half; column < half; column++, to++, from += 2, cell += 2) {
        let sum = 0;
        if (nulls[cell] === 0) sum += data[from]!;
        if (nulls[cell + 1] === 0) sum += data[from + 1]!;
        if (nulls[cell + edge] === 0) sum += data[from + edge]!;
        if (nulls[cell + edge + 1] === 0) sum += data[from + edge + 1]!;
        out[band * area + to] = sum * weights[to]!;
      }
    }
  }
  if (unit) normalise(out, gaps, bands, area);
  return { bands, edge: half, data: out, nulls: gaps };
}

/** One over the number of valid cells under each cell; 0 where there is none. */
function weightsOf(nulls: Uint8Array, edge: number): Float64Array {
  const half = edge / 2;
  return Float64Array.from({ length: half * half }, (_, i) => {
    const cell = Math.floor(i / half) * 2 * edge + (i % half) * 2;
    const valid = 4 - nulls[cell]! - nulls[cell + 1]! - nulls[cell + edge]! - nulls[cell + edge + 1]!;
    return valid === 0 ? 0 : 1 / valid;
  });
}

/** Shorter than this, a mean is the rounding error of vectors that cancel out. */
const SHORTEST = 1e-6;

function normalise(data: Float32Array, nulls: Uint8Array, bands: number, area: number): void {
  const squares = new Float64Array(area);
  for (let band = 0, from = 0; band < bands; band++) for (let i = 0; i < area; i++, from++) squares[i]! += data[from]! ** 2;
  for (let i = 0; i < area; i++) {
    const length = Math.sqrt(squares[i]!);
    if (length < SHORTEST) nulls[i] = 1;
    squares[i] = length < SHORTEST ? 0 : 1 / length;
  }
  for (let band = 0, from = 0; band < bands; band++) for (let i = 0; i < area; i++, from++) data[from]! *= squares[i]!;
}

/** Puts four blocks (north-west, north-east, south-west, south-east; null: nothing there) together and halves them; null when all are. */
export function merge(children: readonly (VectorBlock | null)[], unit: boolean): VectorBlock | null {
  const some = children.find((child) => child !== null);
  if (!some) return null;
  const { bands, edge } = some;
  const whole = { bands, edge: edge * 2, data: new Float32Array(bands * edge * edge * 4), nulls: new Uint8Array(edge * edge * 4).fill(1) };
  children.forEach((child, i) => child && place(child, whole, (i % 2) * edge, Math.floor(i / 2) * edge));
  return halve(whole, unit);
}

function place(child: VectorBlock, whole: VectorBlock, left: number, top: number): void {
  const { edge } = child;
  for (let row = 0; row < edge; row++) {
    const to = (top + row) * whole.edge + left;
    whole.nulls.set(child.nulls.subarray(row * edge, (row + 1) * edge), to);
    for (let band = 0; band < child.bands; band++) {
      const from = (band * edge + row) * edge;
      whole.data.set(child.data.subarray(from, from + edge), band * whole.edge * whole.edge + to);
    }
  }
}

/** As it is stored. */
export function storedVectors({ bands, edge, data, nulls }: VectorBlock): StoredBlock {
  return { dtype: 'float32', shape: [bands, edge, edge], data, nulls };
}

/** The reverse; null for a block that holds something else. */
export function vectorsOf({ dtype, shape, data, nulls }: StoredBlock): VectorBlock | null {
  const [bands, edge, width] = shape;
  if (dtype !== 'float32' || shape.length !== 3 || edge !== width || nulls?.length !== edge! * edge!) return null;
  return { bands: bands!, edge: edge!, data: data as Float32Array<ArrayBuffer>, nulls };
}
