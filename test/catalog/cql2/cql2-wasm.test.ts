/**
 * A second reading of CQL2 by others (cql2-wasm): wherever it decides, it decides as we do, but for what is named here. It leaves a condition
 * undecided (and says so) when a property is absent, and knows no arrays, no DIV, and few relations of times.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { filterTest } from '../../../src/catalog/cql2/evaluate.ts';
import { Cql2Error, readFilter, type Filter } from '../../../src/catalog/cql2/filter.ts';
import type { StacItem } from '../../../src/catalog/types.ts';
import { filter } from './world.ts';

/** As far as it is needed; the types of this project have no browser in them. */
interface Wasm { instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: { __wbindgen_start?: () => void } } }>; RuntimeError: new () => Error }
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };

interface Expression { matches(item: unknown): boolean; to_json(): unknown; free(): void }
interface Cql2Wasm { parseText(text: string): Expression; parseJson(json: string): Expression; __wbg_set_wasm(exports: unknown): void }

let cql2: Cql2Wasm;
beforeAll(async () => {
  // Made for bundlers: here its two halves are put together by hand.
  const place = new URL('../../../node_modules/cql2-wasm/', import.meta.url);
  cql2 = (await import(new URL('cql2_wasm_bg.js', place).href)) as Cql2Wasm;
  const { instance } = await wasm.instantiate(readFileSync(new URL('cql2_wasm_bg.wasm', place)), { './cql2_wasm_bg.js': cql2 });
  cql2.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start?.();
});

const square = (west: number, south: number, size: number) => ({ type: 'Polygon', coordinates: [[[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]] });

/** Items that have every property that filters ask for, each of its own type. */
const items = fc.sample(fc.record({
  text: fc.constantFrom('', 'a', 'ab', 'abc', 'Sentinel-2A', 'sentinel-2a', 'a_c'), 'other:text': fc.constantFrom('a', 'abc', 'lodz'),
  number: fc.constantFrom(-2, -0.5, 0, 0.3, 1, 2, 7.25, 50), 'eo:number': fc.constantFrom(-1, 0.1, 2, 3, 5), flag: fc.boolean(),
  created: fc.constantFrom('2020-01-01T00:00:00Z', '2020-06-01T10:00:00Z', '2021-01-01T00:00:00Z'), datetime: fc.constantFrom('2020-01-01T00:00:00Z', '2020-06-01T10:00:00Z', '2020-12-31T23:59:59Z'),
  geometry: fc.constantFrom(square(0, 0, 2), square(1, 1, 2), square(2, 0, 2), square(10, 10, 5), { type: 'Point', coordinates: [1, 1] }),
}), { numRuns: 12, seed: 4 }).map(({ geometry, ...properties }, i) => ({ type: 'Feature', id: `i${i}`, collection: 'world', geometry, bbox: [0, 0, 1, 1], properties: { ...properties, nested: { text: 'a', deep: { number: 1 } } }, links: [], assets: {} }) as unknown as StacItem);

/** Everything of a kind that occurs in a filter: names of operators, properties, and what literals there are. */
function words(json: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(json)) for (const each of json) words(each, found);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return found;
  const { op, property, ...rest } = json as { op?: string; property?: string };
  if (op !== undefined) found.add(op);
  if (property !== undefined) found.add(`.${property}`);
  for (const name of ['date', 'interval', 'bbox', 'timestamp']) if (name in rest) found.add(`'${name}'`);
  if (!('coordinates' in rest)) for (const value of Object.values(rest)) words(value, found);
  return found;
}

/** What it reads otherwise, and why: filters of these kinds are set aside. */
const otherwise: readonly (readonly [reason: string, isSo: (found: Set<string>, json: string) => boolean])[] = [
  ['absent properties stay in the expression and are compared as names', (found) => ['.any', '.missing', '.list', '.list2', '.nested.none', '.start_datetime', '.end_datetime'].some((name) => found.has(name))],
  ['IN compares with a list that holds properties or functions as a whole', (found) => found.has('in')],
  ['a DATE is its midnight, not a day', (found) => found.has("'date'")],
  ['instants are compared as texts: zones and fractions count', (_, json) => /\+01:00|-05:00|\.\d+Z|"\.\."/.test(json)],
  ['BETWEEN of instants is not decided as two comparisons', (found) => found.has('between') && ['.datetime', '.created', "'timestamp'"].some((name) => found.has(name))],
  ['it knows no functions', (found) => ['abs', 'ceil', 'floor', 'length', 'array_length'].some((name) => found.has(name))],
  ['dates in an interval are their midnight', (_, json) => /"\d{4}-\d\d-\d\d"/.test(json)],
  ['what has no result (a division by zero) is infinite, not null', (found) => ['/', '%', '^', 'div'].some((name) => found.has(name))],
  ['letters that are no letter with an accent, such as Ł, stay', (found, json) => found.has('accenti') && /[ŁłØøßđ]/.test(json)],
  ['geometries across the antimeridian and boxes with heights', (_, json) => /178|-180|177|"bbox":\[0,0,0/.test(json)],
];

function read(json: unknown): Filter | null {
  try {
    return readFilter(json, 'cql2-json');
  } catch (error) {
    if (error instanceof Cql2Error) return null;
    throw error;
  }
}

/** null where it does not decide. */
function theirs(json: unknown, item: StacItem): boolean | null {
  try {
    return cql2.parseJson(JSON.stringify(json)).matches(item);
  } catch (error) {
    if (error instanceof wasm.RuntimeError) throw error;
    return null;
  }
}

describe('cql2-wasm', () => {
  it('decides 10,000 random filters as we do, wherever it decides', () => {
    const seen = { compared: 0, undecided: 0, set_aside: 0, yes: 0 };
    const differences = new Map<string, string>();
    for (const json of fc.sample(filter, { numRuns: 10_000, seed: 20261123 })) {
      const own = read(json);
      if (!own) continue;
      const [found, text] = [words(json), JSON.stringify(json)];
      if (otherwise.some(([, isSo]) => isSo(found, text))) {
        seen.set_aside++;
        continue;
      }
      const test = filterTest(own);
      for (const item of items) {
        const decided = theirs(json, item);
        if (decided === null) seen.undecided++;
        else {
          seen.compared++;
          if (decided) seen.yes++;
          if (decided !== test(item)) differences.set(text, `is ${String(decided)} of ${JSON.stringify([item.properties, item.geometry])}`);
        }
      }
    }
    expect([...differences].slice(0, 8).map(([each, why]) => `${each} ${why}`)).toEqual([]);
    expect(seen.compared).toBeGreaterThan(5000);
    expect(seen.yes).toBeGreaterThan(1000);
  }, 300_000);
});
