/** For tests: items that differ in everything a filter can ask for, and filters made at random. */
import fc from 'fast-check';
import type { StacItem } from '../../../src/catalog/types.ts';

export const COLLECTION = 'world';

const texts = ['', 'a', 'A', 'ab', 'Ábc', 'abc', 'ÉTÉ', 'été', 'Straße', 'Łódź', 'lodz', '100%', 'a_c', 'it\'s', 'x\\y', '😀', '\uFFFD', 'Ω', 'ω', 'ΣΑΣ', 'σας', 'İstanbul', 'sentinel-2a', 'Sentinel-2A', '5', 'true'];
const numbers = [-2, -1, -0.5, 0, 0.1, 0.2, 0.3, 1, 2, 3, 5, 7.25, 10, 1e-200, 1e200, 50];
const instants = ['2020-01-01T00:00:00Z', '2020-01-01T01:00:00+01:00', '2020-06-01T10:00:00.123456Z', '2020-06-01T10:00:00.1234565Z', '2020-06-01T10:00:00Z', '2020-12-31T23:59:59.999999Z', '2021-01-01T00:00:00Z', '2019-02-28T12:00:00-05:00'];
const oddInstants = ['2020-02-30T00:00:00Z', '2020-01-01', '2020-06-01t10:00:00z', '2020-06-01T10:00:00', 'soon', '0000-01-01T00:00:00Z', '2020-01-01T24:00:00Z', 'infinity'];
const arrays = [[], ['2020-01-01T00:00:00Z', '2020-01-01', 'a'], ['a'], ['a', 'b'], ['b', 'a', 'a'], [1, 2], [1], ['1'], [true], [['a'], 1], [null], [{ a: 1, b: 2 }]];

const text = fc.constantFrom(...texts);
const number = fc.constantFrom(...numbers);
const instant = fc.constantFrom(...instants);
const array = fc.constantFrom(...arrays);

/** Every property may be missing, null, or of another type than in other items. */
const oddity = fc.constantFrom<unknown>(null, null, 'a', 1, true, false, ['a'], { a: 1 });
const mostly = <T>(usual: fc.Arbitrary<T>) => fc.oneof({ weight: 6, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: oddity });

const properties = fc.record({
  text: mostly(text), 'other:text': mostly(text), number: mostly(number), 'eo:number': mostly(number), flag: mostly(fc.boolean()), list: mostly(array), list2: mostly(array),
  created: mostly(fc.oneof(instant, fc.constantFrom(...oddInstants))), nested: fc.record({ text, deep: fc.record({ number }) }), any: fc.oneof(text, number, fc.boolean(), array, oddity),
}, { requiredKeys: [] });

const time = fc.oneof(
  { weight: 3, arbitrary: instant.map((datetime) => ({ datetime })) },
  { weight: 1, arbitrary: fc.tuple(instant, instant).map(([a, b]) => (Date.parse(a) <= Date.parse(b) ? { datetime: null, start_datetime: a, end_datetime: b } : { datetime: null, start_datetime: b, end_datetime: a })) },
);

const box = (w: number, s: number, width: number, height: number) => ({ type: 'Polygon', coordinates: [[[w, s], [w + width, s], [w + width, s + height], [w, s + height], [w, s]]] });
const geometries = [box(0, 0, 2, 2), box(1, 1, 2, 2), box(2, 0, 2, 2), box(0, 0, 1, 1), box(10, 10, 5, 5), box(178, 0, 2, 2), box(-180, 0, 2, 2),
  { type: 'Point', coordinates: [1, 1] }, { type: 'Point', coordinates: [20, 20] }, { type: 'LineString', coordinates: [[-1, 1], [3, 1]] },
  { type: 'MultiPolygon', coordinates: [box(178, 0, 2, 1).coordinates, box(-180, 0, 1, 1).coordinates] },
  // Crosses itself: no relation but intersection can be told.
  { type: 'Polygon', coordinates: [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]] }, null];

function boxOf(geometry: (typeof geometries)[number]): number[] {
  if (geometry === null) return [0, 0, 0, 0];
  const points = (geometry.coordinates as unknown[]).flat(4) as number[];
  const [xs, ys] = [points.filter((_, i) => i % 2 === 0), points.filter((_, i) => i % 2 === 1)];
  const crosses = geometry.type === 'MultiPolygon';
  return crosses ? [178, 0, -179, 1] : [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Items as the catalog stores them; the same for the same seed. */
export function itemsOf(count: number, seed: number): StacItem[] {
  return fc.sample(fc.tuple(properties, time, fc.constantFrom(...geometries)), { numRuns: count, seed }).map(([some, when, geometry], i): StacItem => ({
    type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: `i${i}`, collection: COLLECTION, geometry, bbox: boxOf(geometry), links: [], assets: {},
    properties: JSON.parse(JSON.stringify({ ...some, ...when })) as StacItem['properties'],
  }));
}

type Json = unknown;
type Gen = fc.Arbitrary<Json>;

const call = (op: string | fc.Arbitrary<string>, ...args: Gen[]): Gen => fc.record({ op: typeof op === 'string' ? fc.constant(op) : op, args: fc.tuple(...args) });
const property = (...names: string[]): Gen => fc.constantFrom(...names).map((name) => ({ property: name }));
const oneOf = (...gens: Gen[]): Gen => fc.oneof(...gens);

const textExpression: Gen = oneOf(text, property('text', 'other:text', 'id', 'any', 'nested.text', 'missing'), call(fc.constantFrom('casei', 'accenti'), property('text', 'other:text', 'any')), call('casei', call('accenti', oneOf(text, property('text')))));
const { arithmetic } = fc.letrec<{ arithmetic: Json }>((tie) => ({
  arithmetic: fc.oneof({ maxDepth: 3 }, number, property('number', 'eo:number', 'any', 'nested.deep.number'), call(fc.constantFrom('+', '-', '*', '/', '%', 'div'), tie('arithmetic'), tie('arithmetic')), call('^', property('number', 'eo:number'), fc.constantFrom(-1, 0, 1, 2, 3)), call(fc.constantFrom('abs', 'ceil', 'floor'), tie('arithmetic')), call('length', property('text')), call('array_length', property('list'))),
}));
const day = fc.constantFrom('2020-01-01', '2020-06-01', '2021-01-01');
const instantExpression: Gen = oneOf(instant.map((timestamp) => ({ timestamp })), day.map((date) => ({ date })), property('datetime', 'created', 'start_datetime', 'end_datetime'));
const interval: Gen = fc.tuple(fc.constantFrom(['..', '2020-06-01'], ['2020-01-01T00:00:00Z', '2020-06-01T10:00:00Z'], ['2020-06-01', '2020-06-01'], ['2020-06-01T10:00:00Z', '..'], ['2019-01-01', '2021-12-31'], ['..', '..'], [{ property: 'start_datetime' }, { property: 'end_datetime' }], ['2020-01-01', { property: 'created' }])).map(([ends]) => ({ interval: ends }));
const timeExpression = oneOf(interval, instantExpression);
const listExpression: Gen = oneOf(array.filter((list) => !JSON.stringify(list).includes('null') && !JSON.stringify(list).includes('{')), property('list', 'list2', 'any'),
  fc.array(oneOf(text, number, property('text', 'any', 'number', 'datetime', 'id', 'missing'), fc.constantFrom<Json>({ timestamp: '2020-01-01T00:00:00Z' }, { date: '2020-01-01' }, ['a']), call('+', property('number'), number)), { maxLength: 3 }));
const shape: Gen = oneOf(fc.constantFrom<Json>(...geometries.slice(0, 11)), fc.constantFrom<Json>({ bbox: [0, 0, 2, 2] }, { bbox: [0, 0, 0, 2, 2, 9] }, { bbox: [177, -1, -178, 3] }, { bbox: [-180, -90, 180, 90] }, { bbox: [5, 5, 6, 6] }));
const comparison = fc.constantFrom('=', '<>', '<', '<=', '>', '>=');
const pattern = fc.constantFrom('%', 'a%', '%a', '_b%', '%\\%', 'a\\_c', 'x\\\\y', 'sentinel-__', '%É%', '', '😀', '_', '%c%', 'i%', 'a\\');
const temporal = fc.constantFrom('t_after', 't_before', 't_contains', 't_disjoint', 't_during', 't_equals', 't_finishedBy', 't_finishes', 't_intersects', 't_meets', 't_metBy', 't_overlappedBy', 't_overlaps', 't_startedBy', 't_starts');
const spatial = fc.constantFrom('s_intersects', 's_disjoint', 's_equals', 's_touches', 's_crosses', 's_overlaps', 's_contains', 's_within');
const geometry: Gen = property('geometry');

const predicate: Gen = fc.oneof(
  call(comparison, textExpression, textExpression), call(comparison, arithmetic, arithmetic), call(comparison, instantExpression, instantExpression),
  call(comparison, property('any', 'text', 'number', 'flag', 'list'), property('any', 'other:text', 'eo:number', 'missing')), call(fc.constantFrom('=', '<>'), property('flag', 'any'), fc.boolean()),
  call('like', oneOf(property('text', 'any', 'id'), call('casei', property('text'))), oneOf(pattern, call(fc.constantFrom('casei', 'accenti'), pattern))),
  call('between', arithmetic, number, arithmetic), call('between', property('text'), text, text), call('between', property('datetime'), instantExpression, instantExpression),
  call('in', property('text', 'any'), fc.array(text, { minLength: 1, maxLength: 4 })), call('in', arithmetic, fc.array(number, { minLength: 1, maxLength: 4 })), call('in', property('datetime', 'created'), fc.array(instant.map((timestamp) => ({ timestamp })), { minLength: 1, maxLength: 3 })),
  call('in', property('any'), fc.array(property('text', 'number', 'any'), { minLength: 1, maxLength: 3 })),
  call('isNull', oneOf(property('text', 'any', 'missing', 'geometry', 'datetime', 'id', 'nested.none'), arithmetic, call('=', property('any'), number))),
  call(temporal, timeExpression, timeExpression), call(fc.constantFrom('a_equals', 'a_contains', 'a_containedBy', 'a_overlaps'), listExpression, listExpression),
  fc.oneof(call(spatial, geometry, shape), call(spatial, shape, geometry), call(spatial, shape, shape), call(spatial, geometry, geometry)), fc.boolean(),
);

/** CQL2 JSON that is well-formed; some of it does not pass the checker, because types do not fit. */
export const { filter } = fc.letrec<{ filter: Json }>((tie) => ({
  filter: fc.oneof({ maxDepth: 3, withCrossShrink: true }, predicate, call('not', tie('filter')), call(fc.constantFrom('and', 'or'), tie('filter'), tie('filter')), call(fc.constantFrom('and', 'or'), tie('filter'), tie('filter'), tie('filter'))),
}));
