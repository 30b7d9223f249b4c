/**
 * Dividing a dimension into pieces for apply_neighborhood: as many labels, metres or periods as the caller asks
 * for, counted from the first label of the cube, and how far each piece looks into its neighbours.
 */
import type { Cube } from '../../cube/cube.ts';
import { invalidArgument } from '../../errors.ts';
import { isGeographic, metresPerUnit, transformer, WGS84 } from '../../geo/crs.ts';
import { cellCentre, type Grid } from '../../geo/grid.ts';
import type { Arguments, ObjectValue, Value } from '../../graph/value.ts';
import { isObject, kindOf, listOf } from './arguments.ts';
import { addPeriods, isNothing, parsePeriod, type Period } from './periods.ts';
import { instant } from './temporal.ts';

/** A piece of a dimension: positions [start, end), seen together with [from, to), which may reach beyond the dimension. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/** How much of a dimension: null for all of it (or nothing, for an overlap), a number of labels, or a period. */
type Extent = null | number | Period;

/** Size and overlap as they are asked for, by dimension. */
export interface Division {
  readonly size: Extent;
  readonly overlap: Extent;
}

const isPeriod = (extent: Extent): extent is Period => typeof extent === 'object' && extent !== null;

/** One division per dimension of the cube. Throws DimensionNotAvailable and ProcessParameterInvalid. */
export function divisionsOf(cube: Cube, args: Arguments, process: string): Division[] {
  const sizes = extentsOf(cube, args, process, 'size');
  const overlaps = extentsOf(cube, args, process, 'overlap');
  return cube.dimensions.map((_, i) => ({ size: sizes.get(i) ?? null, overlap: overlaps.get(i) ?? null }));
}

/** True when every piece has exactly one label and sees no other: such a dimension is no dimension of the piece. */
export function isSingle({ size, overlap }: Division): boolean {
  return size === 1 && (overlap === null || overlap === 0);
}

function extentsOf(cube: Cube, args: Arguments, process: string, parameter: 'size' | 'overlap'): Map<number, Extent> {
  const extents = new Map<number, Extent>();
  for (const entry of listOf(args, process, parameter)) {
    const name = isObject(entry) ? entry['dimension'] : null;
    if (!isObject(entry) || typeof name !== 'string') throw invalidArgument(process, parameter, 'every entry must be an object with a dimension and a value');
    const at = cube.indexOf(name);
    if (extents.has(at)) throw invalidArgument(process, parameter, `the dimension '${name}' is there twice`);
    extents.set(at, extentOf(cube, at, entry, (reason) => invalidArgument(process, parameter, `dimension '${name}': ${reason}`), parameter));
  }
  return extents;
}

/** Labels or pixels on one side. Beyond the cube they are no-data that nobody needs more of. */
const MAX_OVERLAP = 4096;

type Refuse = (reason: string) => Error;

function extentOf(cube: Cube, at: number, entry: ObjectValue, refuse: Refuse, parameter: 'size' | 'overlap'): Extent {
  const { value = null, unit = null } = entry;
  if (value === null) return null;
  if (typeof value === 'string') return periodOf(cube, at, value, unit, refuse, parameter);
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw refuse(`its value must be a number that is not negative, a period or null, not ${typeof value === 'number' ? value : kindOf(value)}`);
  if (parameter === 'size' && value === 0) throw refuse('a neighborhood of the size 0 is empty');
  const count = countOf(cube, at, value, unit, refuse);
  if (parameter === 'size') return Math.max(1, Math.round(count));
  if (count > MAX_OVERLAP) throw refuse(`an overlap of ${Math.ceil(count)} is too large, at most ${MAX_OVERLAP} are possible`);
  return Math.ceil(count - 1e-6);
}

function periodOf(cube: Cube, at: number, text: string, unit: Value, refuse: Refuse, parameter: 'size' | 'overlap'): Period {
  const period = parsePeriod(text);
  if (!period) throw refuse(`'${text}' is no ISO 8601 duration that is not negative, such as P1M`);
  if (parameter === 'size' && isNothing(period)) throw refuse('a neighborhood of no time is empty');
  if (unit !== null) throw refuse(`the period ${text} can't have a unit too`);
  if (cube.dimensions[at]!.type !== 'temporal') throw refuse('only temporal dimensions can be divided into periods');
  const times = timesOf(cube, at);
  if (times.some(Number.isNaN)) throw refuse('its labels are no dates, so it can’t be divided into periods');
  if (times.some((time, i) => i > 0 && time <= times[i - 1]!)) throw refuse('its labels are not in ascending order, so it can’t be divided into periods');
  return period;
}

/** A size in labels, not rounded. */
function countOf(cube: Cube, at: number, value: number, unit: Value, refuse: Refuse): number {
  const { axis, type } = cube.dimensions[at]!;
  if (unit === 'px') {
    if (!Number.isInteger(value)) throw refuse(`${value} is no whole number of pixels`);
    return value;
  }
  if (unit !== null && unit !== 'm') throw refuse('its unit must be px, m or null');
  if (axis === 'x' || axis === 'y') {
    if (!cube.grid) throw refuse('the cube has no regular grid; give the size in pixels (unit px)');
    return value / (unit === 'm' ? metresPerCell(cube.grid, axis) : axis === 'x' ? cube.grid.stepX : cube.grid.stepY);
  }
  if (unit === 'm') throw refuse('only x and y are measured in metres');
  if (type === 'temporal') throw refuse('give a period (P1M), or a number of dates with the unit px');
  if (!Number.isInteger(value)) throw refuse(`${value} is no whole number of labels`);
  return value;
}

/** Mean radius of the earth in metres (IUGG). */
const EARTH = 6_371_008.8;

/** Edge of a cell in metres; in degrees it is measured on a sphere, in the middle of the cube. */
function metresPerCell(grid: Grid, axis: 'x' | 'y'): number {
  const step = axis === 'x' ? grid.stepX : grid.stepY;
  if (!isGeographic(grid.crs)) return step * metresPerUnit(grid.crs);
  const [, latitude] = transformer(grid.crs, WGS84)(...cellCentre(grid, grid.width / 2, grid.height / 2));
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  return EARTH * radians(step) * (axis === 'x' ? Math.cos(radians(latitude)) : 1);
}

const timesOf = (cube: Cube, at: number) => cube.dimensions[at]!.labels!.map((label) => instant(String(label)));

/** The pieces of a dimension in order; together they hold every position once. */
export function piecesOf(cube: Cube, at: number, { size, overlap }: Division): Piece[] {
  const length = cube.dimensions[at]!.size;
  const spans = isPeriod(size) ? periodSpans(timesOf(cube, at), size) : countedSpans(length, size ?? length);
  if (!isPeriod(overlap)) return spans.map(({ start, end }) => ({ start, end, from: start - (overlap ?? 0), to: end + (overlap ?? 0) }));
  const times = timesOf(cube, at);
  return spans.map((span) => {
    const [first, last] = span.interval ?? [times[span.start]!, times[span.end - 1]! + 1];
    const [earliest, latest] = [addPeriods(first, overlap, -1), addPeriods(last, overlap, 1)];
    return { start: span.start, end: span.end, from: positionOf(times, earliest), to: positionOf(times, latest) };
  });
}

interface Span {
  readonly start: number;
  readonly end: number;
  /** The period it stands for, its end excluded. */
  readonly interval?: readonly [number, number];
}

function countedSpans(length: number, size: number): Span[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => ({ start: i * size, end: Math.min(length, (i + 1) * size) }));
}

/** Periods are counted from the first date; those without a date are left out. */
function periodSpans(times: readonly number[], period: Period): Span[] {
  const spans: Span[] = [];
  let [start, count] = [0, 0];
  while (start < times.length) {
    const interval = [addPeriods(times[0]!, period, count), addPeriods(times[0]!, period, count + 1)] as const;
    const end = positionOf(times, interval[1]);
    if (end > start) spans.push({ start, end, interval });
    // A gap of any length costs one step.
    count = end > start || end >= times.length ? count + 1 : Math.max(count + 1, periodHolding(times, period, end));
    start = end;
  }
  return spans;
}

/** Number of the period in which a date lies. */
function periodHolding(times: readonly number[], period: Period, at: number): number {
  const guess = Math.floor((times[at]! - times[0]!) / (period.months * 31 * 86_400_000 + period.milliseconds));
  let count = Math.max(0, guess);
  while (addPeriods(times[0]!, period, count + 1) <= times[at]!) count++;
  return count;
}

/** Position of the first date that is not before a time. */
function positionOf(times: readonly number[], time: number): number {
  const found = times.findIndex((t) => t >= time);
  return found < 0 ? times.length : found;
}
