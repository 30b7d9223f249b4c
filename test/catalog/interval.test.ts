import { expect, it } from 'vitest';
import { intervalOfItem, unionInterval } from '../../src/catalog/interval.ts';
import { square } from '../federation/federation.ts';

it.each([
  ['one after the other', ['2020-01-01T00:00:00Z', '2020-02-01T00:00:00Z'], ['2021-01-01T00:00:00Z', '2021-02-01T00:00:00Z'], ['2020-01-01T00:00:00Z', '2021-02-01T00:00:00Z']],
  ['one in the other', ['2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z'], ['2020-06-01T00:00:00Z', '2020-07-01T00:00:00Z'], ['2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z']],
  ['zones, which texts do not sort by', ['2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z'], ['2020-01-01T01:00:00+02:00', '2019-12-31T23:30:00-01:00'], ['2020-01-01T01:00:00+02:00', '2019-12-31T23:30:00-01:00']],
  ['open ends', [null, '2020-01-01T00:00:00Z'], ['2019-01-01T00:00:00Z', null], [null, null]],
  ['two texts for one instant', ['2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z'], ['2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00.000Z'], ['2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z']],
] as const)('the interval that holds two: %s', (_, known, more, whole) => {
  expect(unionInterval<string | null>(known, more)).toEqual(whole);
});

it('begins with the first', () => {
  expect(unionInterval(null, ['2020-01-01T00:00:00Z', '2020-02-01T00:00:00Z'])).toEqual(['2020-01-01T00:00:00Z', '2020-02-01T00:00:00Z']);
});

it('an item covers its start to its end, or its instant', () => {
  expect(intervalOfItem(square('c', 'i', '2020-01-01T00:00:00Z', 0, 0))).toEqual(['2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z']);
  expect(intervalOfItem(square('c', 'i', '2020-01-01T00:00:00Z', 0, 0, { start_datetime: '2019-01-01T00:00:00Z', end_datetime: '2021-01-01T00:00:00Z' }))).toEqual(['2019-01-01T00:00:00Z', '2021-01-01T00:00:00Z']);
});
