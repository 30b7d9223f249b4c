/** climatological_normal: what is usual for a time of the year, as the mean over many years. */
import type { Cube } from '../../cube/cube.ts';
import type { Label } from '../../cube/dimension.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Arguments } from '../../graph/value.ts';
import { cubeOf, indicesOfType, listOf, textOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { aggregateGroups, type Group } from './groups.ts';
import { meanOfSeries } from './mean-of-series.ts';
import { placeOf, type Place } from './normal-periods.ts';

const ID = 'climatological_normal';

export const climatologicalNormal: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const dimension = onlyTemporal(cube);
    const years = yearsOf(args);
    const period = textOf(args, ID, 'period');
    const places = (cube.dimensions[dimension]!.labels ?? []).map(placed);
    checkSpan(places, years);
    const groups = groupsOf(places, period, years);
    return aggregateGroups(cube, dimension, groups, { process: ID, reducer: meanOfSeries, constants: {}, meaning: meaningOf(ID, args) });
  },
};

function onlyTemporal(cube: Cube): number {
  const found = indicesOfType(cube, 'temporal');
  if (found.length === 1) return found[0]!;
  throw invalidArgument(ID, 'data', `it must have exactly one temporal dimension, but has ${found.length}`);
}

/** First and last year, both fully included. */
interface Years {
  readonly first: number;
  readonly last: number;
}

function yearsOf(args: Arguments): Years {
  const [first, last] = listOf(args, ID, 'climatology_period');
  if (typeof first !== 'number' || typeof last !== 'number' || !Number.isInteger(first) || !Number.isInteger(last)) {
    throw invalidArgument(ID, 'climatology_period', 'it must be two years, the first and the last');
  }
  if (last < first) throw invalidArgument(ID, 'climatology_period', `the first year (${first}) is after the last (${last})`);
  return { first, last };
}

function placed(label: Label): Place {
  const place = placeOf(label);
  if (place) return place;
  throw invalidArgument(ID, 'data', `the label '${label}' of the temporal dimension is no date, nor a day, month, season or year such as '2024-138', '2024-05', '2024-djf' or '2024'`);
}

function checkSpan(places: readonly Place[], { first, last }: Years): void {
  const years = places.map((place) => place.year);
  const [from, to] = [years.reduce((a, b) => Math.min(a, b), Infinity), years.reduce((a, b) => Math.max(a, b), -Infinity)];
  if (from <= first && to >= last) return;
  const has = years.length === 0 ? 'has no dates' : `spans ${from} to ${to}`;
  throw invalidArgument(ID, 'climatology_period', `the data must span the years ${first} to ${last}, but ${has}`);
}

const numbered = (count: number, digits: number) => Array.from({ length: count }, (_, i) => String(i + 1).padStart(digits, '0'));

/** Labels of the result, in order. */
const names: Readonly<Record<string, readonly string[]>> = {
  day: numbered(365, 3),
  month: numbered(12, 2),
  season: ['djf', 'mam', 'jja', 'son'],
  'tropical-season': ['ndjfma', 'mjjaso'],
  'climatology-period': ['climatology-period'],
};

function groupsOf(places: readonly Place[], period: string, years: Years): Group[] {
  const labels = names[period];
  if (!labels) throw invalidArgument(ID, 'period', `'${period}' is no period; there are ${Object.keys(names).join(', ')}`);
  const members = new Map<string, number[]>(labels.map((label) => [label, []]));
  const isWhole = firstSeasonIsWhole(places, period, years);
  for (const [i, place] of places.entries()) {
    const { name, year } = share(place, period);
    const isCut = year === years.first && name === labels[0] && !isWhole;
    if (year >= years.first && year <= years.last && !isCut) members.get(name)!.push(i);
  }
  return labels.map((label) => ({ label, members: members.get(label)! }));
}

const isSeasonal = (period: string) => period === 'season' || period === 'tropical-season';

/** Months by which a season reaches into the year before. */
const reach = (period: string) => (period === 'season' ? [11] : [10, 11]);

/**
 * The first winter of the climatology begins in the year before it. It counts only when all of that
 * beginning is there.
 */
function firstSeasonIsWhole(places: readonly Place[], period: string, { first }: Years): boolean {
  if (!isSeasonal(period)) return true;
  const before = places.filter((place) => place.year === first - 1);
  return before.some((place) => place.season === names[period]![0]) || reach(period).every((month) => before.some((place) => place.month === month));
}

/** The normal that a label counts for, and in which year of the climatology. */
function share(place: Place, period: string): { readonly name: string; readonly year: number } {
  const { year, month, day } = place;
  if (isSeasonal(period)) return seasonalShare(place, period);
  if (period === 'climatology-period') return { name: period, year };
  if (period === 'month' && month !== undefined) return { name: names['month']![month]!, year };
  // Day 366 of leap years counts with day 365.
  if (period === 'day' && day !== undefined) return { name: names['day']![Math.min(day, 365) - 1]!, year };
  throw tooCoarse(period);
}

/** Winters count for the year in which they end. */
function seasonalShare({ year, month, season }: Place, period: string): { readonly name: string; readonly year: number } {
  const known = names[period]!;
  const first = reach(period);
  if (season !== undefined && known.includes(season)) return { name: season, year: season === known[0] ? year + 1 : year };
  if (month === undefined) throw tooCoarse(period);
  const length = 12 / known.length;
  return { name: known[Math.floor(((month - first[0]! + 12) % 12) / length)]!, year: first.includes(month) ? year + 1 : year };
}

const tooCoarse = (period: string) => invalidArgument(ID, 'data', `the labels of its temporal dimension stand for longer times than the period '${period}'`);
