/**
 * Aggregating resampling on blocks [n, height, width]: every source cell that a target cell covers counts,
 * for average, sum, rms and mode by the share that is covered (as in GDAL). No-data is left out. Quantiles are
 * the smallest value at or above the share, never a value between two.
 */
import type { Block } from './block.ts';
import type { Resampling } from './cube.ts';
import type { KernelName, Placement } from './interpolate.ts';
import { storeIn } from './store.ts';

export type AggregationMethod = Exclude<Resampling, 'near' | KernelName>;

/** Valid samples of one target cell with the share of each that is covered. */
interface Covered {
  readonly values: Float64Array;
  readonly weights: Float64Array;
  count: number;
}

type Aggregation = (covered: Covered) => number;

const aggregations: Record<AggregationMethod, Aggregation> = {
  average: (c) => weighted(c, (v) => v) / totalWeight(c),
  sum: (c) => weighted(c, (v) => v),
  rms: (c) => Math.sqrt(weighted(c, (v) => v * v) / totalWeight(c)),
  min: (c) => c.values.subarray(0, c.count).reduce((a, b) => Math.min(a, b)),
  max: (c) => c.values.subarray(0, c.count).reduce((a, b) => Math.max(a, b)),
  q1: (c) => quantile(c, 0.25),
  med: (c) => quantile(c, 0.5),
  q3: (c) => quantile(c, 0.75),
  mode: commonest,
};

function weighted({ values, weights, count }: Covered, of: (value: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += weights[i]! * of(values[i]!);
  return sum;
}

function totalWeight({ weights, count }: Covered): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += weights[i]!;
  return sum;
}

function quantile({ values, count }: Covered, share: number): number {
  const sorted = values.subarray(0, count).sort();
  return sorted[Math.max(0, Math.ceil(share * count - 1e-9) - 1)]!;
}

/** The value that covers most; of several the one met first. */
function commonest({ values, weights, count }: Covered): number {
  const cover = new Map<number, number>();
  for (let i = 0; i < count; i++) cover.set(values[i]!, (cover.get(values[i]!) ?? 0) + weights[i]!);
  let best = values[0]!;
  for (const [value, weight] of cover) if (weight > cover.get(best)! + 1e-9) best = value;
  return best;
}

/** Aggregates the source cells under each target cell into `out`, which comes filled with no-data. */
export function aggregate(source: Block, place: Placement, method: AggregationMethod, out: Block): void {
  const { source: cells, target } = place;
  const spans = createSpans(target.width);
  const store = storeIn(out.data, out.dtype);
  const summarise = aggregations[method];
  let covered: Covered = { values: new Float64Array(64), weights: new Float64Array(64), count: 0 };
  for (let row = 0; row < target.height; row++) {
    spansOf(place, target.y + row, spans);
    for (let band = 0; band < source.shape[0]!; band++) {
      const to = (band * target.height + row) * target.width;
      for (let c = 0; c < target.width; c++) {
        covered = collect(source, band * cells.width * cells.height, place, spans, c, covered);
        if (covered.count === 0) continue;
        store(to + c, summarise(covered));
        out.nulls![to + c] = 0;
      }
    }
  }
}

/** Source positions of the left, right, upper and lower edges of the cells of a target row. */
interface Spans {
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly top: Float64Array;
  readonly bottom: Float64Array;
  readonly spare: Float64Array;
}

function createSpans(width: number): Spans {
  const axis = () => new Float64Array(width);
  return { left: axis(), right: axis(), top: axis(), bottom: axis(), spare: axis() };
}

function spansOf({ map }: Placement, row: number, { left, right, top, bottom, spare }: Spans): void {
  map(row, 0, 0.5, left, spare);
  map(row, 1, 0.5, right, spare);
  map(row, 0.5, 0, spare, top);
  map(row, 0.5, 1, spare, bottom);
}

function collect(source: Block, base: number, { source: cells }: Placement, spans: Spans, column: number, reuse: Covered): Covered {
  const across = span(spans.left[column]! - cells.x, spans.right[column]! - cells.x, cells.width);
  const down = span(spans.top[column]! - cells.y, spans.bottom[column]! - cells.y, cells.height);
  const size = Math.max(0, across.end - across.start) * Math.max(0, down.end - down.start);
  const covered = size <= reuse.values.length ? reuse : { values: new Float64Array(size), weights: new Float64Array(size), count: 0 };
  covered.count = 0;
  for (let y = down.start; y < down.end; y++) {
    const wy = share(y, down);
    for (let x = across.start; x < across.end; x++) {
      const at = base + y * cells.width + x;
      if (source.nulls?.[at]) continue;
      covered.values[covered.count] = source.data[at]!;
      covered.weights[covered.count++] = wy * share(x, across);
    }
  }
  return covered;
}

interface Span {
  readonly from: number;
  readonly to: number;
  /** First and last cell (exclusive) that are touched. */
  readonly start: number;
  readonly end: number;
}

function span(a: number, b: number, size: number): Span {
  const from = Math.min(a, b);
  const to = Math.max(a, b);
  // Comparisons with NaN are false: a cell without image covers nothing.
  if (!(to > from)) return { from: 0, to: 0, start: 0, end: 0 };
  return { from, to, start: Math.max(0, Math.floor(from + 1e-9)), end: Math.min(size, Math.ceil(to - 1e-9)) };
}

const share = (cell: number, { from, to }: Span) => Math.min(cell + 1, to) - Math.max(cell, from);
