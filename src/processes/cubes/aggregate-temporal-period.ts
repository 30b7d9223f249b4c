/** aggregate_temporal_period: one value per calendar period. */
import type { Label } from '../../cube/dimension.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf, optionalTextOf, temporalIndex, textOf } from './arguments.ts';
import { calendars, type Calendar } from './calendar.ts';
import { meaningOf } from './fingerprint.ts';
import { aggregateGroups, type Group } from './groups.ts';
import { instant } from './temporal.ts';

const ID = 'aggregate_temporal_period';

/** Periods between the first and the last observation; more than that is a mistake. */
const MAX_PERIODS = 100_000;

export const aggregateTemporalPeriod: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const dimension = temporalIndex(cube, optionalTextOf(args, ID, 'dimension'));
    const period = textOf(args, ID, 'period');
    const calendar = calendars[period];
    if (!calendar) throw invalidArgument(ID, 'period', `'${period}' is no period; there are ${Object.keys(calendars).join(', ')}`);
    const groups = groupsOf(cube.dimensions[dimension]!.labels ?? [], calendar);
    return aggregateGroups(cube, dimension, groups, {
      process: ID, reducer: callbackOf(args, ID, 'reducer'), constants: contextOf(args), meaning: meaningOf(ID, args),
    });
  },
};

/** All periods from the first observation to the last, also empty ones. */
function groupsOf(labels: readonly Label[], calendar: Calendar): Group[] {
  const starts = labels.map((label) => calendar.start(timeOf(label)));
  if (starts.length === 0) return [];
  const groups: Group[] = [];
  const last = Math.max(...starts);
  for (let start = Math.min(...starts); start <= last; start = calendar.next(start)) {
    groups.push({ label: calendar.label(start), members: starts.flatMap((s, i) => (s === start ? [i] : [])) });
    if (groups.length > MAX_PERIODS) throw invalidArgument(ID, 'period', `the cube spans more than ${MAX_PERIODS} periods; filter_temporal before it, or take a longer period`);
  }
  return groups;
}

function timeOf(label: Label): number {
  const time = instant(String(label));
  if (Number.isNaN(time)) throw invalidArgument(ID, 'data', `the label '${label}' of the temporal dimension is no date`);
  return time;
}
