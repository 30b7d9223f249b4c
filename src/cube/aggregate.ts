/**
 * Aggregating resampling on blocks [n, height, width]: every source cell that a target cell covers counts,
 * for average, sum and rms by the share that is covered, for the others once (as in GDAL). No-data is left
 * out. Quantiles are the smallest value at or above the share, never a value between two.
 */
import type { Block } from './block.ts';
import type { Resampling } from './cube.ts';
import type { KernelName } from './kernels.ts';
import type { Placement } from './nearest.ts';
import { storeRow } from './store.ts';

export type AggregationMethod = Exclude<Resampling, 'near' | KernelName>;

/** Aggregates the source cells under each target cell into `out`, which comes filled with no-data. */
export function aggregate(source: Block, place: Placement, method: AggregationMethod, out: Block): void {
  const { source: cells, target } = place;
  const spans = createSpans(target.width);
  const values = new Float64Array(target.width);
  const compute = method === 'average' || method === 'sum' || method === 'rms' ? meanRow(method) : listRow(lists[method]);
  for (let row = 0; row < target.height; row++) {
    fillSpans(place, target.y + row, spans, row === 0);
    for (let band = 0; band < source.shape[0]!; band++) {
      const to = (band * target.height + row) * target.width;
      compute({ block: source, base: band * cells.width * cells.height, width: cells.width, x: cells.x, y: cells.y }, spans, values, out.nulls!, to);
      storeRow(values, out.data, out.dtype, to);
    }
  }
}

interface Layer {
  readonly block: Block;
  /** Index of the band's first sample. */
  readonly base: number;
  readonly width: number;
  /** First cell of the block in the source grid. */
  readonly x: number;
  readonly y: number;
}

type ComputeRow = (layer: Layer, spans: Spans, values: Float64Array, flags: Uint8Array, to: number) => void;

/** What the cells of a target row cover along one axis. Positions are those of the source grid, so that they do not depend on the block. */
interface Axis {
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** First cell of the block that is touched and the one after the last. */
  readonly first: Int32Array;
  readonly end: Int32Array;
}

interface Spans {
  readonly across: Axis;
  readonly down: Axis;
  readonly spare: Float64Array;
}

function createSpans(width: number): Spans {
  const axis = (): Axis => ({ from: new Float64Array(width), to: new Float64Array(width), first: new Int32Array(width), end: new Int32Array(width) });
  return { across: axis(), down: axis(), spare: new Float64Array(width) };
}

/** A cell covers the box between its first corner and the opposite one (as in GDAL). */
function fillSpans({ map, source, separable }: Placement, row: number, { across, down, spare }: Spans, isFirst: boolean): void {
  const isAcrossKnown = separable && !isFirst;
  map(row, 0, 0, isAcrossKnown ? spare : across.from, down.from);
  map(row, 1, 1, isAcrossKnown ? spare : across.to, down.to);
  if (!isAcrossKnown) touch(across, source.x, source.width);
  touch(down, source.y, source.height);
}

function touch({ from, to, first, end }: Axis, origin: number, size: number): void {
  for (let c = 0; c < from.length; c++) {
    const low = Math.min(from[c]!, to[c]!);
    const high = Math.max(from[c]!, to[c]!);
    from[c] = low;
    to[c] = high;
    // Comparisons with NaN are false: a cell without image covers nothing.
    const isThere = high > low;
    first[c] = isThere ? Math.max(0, Math.floor(low + 1e-9) - origin) : 0;
    end[c] = isThere ? Math.min(size, Math.ceil(high - 1e-9) - origin) : 0;
  }
}

/** The share of a cell that lies between two positions. */
const share = (cell: number, from: number, to: number) => Math.min(cell + 1, to) - Math.max(cell, from);

function meanRow(method: 'average' | 'sum' | 'rms'): ComputeRow {
  const isSquared = method === 'rms';
  return ({ block: { data, nulls }, base, width, x: left, y: top }, { across, down }, values, flags, to) => {
    for (let c = 0; c < values.length; c++) {
      let sum = 0;
      let total = 0;
      const [first, last] = [across.first[c]!, across.end[c]! - 1];
      // Those between are covered as a whole.
      const atFirst = share(left + first, across.from[c]!, across.to[c]!);
      const atLast = share(left + last, across.from[c]!, across.to[c]!);
      for (let y = down.first[c]!; y < down.end[c]!; y++) {
        const wy = share(top + y, down.from[c]!, down.to[c]!);
        const line = base + y * width;
        for (let x = first; x <= last; x++) {
          if (nulls !== null && nulls[line + x] === 1) continue;
          const weight = x === first ? wy * atFirst : x === last ? wy * atLast : wy;
          const value = data[line + x]!;
          sum += weight * (isSquared ? value * value : value);
          total += weight;
        }
      }
      flags[to + c] = total > 0 ? 0 : 1;
      values[c] = method === 'sum' ? sum : isSquared ? Math.sqrt(sum / total) : sum / total;
    }
  };
}

/** Valid samples of one target cell. */
interface Covered {
  readonly values: Float64Array;
  count: number;
}

const lists: Record<Exclude<AggregationMethod, 'average' | 'sum' | 'rms'>, (covered: Covered) => number> = {
  min: (c) => folded(c, Math.min),
  max: (c) => folded(c, Math.max),
  q1: (c) => quantile(c, 0.25),
  med: (c) => quantile(c, 0.5),
  q3: (c) => quantile(c, 0.75),
  mode: commonest,
};

function folded({ values, count }: Covered, choose: (a: number, b: number) => number): number {
  let chosen = values[0]!;
  for (let i = 1; i < count; i++) chosen = choose(chosen, values[i]!);
  return chosen;
}

function quantile({ values, count }: Covered, share: number): number {
  const sorted = values.subarray(0, count).sort();
  return sorted[Math.max(0, Math.ceil(share * count - 1e-9) - 1)]!;
}

/** The value of most cells; of several the one that came to that number first (as in GDAL). */
function commonest({ values, count }: Covered): number {
  const cells = new Map<number, number>();
  let best = values[0]!;
  let most = 0;
  for (let i = 0; i < count; i++) {
    const times = (cells.get(values[i]!) ?? 0) + 1;
    cells.set(values[i]!, times);
    if (times > most) [best, most] = [values[i]!, times];
  }
  return best;
}

function listRow(summarise: (covered: Covered) => number): ComputeRow {
  let covered: Covered = { values: new Float64Array(64), count: 0 };
  return (layer, spans, values, flags, to) => {
    for (let c = 0; c < values.length; c++) {
      covered = collect(layer, spans, c, covered);
      flags[to + c] = covered.count > 0 ? 0 : 1;
      if (covered.count > 0) values[c] = summarise(covered);
    }
  };
}

function collect({ block: { data, nulls }, base, width }: Layer, { across, down }: Spans, c: number, reuse: Covered): Covered {
  const size = Math.max(0, across.end[c]! - across.first[c]!) * Math.max(0, down.end[c]! - down.first[c]!);
  const covered = size <= reuse.values.length ? reuse : { values: new Float64Array(size), count: 0 };
  covered.count = 0;
  for (let y = down.first[c]!; y < down.end[c]!; y++) {
    for (let x = across.first[c]!; x < across.end[c]!; x++) {
      const at = base + y * width + x;
      if (!nulls?.[at]) covered.values[covered.count++] = data[at]!;
    }
  }
  return covered;
}
