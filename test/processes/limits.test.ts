/** Arguments that would be dear or make no sense, beyond what the vectors ask. */
import { expect, it } from 'vitest';
import { evaluate } from '../../src/graph/evaluate.ts';
import { emptyScope, registry } from './registry.ts';

const run = (process_id: string, args: object) => evaluate({ process_graph: { n: { process_id, arguments: args, result: true } } }, registry, emptyScope());

it.each([
  ['array_create', { data: [1, 2], repeat: 1e9 }, 'the limit is 65536'],
  ['quantiles', { data: [1], probabilities: 1e9 }, 'from 2 to 10000'],
  ['quantiles', { data: [1], probabilities: [0.5, 0.1] }, 'ascending order'],
  ['quantiles', { data: [1] }, 'requires either'],
  ['quantiles', { data: [1], probabilities: [0.5], q: 2 }, 'only allows'],
  ['clip', { x: 1, min: 2, max: 1 }, 'should be lower'],
  ['count', { data: [1], condition: false }, "'condition'"],
  ['rearrange', { data: [1, 2], order: [0, 2] }, 'positions from 0 to 1'],
  ['sort', { data: ['b', 'a'] }, "'data'"],
  ['text_concat', { data: [[1]] }, "'data'"],
  ['array_append', { data: [1], value: 2, label: 'a' }, 'array without labels'],
  ['date_shift', { date: '2021-02-30', value: 1, unit: 'day' }, "'date'"],
  ['date_shift', { date: '2021-02-28', value: 1e15, unit: 'year' }, 'years 0000 to 9999'],
  ['date_between', { x: '12:00:00', min: '2020-01-01', max: '2021-01-01' }, 'times of day'],
])('%s refuses %o', async (process, args, message) => {
  await expect(run(process, args)).rejects.toThrow(message);
});

it.each([
  ['round', { x: 123.456, p: -400 }, 0],
  ['round', { x: 123.456, p: 400 }, 123.456],
  ['mod', { x: -5, y: Infinity }, -5],
  ['date_difference', { date1: '2020-01-31', date2: '2020-02-29', unit: 'month' }, 1],
  ['date_difference', { date1: '2020-01-01', date2: '2022-07-01', unit: 'year' }, 2.5],
  ['date_difference', { date1: '2020-02-01', date2: '2020-01-01', unit: 'month' }, -1],
  ['date_shift', { date: '2020-03-31T10:00:00+02:00', value: -1, unit: 'month' }, '2020-02-29T10:00:00+02:00'],
  ['date_between', { x: '12:00:00', min: '11:00:00', max: '12:00:00', exclude_max: true }, false],
  ['date_between', { x: '2020-01-01T00:30:00+01:00', min: '2019-12-31', max: '2020-01-01' }, true],
  ['sort', { data: ['2020-01-01T01:00:00+02:00', '2019-12-31T23:30:00Z', null], asc: false }, ['2019-12-31T23:30:00Z', '2020-01-01T01:00:00+02:00']],
  ['sort', { data: [2, 1, 3], asc: false }, [3, 2, 1]],
  ['array_create', { data: [], repeat: 2979818713805111 }, []],
  ['array_interpolate_linear', { data: [1, null, null, 4] }, [1, 2, 3, 4]],
])('%s of %o', async (process, args, expected) => {
  expect(await run(process, args)).toEqual(expected);
});

it('interpolates along instants, not along positions', async () => {
  const process_graph = {
    labeled: { process_id: 'array_create_labeled', arguments: { data: [0, null, 4], labels: ['2020-01-01', '2020-01-02', '2020-01-05'] } },
    filled: { process_id: 'array_interpolate_linear', arguments: { data: { from_node: 'labeled' } }, result: true },
  };
  expect(await evaluate({ process_graph }, registry, emptyScope())).toMatchObject({ values: [0, 1, 4] });
});
