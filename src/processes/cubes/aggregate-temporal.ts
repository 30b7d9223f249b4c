/** aggregate_temporal: one value per interval. */
import type { Cube } from '../../cube/cube.ts';
import type { Label } from '../../cube/dimension.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Value } from '../../graph/value.ts';
import { callbackOf, contextOf, cubeOf, labelsOf, listOf, optionalTextOf, temporalIndex } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { aggregateGroups, type Group } from './groups.ts';
import { instant, intervalOf, pairOf, timeOfDay } from './temporal.ts';

const ID = 'aggregate_temporal';

export const aggregateTemporal: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const dimension = temporalIndex(cube, optionalTextOf(args, ID, 'dimension'));
    const intervals = listOf(args, ID, 'intervals');
    const memberships = intervals.map(membership);
    const labels = groupLabels(intervals, labelsOf(args, ID, 'labels'));
    const groups = groupsOf(cube, dimension, memberships, labels);
    return aggregateGroups(cube, dimension, groups, {
      process: ID, reducer: callbackOf(args, ID, 'reducer'), constants: contextOf(args), meaning: meaningOf(ID, args),
    });
  },
};

type Membership = (time: number) => boolean;

function groupsOf(cube: Cube, dimension: number, memberships: readonly Membership[], labels: readonly Label[]): Group[] {
  const times = (cube.dimensions[dimension]!.labels ?? []).map((label) => instant(String(label)));
  return memberships.map((contains, i) => ({ label: labels[i]!, members: times.flatMap((time, k) => (contains(time) ? [k] : [])) }));
}

/** Tests instants; an interval of times of day holds for every day and may run over midnight. */
function membership(interval: Value): Membership {
  const [from, to] = pairOf(interval, ID, 'intervals').map((end) => (end === null ? NaN : timeOfDay(end))) as [number, number];
  if (Number.isNaN(from) || Number.isNaN(to)) {
    const { start, end } = intervalOf(interval, ID, 'intervals');
    return (time) => time >= start && time < end;
  }
  const day = 86_400_000;
  const clock = (time: number) => ((time % day) + day) % day;
  if (from < to) return (time) => clock(time) >= from && clock(time) < to;
  return (time) => clock(time) >= from || clock(time) < to;
}

function groupLabels(intervals: readonly Value[], given: readonly Label[]): Label[] {
  if (given.length > 0 && given.length !== intervals.length) {
    throw invalidArgument(ID, 'labels', `there are ${given.length} labels for ${intervals.length} intervals`);
  }
  const labels = given.length > 0 ? [...given] : intervals.map((interval) => pairOf(interval, ID, 'intervals')[0] ?? '..');
  if (new Set(labels).size < labels.length) throw new OpenEOError('DistinctDimensionLabelsRequired', {}, { detail: 'Name them in the parameter \'labels\'.' });
  return labels;
}
