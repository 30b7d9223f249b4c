/** Whatever a filter contains, none of it becomes SQL; and what reaches the database makes no error there. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cql2Error, readFilter } from '../../../src/catalog/cql2/filter.ts';
import { filterCondition } from '../../../src/catalog/cql2/sql.ts';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import { boxCondition } from '../../../src/catalog/item-search.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';
import { COLLECTION, itemsOf } from './world.ts';

const corpus = [
  '\'; drop table items; --', '\' or \'1\'=\'1', '" or ""="', '1; select pg_sleep(10)', '$1', '$9::text', '\\\'; delete from items; --', '%\' or true --', 'x\') or (\'1\'=\'1', '*/ drop table items /*', 'a\'||(select definition from items)||\'',
  '{"a":1}', '{a,b}', '}', '\\x00', 'E\'\\\\\'', 'U&\'\\0027\'', 'properties', 'definition', '; commit; drop schema public cascade', '-- ', '\u2019 or 1=1', '\'\'', '"', '\\', '\\\\', '${process.exit()}', '{{7*7}}', '<script>', 'a"b\'c`d', 'null', '..', '.a', 'a.', 'a..b', '0', '-1', 'collection', 'NaN',
];

const items = itemsOf(30, 5);
let fresh: FreshDatabase;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  const store = new CatalogStore(fresh.database);
  await store.putCollection(deriveCollection(COLLECTION, items, {}, null));
  await store.putItems(COLLECTION, items);
});
afterAll(() => fresh.stop());

const p = (name: string) => ({ property: name });
const op = (name: string, ...args: unknown[]) => ({ op: name, args });

/** Places in a filter where a client's text can stand. */
const places: readonly (readonly [string, (text: string) => unknown])[] = [
  ['a text', (text) => op('=', p('text'), text)], ['an order', (text) => op('<', p('text'), text)], ['a name', (text) => op('=', p(`x${text}`), 1)], ['a name of two', (text) => op('=', p(`x${text}`), p(`y${text}`))],
  ['a pattern', (text) => op('like', p('text'), text)], ['a folded text', (text) => op('=', op('casei', op('accenti', p('text'))), op('casei', op('accenti', text)))], ['a folded pattern', (text) => op('like', op('casei', p('text')), op('casei', text))],
  ['a list', (text) => op('in', p('text'), [text, 'b'])], ['an array', (text) => op('a_contains', p('list'), [text, [text]])], ['limits', (text) => op('between', p('text'), text, text)], ['a null test', (text) => op('isNull', p(`x${text}`))], ['a length', (text) => op('=', op('length', text), 3)],
];

function statement(json: unknown): { sql: string; params: unknown[] } {
  const params: unknown[] = [];
  return { sql: filterCondition(readFilter(json, 'cql2-json'), (value) => `$${params.push(value)}`, boxCondition).sql, params };
}

describe.each(places)('%s', (_, build) => {
  it.each(corpus)('%s changes values only', async (text) => {
    const { sql, params } = statement(build(text));
    expect(sql).toBe(statement(build('harmless')).sql);
    await fresh.database.query(`select id from items where ${sql}`, params);
  });
});

it('everything is still there', async () => {
  const [row] = await fresh.database.query<{ count: number }>('select count(*) as count from items');
  expect(row!.count).toBe(30);
});

it('texts that are cut short or go on are refused in CQL2 text', () => {
  for (const text of corpus) {
    const attempt = `text = '${text}' OR TRUE`;
    try {
      const params: unknown[] = [];
      const { sql } = filterCondition(readFilter(attempt, 'cql2-text'), (value) => `$${params.push(value)}`, boxCondition);
      // What is well-formed by chance consists of bound values as well.
      expect(sql.replace(/\$\d+/g, '')).not.toMatch(/drop|delete|sleep|select/);
    } catch (error) {
      expect(error, attempt).toBeInstanceOf(Cql2Error);
    }
  }
});

it('no filter that passes the checker makes an error in the database', async () => {
  const words = ['text', 'number', 'geometry', 'datetime', 'created', 'list', 'any', 'id', '=', '<>', '<', '(', ')', ',', '+', '/', '^', '%', 'AND', 'OR', 'NOT', 'IS NULL', 'LIKE', 'IN', 'BETWEEN', '\'x\'', '\'a\\b\'', '5', '0', '-1e300', '1e-300', 'TRUE', 'POINT(1 1)', 'BBOX(1,1,2,2)', 'INTERVAL(\'..\',\'2020-01-01\')', 'INTERVAL(created,created)', 'DATE(\'0001-01-01\')', 'TIMESTAMP(\'9999-12-31T23:59:60Z\')', 'casei(text)', 'abs(number)', '[1]', '[[]]'];
  const operand = fc.constantFrom(...words.filter((word) => /^[a-z0-9'[-]|^(TRUE|DATE|TIMESTAMP|INTERVAL)/.test(word)));
  const soup = fc.oneof(
    fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((some) => some.join(' ')),
    fc.tuple(operand, fc.constantFrom('=', '<', '+ 1 >', '/ 0 =', '^ 0.5 <', '% 0 =', 'div 3 <>', 'LIKE'), operand).map((some) => some.join(' ')),
    fc.tuple(fc.constantFrom('t_after', 't_equals', 't_disjoint', 's_within', 's_equals', 'a_equals', 'a_overlaps', 'NOT t_during'), operand, operand).map(([name, a, b]) => `${name}(${a}, ${b})`),
    operand.map((some) => `(${some}) IS NULL`), operand.map((some) => `(${some} = ${some}) = TRUE`),
  );
  let run = 0;
  await fc.assert(fc.asyncProperty(soup, async (text) => {
    const params: unknown[] = [];
    let sql: string;
    try {
      ({ sql } = filterCondition(readFilter(text, 'cql2-text'), (value) => `$${params.push(value)}`, boxCondition));
    } catch (error) {
      expect(error, text).toBeInstanceOf(Cql2Error);
      return;
    }
    run++;
    await fresh.database.query(`select id from items where ${sql}`, params);
  }), { numRuns: 3000, seed: 11 });
  expect(run).toBeGreaterThan(300);
}, 60_000);
