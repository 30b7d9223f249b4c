/** Kernels of interpolating resampling, and their weights along one axis. */
export interface Kernel1D {
  /** Half width in cells. */
  readonly radius: number;
  readonly weight: (distance: number) => number;
}

export const kernels = {
  bilinear: { radius: 1, weight: (d) => Math.max(0, 1 - Math.abs(d)) },
  cubic: { radius: 2, weight: keys },
  cubicspline: { radius: 2, weight: bSpline },
  lanczos: { radius: 3, weight: lanczos },
} as const satisfies Record<string, Kernel1D>;

export type KernelName = keyof typeof kernels;

/** Keys' cubic convolution with a = −0.5 (Keys 1981). */
function keys(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** Cubic B-spline: smooths, never overshoots. */
function bSpline(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return 2 / 3 + (d / 2 - 1) * d * d;
  return d < 2 ? (2 - d) ** 3 / 6 : 0;
}

/** Sinc windowed by its own main lobe, three lobes wide. */
function lanczos(distance: number): number {
  const d = Math.abs(distance) * Math.PI;
  if (d < 1e-9) return 1;
  return d < 3 * Math.PI ? (3 * Math.sin(d) * Math.sin(d / 3)) / (d * d) : 0;
}

/** Cells that count on each side of a position when one target cell spans `scale` source cells. */
export function reach(kernel: Kernel1D, scale: number): number {
  return Math.ceil(kernel.radius * scale);
}

/** First source cell and weights of one axis for the columns of a target row. */
export interface Taps {
  readonly count: number;
  /** 0 when one entry serves all columns, else 1. */
  readonly step: 0 | 1;
  /** Relative to the source block. */
  readonly first: Int32Array;
  readonly weights: Float64Array;
  /** Of the `count` weights those in the kernel's reach; the others are 0. */
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** Room for the weights of `columns` positions, or of one that serves them all. */
export function createTaps(columns: number, count: number, isShared: boolean): Taps {
  const size = isShared ? 1 : columns;
  return { count, step: isShared ? 0 : 1, first: new Int32Array(size), weights: new Float64Array(size * count), from: new Int32Array(size), to: new Int32Array(size) };
}

/** Weights of the cells around each position; `origin` is the source block's first cell. */
export function fillTaps(taps: Taps, positions: Float64Array, origin: number, kernel: Kernel1D, scale: number): void {
  const { count, first, weights, from, to } = taps;
  const radius = kernel.radius * scale;
  for (let c = 0; c < first.length; c++) {
    const position = positions[c]!;
    const start = Math.floor(position - 0.5) - count / 2 + 1;
    first[c] = start - origin;
    from[c] = position - start - 0.5 > radius ? 1 : 0;
    to[c] = start + count - 0.5 - position > radius ? count - 1 : count;
    for (let i = 0; i < count; i++) weights[c * count + i] = kernel.weight((start + i + 0.5 - position) / scale);
  }
}
