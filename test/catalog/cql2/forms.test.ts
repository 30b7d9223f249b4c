/** CQL2 text and CQL2 JSON: two spellings of one tree. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cql2Error, readFilter } from '../../../src/catalog/cql2/filter.ts';
import { parseJson } from '../../../src/catalog/cql2/parse-json.ts';
import { parseText } from '../../../src/catalog/cql2/parse-text.ts';
import { writeJson, writeText } from '../../../src/catalog/cql2/write.ts';
import { filter } from './world.ts';

const p = (name: string) => ({ property: name });
const op = (name: string, ...args: unknown[]) => ({ op: name, args });
const square = { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] };

/** Every rule of the grammar, and what stac-api-validator sends. */
const spellings: readonly (readonly [string, unknown])[] = [
  ['collection = \'sentinel-2-l2a\'', op('=', p('collection'), 'sentinel-2-l2a')],
  ['eo:cloud_cover <> 10', op('<>', p('eo:cloud_cover'), 10)],
  ['a<1', op('<', p('a'), 1)], ['a<=1', op('<=', p('a'), 1)], ['a>1', op('>', p('a'), 1)], ['a>=1', op('>=', p('a'), 1)],
  ['a = -1.5e-3', op('=', p('a'), -0.0015)], ['a = +.5', op('=', p('a'), 0.5)], ['a = 5.', op('=', p('a'), 5)],
  ['a = \'it\'\'s\'', op('=', p('a'), 'it\'s')], ['a = \'it\\\'s\'', op('=', p('a'), 'it\'s')], ['a = \'\'', op('=', p('a'), '')],
  ['"a b""c" = TRUE', op('=', p('a b"c'), true)], ['"like" = false', op('=', p('like'), false)], ['straße = 1', op('=', p('straße'), 1)],
  ['datetime > TIMESTAMP(\'2022-04-13T10:14:58Z\')', op('>', p('datetime'), { timestamp: '2022-04-13T10:14:58Z' })],
  ['updated = DATE(\'2022-04-13\')', op('=', p('updated'), { date: '2022-04-13' })],
  ['a = 1 AND b = 2 OR c = 3', op('or', op('and', op('=', p('a'), 1), op('=', p('b'), 2)), op('=', p('c'), 3))],
  ['a = 1 and (b = 2 or c = 3)', op('and', op('=', p('a'), 1), op('or', op('=', p('b'), 2), op('=', p('c'), 3)))],
  ['a = 1 AND b = 2 AND c = 3', op('and', op('=', p('a'), 1), op('=', p('b'), 2), op('=', p('c'), 3))],
  ['NOT a = 1 AND b = 2', op('and', op('not', op('=', p('a'), 1)), op('=', p('b'), 2))], ['NOT NOT a = 1', op('not', op('not', op('=', p('a'), 1)))],
  ['a IS NULL', op('isNull', p('a'))], ['a IS NOT NULL', op('not', op('isNull', p('a')))], ['geometry is null', op('isNull', p('geometry'))],
  ['a LIKE \'x%\'', op('like', p('a'), 'x%')], ['a NOT LIKE \'x_\'', op('not', op('like', p('a'), 'x_'))], ['CASEI(a) LIKE CASEI(\'X%\')', op('like', op('casei', p('a')), op('casei', 'X%'))],
  ['a BETWEEN 1 AND 2 AND b = 3', op('and', op('between', p('a'), 1, 2), op('=', p('b'), 3))], ['a NOT BETWEEN 1 + 1 AND 2', op('not', op('between', p('a'), op('+', 1, 1), 2))],
  ['a IN (1, 2)', op('in', p('a'), [1, 2])], ['a NOT IN (\'x\')', op('not', op('in', p('a'), ['x']))], ['ACCENTI(CASEI(a)) IN (ACCENTI(CASEI(\'Ő\')))', op('in', op('accenti', op('casei', p('a'))), [op('accenti', op('casei', 'Ő'))])],
  ['a + b * c = 1', op('=', op('+', p('a'), op('*', p('b'), p('c'))), 1)], ['(a + b) * c = 1', op('=', op('*', op('+', p('a'), p('b')), p('c')), 1)],
  ['a - b - 1 = 0', op('=', op('-', op('-', p('a'), p('b')), 1), 0)], ['a-1 = b', op('=', op('-', p('a'), 1), p('b'))], ['2 ^ 3 ^ 2 = a', op('=', op('^', 2, op('^', 3, 2)), p('a'))],
  ['a % 2 = 1', op('=', op('%', p('a'), 2), 1)], ['a DIV 2 / 3 = 1', op('=', op('/', op('div', p('a'), 2), 3), 1)], ['-a = 1', op('=', op('*', -1, p('a')), 1)],
  ['a = b', op('=', p('a'), p('b'))], ['1 = a', op('=', 1, p('a'))], ['(a = 1) = (b = 2)', op('=', op('=', p('a'), 1), op('=', p('b'), 2))],
  ['S_INTERSECTS(geometry, POINT(-79.54 43.58))', op('s_intersects', p('geometry'), { type: 'Point', coordinates: [-79.54, 43.58] })],
  ['s_within(geometry, POLYGON((0 0, 1 0, 1 1, 0 0)))', op('s_within', p('geometry'), square)],
  ['S_EQUALS(POINT Z (1 2 3), geometry)', op('s_equals', { type: 'Point', coordinates: [1, 2, 3] }, p('geometry'))],
  ['S_CROSSES(geometry, LINESTRING(0 0, 1 1))', op('s_crosses', p('geometry'), { type: 'LineString', coordinates: [[0, 0], [1, 1]] })],
  ['S_TOUCHES(geometry, MULTIPOINT((0 0), (1 1)))', op('s_touches', p('geometry'), { type: 'MultiPoint', coordinates: [[0, 0], [1, 1]] })],
  ['S_TOUCHES(geometry, MULTIPOINT(0 0, 1 1))', op('s_touches', p('geometry'), { type: 'MultiPoint', coordinates: [[0, 0], [1, 1]] })],
  ['S_OVERLAPS(geometry, MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0))))', op('s_overlaps', p('geometry'), { type: 'MultiPolygon', coordinates: [square.coordinates] })],
  ['S_DISJOINT(geometry, MULTILINESTRING((0 0, 1 1), (2 2, 3 3)))', op('s_disjoint', p('geometry'), { type: 'MultiLineString', coordinates: [[[0, 0], [1, 1]], [[2, 2], [3, 3]]] })],
  ['S_CONTAINS(geometry, GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1)))', op('s_contains', p('geometry'), { type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [1, 1] }, { type: 'LineString', coordinates: [[0, 0], [1, 1]] }] })],
  ['S_INTERSECTS(geometry, BBOX(-180, -90, 180, 90))', op('s_intersects', p('geometry'), { bbox: [-180, -90, 180, 90] })], ['S_INTERSECTS(geometry, BBOX(1,2,3,4,5,6))', op('s_intersects', p('geometry'), { bbox: [1, 2, 3, 4, 5, 6] })],
  ['T_INTERSECTS(datetime, INTERVAL(\'2020-11-11T00:00:00Z\', \'..\'))', op('t_intersects', p('datetime'), { interval: ['2020-11-11T00:00:00Z', '..'] })],
  ['T_FINISHEDBY(INTERVAL(start_datetime, end_datetime), INTERVAL(\'..\', \'2021-01-01\'))', op('t_finishedBy', { interval: [p('start_datetime'), p('end_datetime')] }, { interval: ['..', '2021-01-01'] })],
  ['t_after(created, DATE(\'2020-01-01\'))', op('t_after', p('created'), { date: '2020-01-01' })],
  ['A_CONTAINS(keywords, [\'a\', \'b\'])', op('a_contains', p('keywords'), ['a', 'b'])], ['A_containedBy(x, [1, TRUE, [2]])', op('a_containedBy', p('x'), [1, true, [2]])], ['A_EQUALS([], x)', op('a_equals', [], p('x'))], ['A_CONTAINS(x, (\'a\', TIMESTAMP(\'2020-01-01T00:00:00Z\'), DATE(\'2020-01-01\')))', op('a_contains', p('x'), ['a', { timestamp: '2020-01-01T00:00:00Z' }, { date: '2020-01-01' }])], ['A_EQUALS((1), ())', op('a_equals', [1], [])],
  ['A_CONTAINEDBY((b, (c + 1) * 2, c - 1, (\'x\', (2))), x)', op('a_containedBy', [p('b'), op('*', op('+', p('c'), 1), 2), op('-', p('c'), 1), ['x', [2]]], p('x'))], ['array_length((1, 2)) = 2', op('=', op('array_length', [1, 2]), 2)], ['A_OVERLAPS(x, y)', op('a_overlaps', p('x'), p('y'))],
  ['abs(a) > 1', op('>', op('abs', p('a')), 1)], ['TRUE', true], ['false OR a = 1', op('or', false, op('=', p('a'), 1))],
];

describe('the two forms', () => {
  it.each(spellings)('%s', (text, json) => {
    const tree = parseText(text);
    expect(writeJson(tree)).toEqual(json);
    expect(writeJson(parseJson(json))).toEqual(json);
    expect(writeJson(parseText(writeText(tree)))).toEqual(json);
    readFilter(text, 'cql2-text');
  });

  it('lead from one to the other and back, whatever the filter', () => {
    let written = 0;
    fc.assert(fc.property(filter, (json) => {
      const tree = parseJson(json);
      expect(writeJson(parseJson(writeJson(tree)))).toEqual(writeJson(tree));
      if (JSON.stringify(json).match(/\\\\("|')/)) return;
      written++;
      expect(writeJson(parseText(writeText(tree)))).toEqual(writeJson(tree));
    }), { numRuns: 2000, seed: 3 });
    expect(written).toBeGreaterThan(1500);
  });

  it('can\'t both write a backslash before a quote', () => {
    for (const value of ['x\\', 'x\\\'y']) expect(() => writeText(parseJson(op('=', p('a'), value)))).toThrow('no way to write a backslash');
  });
});

describe('forms of drafts', () => {
  it.each([
    [op('between', p('a'), [0, 50]), op('between', p('a'), 0, 50)], [{ op: 'isNull', args: p('a') }, op('isNull', p('a'))],
    [op('=', { casei: p('a') }, { casei: 'X' }), op('=', op('casei', p('a')), op('casei', 'X'))], [op('=', { function: { name: 'abs', args: [p('a')] } }, 1), op('=', op('abs', p('a')), 1)],
  ])('%j is understood', (draft, final) => {
    expect(writeJson(readFilter(draft, 'cql2-json').expression)).toEqual(final);
  });
});

describe('faults of text', () => {
  it.each([
    ['', 'character 1', 'expected a property'], ['a', 'character 1', 'the property \'a\' alone'], ['a =', 'character 4', 'the end of the filter'], ['= 1', 'character 1', '\'=\''], ['a = 1 b', 'character 7', 'expected AND, OR'],
    ['a == 1', 'character 4', '\'=\''], ['a = 1 AND', 'character 10', 'the end'], ['(a = 1', 'character 7', 'expected \')\''], ['a = 1)', 'character 6', '\')\''], ['a = #', 'character 5', '\'#\' is no sign'],
    ['a BETWEEN 1 OR 2', 'character 13', 'expected AND'], ['a IS 1', 'character 6', 'expected NULL'], ['a NOT = 1', 'character 7', 'LIKE, BETWEEN or IN'], ['a IN 1', 'character 6', 'expected \'(\''], ['a IN ()', 'character 6', 'empty'], ['a IN (1', 'character 8', '\',\' or \')\''],
    ['"" = 1', 'character 1', 'is empty'], ['a = 1x', 'character 6', 'can\'t be followed by'], ['a = 1e999', 'character 5', 'finite'], ['and = 1', 'character 1', 'expected a property'],
    ['a = DATE(\'2020-02-30\')', 'character 10', 'a date such as'], ['a = DATE(2020)', 'character 10', 'a date in quotes'], ['a = TIMESTAMP(\'2020-01-01\')', 'character 15', 'date-time such as'], ['T_AFTER(a, INTERVAL(\'2020-13-01\', \'..\'))', 'character 21', 'date'], ['T_AFTER(a, INTERVAL(\'..\'))', 'character 25', '\',\''],
    ['S_INTERSECTS(geometry, POINT(1))', 'character 31', 'a number'], ['S_INTERSECTS(geometry, POINT(1 200))', 'character 24', 'not longitude and latitude'], ['S_INTERSECTS(geometry, POLYGON((0 0, 1 1)))', 'character 24', 'can\'t be used'], ['S_INTERSECTS(geometry, BBOX(1,2,3))', 'character 24', 'four or six'], ['S_INTERSECTS(geometry, BBOX(1,5,3,2))', 'character 24', 'south'],
    ['S_INTERSECTS(geometry)', 'character 1', '2 arguments, not 1'], ['S_INTERSECTS(place, POINT(1 1))', 'character 14', 'no geometry'], ['geometry = 1', 'character 1', 'a geometry can\'t be compared'], ['x = [1]', 'character 5', 'an array can\'t be compared'],
    ['a LIKE b', 'character 8', 'the pattern'], ['a LIKE 5', 'character 8', 'expected a text'], ['1 = \'x\'', 'character 5', 'expected a number'], ['a + \'x\' = 1', 'character 5', 'expected a number'], ['id = 5', 'character 6', 'expected a text'], ['datetime = id', 'character 12', '\'id\' is a text'], ['datetime = \'soon\'', 'character 12', 'RFC 3339'],
    ['NOT 5', 'character 5', 'expected a condition'], ['a = 1 AND \'x\'', 'character 11', 'expected a condition'], ['a_contains(a, (geometry))', 'character 16', 'an array may contain'], ['a_contains(a, (b', 'character 17', '\',\' or \')\''], ['a_contains(a, [b = 1, POINT(1 1)])', 'character 23', 'an array may contain'], ['a = \'\u0000\'', 'character 5', 'U+0000'], ['s_crosses(geometry, datetime)', 'character 21', 'no geometry'],
  ])('%s', (text, place, reason) => {
    const read = () => readFilter(text, 'cql2-text');
    expect(read).toThrow(Cql2Error);
    expect(read).toThrow(`at ${place}: `);
    expect(read).toThrow(reason);
  });
});

describe('faults of JSON', () => {
  it.each<[unknown, string, string]>([
    [null, 'filter', 'isNull'], [{}, 'filter', 'expected one of'], [[], 'filter', 'expected a condition'], [5, 'filter', 'expected a condition'], [{ op: 7 }, 'filter.op', 'a text'], [{ op: 'drop' }, 'filter.op', 'no operator'], [{ op: 'constructor', args: [] }, 'filter.op', 'no operator'], [{ op: '__proto__', args: [] }, 'filter.op', 'no operator'],
    [{ op: 'and' }, 'filter', '2 arguments or more, not 0'], [{ op: 'and', args: {} }, 'filter.args', 'an array'], [op('and', true, null), 'filter.args[1]', 'null'], [op('=', p('a')), 'filter', '2 arguments, not 1'], [op('=', { property: {} }, 1), 'filter.args[0].property', 'a text'],
    [op('not', true, true), 'filter', '1 argument, not 2'], [op('in', p('a'), 5), 'filter.args[1]', 'a list'], [op('=', { date: 'x' }, p('a')), 'filter.args[0].date', 'a date'], [op('t_after', p('a'), { interval: ['..'] }), 'filter.args[1].interval', 'two ends'], [op('s_within', p('geometry'), { bbox: ['1', 2, 3, 4] }), 'filter.args[1].bbox', 'numbers'],
    [op('s_within', p('geometry'), { type: 'Circle' }), 'filter.args[1]', 'no GeoJSON geometry type'], [op('=', p('a'), '\uD800'), 'filter.args[1]', 'surrogate'], ['{', 'filter', 'not valid JSON'],
  ])('%j', (json, place, reason) => {
    const read = () => readFilter(json, 'cql2-json');
    expect(read).toThrow(Cql2Error);
    expect(read).toThrow(`at ${place}: `);
    expect(read).toThrow(reason);
  });
});

describe('limits', () => {
  it.each([
    ['parentheses', `${'('.repeat(5000)}a=1`], ['NOT', `${'NOT '.repeat(5000)}a=1`], ['signs', `${'- '.repeat(5000)}1 = a`], ['powers', `${'2^'.repeat(3000)}2 = a`], ['sums', `a${'+a'.repeat(1000)} = 1`], ['arrays', `a_equals(a, ${'['.repeat(3000)}`], ['functions', `${'abs('.repeat(3000)}`],
  ])('%s are nested only so deep', (_, text) => {
    expect(() => readFilter(text, 'cql2-text')).toThrow(/nested more than 64 deep/);
  });

  it('a filter has only so many parts and characters', () => {
    expect(() => readFilter(`a IN (${Array.from({ length: 6000 }, (_, i) => i).join(',')})`, 'cql2-text')).toThrow('more than 5000 parts');
    expect(() => readFilter(op('in', p('a'), Array.from({ length: 6000 }, (_, i) => i)), 'cql2-json')).toThrow('more than 5000 parts');
    expect(() => readFilter(`a = '${'x'.repeat(60_000)}'`, 'cql2-text')).toThrow('more than 50000 characters');
  });

  it('strange texts are refused in little time', () => {
    const began = performance.now();
    for (const text of ['\'' + '\\\'\''.repeat(15_000), '\''.repeat(49_999), '"'.repeat(49_999), '1'.repeat(49_999), 'a.'.repeat(24_000), ' '.repeat(49_999), '('.repeat(49_999), 'a=1 AND '.repeat(6000)]) expect(() => readFilter(text, 'cql2-text')).toThrow(Cql2Error);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

it('nothing but a Cql2Error comes of anything', () => {
  const words = ['a', 'geometry', 'datetime', 'id', '=', '<>', '(', ')', ',', '[', ']', '-', '*', 'AND', 'OR', 'NOT', 'IS', 'NULL', 'LIKE', 'IN', 'BETWEEN', '\'x\'', '5', 'TRUE', 'POINT', 'BBOX', 'INTERVAL', 'DATE', '\'2020-01-01\'', 'casei', 's_within', 't_after', 'a_equals', '"', '\''];
  const read = (value: unknown, language: 'cql2-text' | 'cql2-json') => {
    try {
      readFilter(value, language);
    } catch (error) {
      expect(error).toBeInstanceOf(Cql2Error);
    }
  };
  fc.assert(fc.property(fc.array(fc.constantFrom(...words), { maxLength: 15 }), (soup) => read(soup.join(' '), 'cql2-text')), { numRuns: 3000 });
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => read(text, 'cql2-text')), { numRuns: 2000 });
  const names = fc.constantFrom('=', 'and', 'not', 'in', 'between', 'like', 'isNull', '+', 's_within', 't_after', 'a_equals', 'casei', 'abs', 'x');
  const { node } = fc.letrec((tie) => ({ node: fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 1 }), fc.record({ op: names, args: fc.array(tie('node'), { maxLength: 3 }) }), fc.record({ property: fc.string() }), fc.record({ interval: fc.array(tie('node'), { maxLength: 2 }) }), fc.record({ type: fc.constantFrom('Point', 'Polygon'), coordinates: fc.jsonValue() })) }));
  fc.assert(fc.property(node, (json) => read(json, 'cql2-json')), { numRuns: 3000 });
});
