/** Data cubes of the test vectors: from upstream's notation to cubes in memory, and back to nested arrays. */
import { createNullBlock, product, strides, valueAt, type Block, type Window } from '../../src/cube/block.ts';
import { Cube } from '../../src/cube/cube.ts';
import type { Dimension, Label } from '../../src/cube/dimension.ts';
import { allocate, type DType } from '../../src/cube/dtype.ts';
import { parseCrs } from '../../src/geo/crs.ts';
import type { Grid } from '../../src/geo/grid.ts';

export interface DimensionVector {
  readonly name?: string;
  readonly type: Dimension['type'];
  readonly axis?: 'x' | 'y' | 'z';
  readonly values?: readonly Label[];
  readonly reference_system?: string | number;
}

export interface CubeVector {
  readonly type: 'datacube';
  readonly nodata?: unknown;
  readonly order?: readonly string[];
  readonly dimensions: Readonly<Record<string, DimensionVector>> | readonly DimensionVector[];
  /** null: the values don't matter. */
  readonly data?: unknown;
}

export function isCubeVector(raw: unknown): raw is CubeVector {
  return typeof raw === 'object' && raw !== null && 'type' in raw && raw.type === 'datacube';
}

/** Dimensions in the order of the data, by name. */
export function dimensionVectors(raw: CubeVector): [string, DimensionVector][] {
  const named = Array.isArray(raw.dimensions)
    ? (raw.dimensions as readonly DimensionVector[]).map((d): [string, DimensionVector] => [d.name!, d])
    : Object.entries(raw.dimensions as Record<string, DimensionVector>);
  return raw.order ? raw.order.map((name) => named.find(([n]) => n === name)!) : named;
}

/** Tests whether a sample of the vector means no-data. */
export function isNodata(raw: CubeVector, sample: unknown): boolean {
  const marks = Array.isArray(raw.nodata) ? raw.nodata : raw.nodata === undefined ? [] : [raw.nodata];
  return sample === null || isTagged(sample) || marks.some((mark) => Object.is(mark, sample));
}

const isTagged = (sample: unknown) => typeof sample === 'object' && sample !== null && 'type' in sample && sample.type === 'nodata';

/** A cube in memory: float64 or bool samples, on a grid when its x and y labels are regular. */
export function cubeOf(raw: CubeVector): Cube {
  const named = dimensionVectors(raw);
  const grid = gridOf(named);
  const dimensions = named.map(([name, d]) => dimensionOf(name, d, grid !== null));
  const block = blockOf(raw, dimensions.map((d) => d.size));
  return new Cube({
    dimensions, grid, dtype: block.dtype,
    read: async (window) => cut(block, window),
    fingerprint: async (window) => `memory:${JSON.stringify([window, [...block.data], block.nulls && [...block.nulls]])}`,
  });
}

function dimensionOf(name: string, d: DimensionVector, onGrid: boolean): Dimension {
  const axis = axisOf(name, d);
  const labels = d.values ?? [];
  const implied = onGrid && (axis === 'x' || axis === 'y');
  return { name, type: d.type, ...(axis && { axis }), size: labels.length, ...(!implied && { labels }) };
}

function axisOf(name: string, d: DimensionVector): 'x' | 'y' | 'z' | undefined {
  if (d.type !== 'spatial') return undefined;
  return d.axis ?? (['x', 'y', 'z'].includes(name) ? name as 'x' | 'y' | 'z' : undefined);
}

/** The grid of pixel centres, when there are at least two evenly spaced ones on either axis. */
function gridOf(named: readonly [string, DimensionVector][]): Grid | null {
  const find = (axis: 'x' | 'y') => named.find(([name, d]) => axisOf(name, d) === axis)?.[1];
  const x = find('x');
  const y = find('y');
  const xs = (x?.values ?? []) as number[];
  const ys = (y?.values ?? []) as number[];
  if (xs.length < 2 || ys.length < 2) return null;
  const stepX = xs[1]! - xs[0]!;
  const stepY = ys[0]! - ys[1]!;
  return {
    crs: parseCrs(x!.reference_system ?? 'EPSG:4326'),
    originX: xs[0]! - stepX / 2, originY: ys[0]! + stepY / 2, stepX, stepY, width: xs.length, height: ys.length,
  };
}

function blockOf(raw: CubeVector, shape: readonly number[]): Block {
  if (raw.data === null || raw.data === undefined) return createNullBlock('float64', shape);
  const flat = shape.length === 0 ? [raw.data] : (raw.data as unknown[]).flat(shape.length - 1 as 1) as unknown[];
  const dtype: DType = flat.some((v) => typeof v === 'boolean') ? 'bool' : 'float64';
  const data = allocate(dtype, product(shape));
  const nulls = new Uint8Array(data.length);
  flat.forEach((v, i) => {
    if (isNodata(raw, v)) nulls[i] = 1;
    else data[i] = Number(v);
  });
  return { dtype, shape, data, nulls: nulls.includes(1) ? nulls : null };
}

/** A window of a block; no-data where it reaches beyond. */
function cut(block: Block, window: Window): Block {
  const out = createNullBlock(block.dtype, window.size);
  const from = strides(block.shape);
  const to = strides(window.size);
  for (let i = 0; i < out.data.length; i++) {
    const at = window.size.map((size, d) => window.start[d]! + Math.floor(i / to[d]!) % size);
    if (at.some((v, d) => v < 0 || v >= block.shape[d]!)) continue;
    const source = at.reduce((sum, v, d) => sum + v * from[d]!, 0);
    out.data[i] = block.data[source]!;
    out.nulls![i] = block.nulls?.[source] ?? 0;
  }
  return out.nulls!.includes(1) ? out : { ...out, nulls: null };
}

/** All samples of a cube as a flat list of openEO values, in row-major order. */
export async function samplesOf(cube: Cube): Promise<(number | boolean | null)[]> {
  const block = await cube.read(cube.fullWindow());
  return Array.from({ length: block.data.length }, (_, i) => valueAt(block, i));
}
