/** What filters mean, one by one: unknown values, folded texts, times, arrays and places. */
import { describe, expect, it } from 'vitest';
import { calculate } from '../../../src/catalog/cql2/arithmetic.ts';
import { filterTest, truthOf } from '../../../src/catalog/cql2/evaluate.ts';
import { readFilter } from '../../../src/catalog/cql2/filter.ts';
import { instantOf } from '../../../src/catalog/cql2/instants.ts';
import { queryablesOf } from '../../../src/catalog/cql2/queryables.ts';
import { compareTexts, foldAccents, foldCase, likeTest } from '../../../src/catalog/cql2/text-folding.ts';
import type { StacItem } from '../../../src/catalog/types.ts';

const square = (w: number, s: number, size = 2) => ({ type: 'Polygon', coordinates: [[[w, s], [w + size, s], [w + size, s + size], [w, s + size], [w, s]]] });

const item = (properties: object = {}, geometry: StacItem['geometry'] = square(0, 0)) => ({ id: 'i', collection: 'c', geometry, properties: { datetime: '2020-06-01T00:00:00Z', ...properties } });
const truth = (text: string, of: ReturnType<typeof item> = item()) => truthOf(readFilter(text, 'cql2-text').expression)(of);

describe('what is unknown', () => {
  const known = item({ yes: 1, nothing: null, word: 'x' });

  it.each([
    // A missing property, one that is null and one of another type count alike.
    ['none = 1', null], ['nothing = 1', null], ['word = 1', null], ['none <> 1', null], ['NOT none = 1', null], ['none IS NULL', true], ['nothing IS NULL', true], ['word IS NULL', false], ['none = none', null],
    ['none = 1 AND yes = 1', null], ['none = 1 AND yes = 2', false], ['none = 1 OR yes = 1', true], ['none = 1 OR yes = 2', null], ['NOT (none = 1 AND yes = 2)', true], ['(none = 1) IS NULL', true],
    ['none IN (1, 2)', null], ['yes IN (none, 1)', true], ['yes IN (none, 2)', null], ['none NOT IN (1)', null], ['none LIKE \'%\'', null], ['none NOT LIKE \'x\'', null], ['yes BETWEEN none AND 0', false], ['yes BETWEEN none AND 2', null], ['none + 1 = 1', null], ['yes / 0 = 1', null], ['(yes / 0) IS NULL', true],
    ['CASEI(none) = \'x\'', null], ['A_CONTAINS(none, [1])', null], ['A_EQUALS(word, [])', null], ['T_AFTER(none, DATE(\'2020-01-01\'))', null], ['yes = word', null], ['word = none OR TRUE', true], ['(yes = 1) = TRUE', true],
  ])('%s is %s', (text, expected) => {
    expect(truth(text, known)).toBe(expected);
    expect(filterTest(readFilter(text, 'cql2-text'))(known)).toBe(expected === true);
  });

  it.each([['S_INTERSECTS(geometry, POINT(1 1))', null], ['NOT S_INTERSECTS(geometry, POINT(1 1))', null], ['S_DISJOINT(geometry, POINT(1 1))', null], ['geometry IS NULL', true]])('without a geometry %s is %s', (text, expected) => {
    expect(truth(text, item({}, null))).toBe(expected);
  });
});

describe('texts', () => {
  it.each([['ÉTÉ', 'été'], ['ΣΑΣ', 'σας'], ['İSTANBUL', 'istanbul'], ['STRASSE', 'strasse'], ['Ω', 'ω'], ['Ж', 'ж']])('%s and %s are the same but for case', (a, b) => {
    expect(foldCase(a)).toBe(foldCase(b));
  });

  it.each([['Łódź', 'Lodz'], ['été', 'ete'], ['Ångström', 'Angstrom'], ['Ørsted', 'Orsted'], ['e\u0301', 'e'], ['각', '각']])('%s without accents is %s', (text, bare) => {
    expect(foldAccents(text)).toBe(bare);
  });

  it.each([
    ['', '', true], ['', 'a', false], ['%', '', true], ['_', '', false], ['a%', 'abc', true], ['%c', 'abc', true], ['a_c', 'abc', true], ['a\\_c', 'abc', false], ['a\\_c', 'a_c', true], ['100\\%', '100%', true], ['100\\%', '1000', false], ['a\\\\b', 'a\\b', true], ['a\\', 'a\\', true],
    ['_', '😀', true], ['%b%d', 'abcd', true], ['%b%d', 'abcde', false], ['%ab%ab', 'abab', true], ['%ab%ab', 'aab', false], ['a.c', 'abc', false], ['%\n%', 'a\nb', true], ['abc', 'ABC', false],
  ])('LIKE %j takes %j: %s', (pattern, text, expected) => {
    expect(likeTest(pattern)(text)).toBe(expected);
  });

  it('a pattern of many wildcards takes little time', () => {
    const began = performance.now();
    expect(likeTest(`${'%a'.repeat(2000)}b`)('a'.repeat(20_000))).toBe(false);
    expect(performance.now() - began).toBeLessThan(1500);
  });

  it('are in the order of their code points', () => {
    const sorted = ['', 'A', 'a', 'aa', 'ab', 'b', 'é', '\uFFFD', '😀'];
    expect(sorted.toReversed().toSorted(compareTexts)).toEqual(sorted);
  });
});

describe('times', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0n], ['1970-01-01', 0n], ['1970-01-01T01:00:00+01:00', 0n], ['1969-12-31T23:59:59.999999Z', -1n], ['1970-01-01T00:00:00.0000005Z', 0n], ['1970-01-01T00:00:00.0000015Z', 2n], ['2000-02-29t12:00:00z', 951_825_600_000_000n], ['1990-12-31T23:59:60Z', 662_688_000_000_000n], ['0001-01-01T00:00:00Z', -62_135_596_800_000_000n],
    ['1900-02-29', null], ['2020-04-31', null], ['2020-00-01', null], ['0000-01-01', null], ['2020-01-01T24:00:00Z', null], ['2020-01-01T00:60:00Z', null], ['2020-01-01T00:00:61Z', null], ['2020-01-01T00:00:00+16:00', null], ['2020-01-01T00:00Z', null], ['2020-1-1', null], ['now', null], ['', null],
  ])('%s', (text, expected) => {
    expect(instantOf(text)).toBe(expected);
  });

  const june = 'INTERVAL(\'2020-06-01\', \'2020-06-30\')';
  it.each([
    [`T_DURING(${june}, INTERVAL('2020-01-01', '2020-12-31'))`, true], [`T_CONTAINS(INTERVAL('2020-01-01', '2020-12-31'), ${june})`, true], [`T_AFTER(DATE('2020-07-01'), ${june})`, true], [`T_AFTER(TIMESTAMP('2020-06-30T12:00:00Z'), ${june})`, false], [`T_BEFORE(DATE('2020-05-31'), ${june})`, true],
    [`T_MEETS(INTERVAL('2020-05-01T00:00:00Z', '2020-06-01T00:00:00Z'), ${june})`, true], [`T_METBY(INTERVAL('2020-07-01T00:00:00Z', '..'), INTERVAL('..', '2020-07-01T00:00:00Z'))`, true], [`T_STARTS(INTERVAL('2020-06-01', '2020-06-02'), ${june})`, true], [`T_STARTEDBY(${june}, INTERVAL('2020-06-01', '2020-06-02'))`, true],
    [`T_FINISHES(INTERVAL('2020-06-29', '2020-06-30'), ${june})`, true], [`T_FINISHEDBY(${june}, INTERVAL('2020-06-29', '2020-06-30'))`, true], [`T_OVERLAPS(INTERVAL('2020-05-01', '2020-06-10'), ${june})`, true], [`T_OVERLAPPEDBY(${june}, INTERVAL('2020-05-01', '2020-06-10'))`, true], [`T_EQUALS(${june}, ${june})`, true], [`T_DISJOINT(${june}, DATE('2021-01-01'))`, true], [`T_INTERSECTS(${june}, INTERVAL('2020-06-30T23:59:59Z', '..'))`, true],
  ])('%s is %s', (text, expected) => {
    expect(truth(text)).toBe(expected);
  });

  it('an item without an instant has its interval in relations, and no instant to compare', () => {
    const long = item({ datetime: null, start_datetime: '2020-01-01T00:00:00Z', end_datetime: '2020-12-31T00:00:00Z' });
    expect(truth('T_INTERSECTS(datetime, DATE(\'2020-06-01\'))', long)).toBe(true);
    expect(truth('T_DURING(datetime, INTERVAL(\'2020-02-01\', \'..\'))', long)).toBe(false);
    expect(truth('datetime > DATE(\'2019-01-01\')', long)).toBe(null);
    expect(truth('T_DURING(INTERVAL(start_datetime, end_datetime), INTERVAL(\'2019-01-01\', \'2021-01-01\'))', long)).toBe(true);
  });

  it('a text is a time where a time is wanted', () => {
    const filter = { op: '<=', args: [{ property: 'datetime' }, '2020-06-01T02:00:00+02:00'] };
    expect(filterTest(readFilter(filter, 'cql2-json'))(item())).toBe(true);
  });
});

describe('arrays', () => {
  it.each([['A_CONTAINS(k, [\'a\'])', true], ['A_CONTAINS(k, [])', true], ['A_CONTAINS(k, [\'z\'])', false], ['A_CONTAINEDBY(k, [\'a\', \'b\', \'c\'])', true], ['A_EQUALS(k, [\'b\', \'a\', \'b\'])', true], ['A_EQUALS(k, [\'a\'])', false], ['A_OVERLAPS(k, [\'z\', \'b\'])', true], ['A_OVERLAPS(k, [])', false], ['A_CONTAINS(k, [1])', false], ['array_length(k) = 2', true]])('%s is %s', (text, expected) => {
    expect(truth(text, item({ k: ['a', 'b'] }))).toBe(expected);
  });
});

describe('places', () => {
  it.each([
    ['S_INTERSECTS(geometry, POINT(2 1))', true], ['S_TOUCHES(geometry, POINT(2 1))', true], ['S_CONTAINS(geometry, POINT(2 1))', false], ['S_CONTAINS(geometry, POINT(1 1))', true], ['S_WITHIN(POINT(1 1), geometry)', true], ['S_WITHIN(geometry, BBOX(0,0,2,2))', true], ['S_EQUALS(geometry, POLYGON((2 2, 0 2, 0 0, 2 0, 2 2)))', true], ['S_OVERLAPS(geometry, BBOX(1,1,3,3))', true], ['S_CROSSES(geometry, LINESTRING(-1 1, 3 1))', true], ['S_CROSSES(LINESTRING(-1 1, 3 1), geometry)', true], ['S_DISJOINT(geometry, POINT(3 3))', true], ['S_EQUALS(geometry, geometry)', true],
  ])('%s is %s', (text, expected) => {
    expect(truth(text)).toBe(expected);
  });

  it('across the antimeridian are found from both sides', () => {
    const both = { type: 'MultiPolygon', coordinates: [square(178, 0).coordinates, square(-180, 0).coordinates] };
    expect(truth('S_INTERSECTS(geometry, BBOX(179, 0, -179, 1))', item({}, both))).toBe(true);
    expect(truth('S_WITHIN(geometry, BBOX(177, -1, -177, 3))', item({}, both))).toBe(true);
    expect(truth('S_WITHIN(geometry, BBOX(177, -1, -179, 3))', item({}, both))).toBe(false);
    expect(truth('S_DISJOINT(geometry, BBOX(179, 0, -179, 1))', item({}, square(0, 0)))).toBe(true);
  });

  it('of an item that crosses itself only intersections can be told', () => {
    const knot = { type: 'Polygon', coordinates: [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]] };
    expect(truth('S_INTERSECTS(geometry, BBOX(0, 0, 2, 2))', item({}, knot))).toBe(true);
    expect(truth('S_WITHIN(geometry, BBOX(-1, -1, 3, 3))', item({}, knot))).toBe(null);
  });
});

it.each([['+', 1e308, 1e308, null], ['*', 1e-200, 1e-200, null], ['*', 0, 5, 0], ['/', 0, 0, null], ['/', 1, 4, 0.25], ['%', -7, 3, -1], ['%', 7, 0, null], ['div', -7, 2, -3], ['^', -8, 1 / 3, null], ['^', 0, -1, null], ['^', 0, 0, 1], ['-', 1, 1, 0]] as const)('%s of %s and %s is %s', (op, a, b, expected) => {
  expect(calculate(op, a, b)).toBe(expected);
});

describe('queryables', () => {
  const closed = queryablesOf({ properties: { 'eo:cloud_cover': { type: 'number' }, platform: { type: 'string' }, made: { type: 'string', format: 'date-time' }, id: { type: 'string' } }, additionalProperties: false });

  it('that are all there are let no other name pass', () => {
    expect(() => readFilter('platfrom = \'x\'', 'cql2-text', closed)).toThrow('at character 1: there is no property \'platfrom\' to filter by; see the queryables');
    expect(() => readFilter({ op: 'isNull', args: [{ property: 'cloud' }] }, 'cql2-json', closed)).toThrow('at filter.args[0]: there is no property \'cloud\'');
    readFilter('platform = \'x\' AND properties.eo:cloud_cover < 5', 'cql2-text', closed);
  });

  it('tell the types', () => {
    expect(() => readFilter('eo:cloud_cover = \'x\'', 'cql2-text', closed)).toThrow('expected a number, but found a text');
    expect(() => readFilter('platform > 5', 'cql2-text', closed)).toThrow('a text');
    expect(filterTest(readFilter('made < \'2020-01-01\'', 'cql2-text', closed))(item({ made: '2019-12-31T23:59:59Z' }))).toBe(true);
    readFilter('anything = 5', 'cql2-text', queryablesOf({ properties: {}, additionalProperties: true }));
  });
});
