/** Filters as clients send them, in either form. Everything a caller needs of CQL2 is here. */
import { checkFilter, type Filter } from './check.ts';
import { parseJson } from './parse-json.ts';
import { parseText } from './parse-text.ts';
import { anyQueryables, type Queryables } from './queryables.ts';
import { Cql2Error } from './tree.ts';

export type { Filter } from './check.ts';
export { Cql2Error } from './tree.ts';

export const filterLanguages = ['cql2-text', 'cql2-json'] as const;
export type FilterLanguage = (typeof filterLanguages)[number];

/**
 * Reads and checks a filter. CQL2 JSON may be an object or, as in a query string, the text of one. Throws
 * Cql2Error, whose message names the place of the fault.
 */
export function readFilter(value: unknown, language: FilterLanguage, queryables: Queryables = anyQueryables): Filter {
  if (language === 'cql2-json') return checkFilter(parseJson(typeof value === 'string' ? parsed(value) : value), queryables);
  if (typeof value !== 'string') throw new Cql2Error('filter', 'CQL2 text is a text; an object is CQL2 JSON (filter-lang cql2-json)');
  return checkFilter(parseText(value), queryables);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Cql2Error('filter', `it is not valid JSON: ${(cause as Error).message.slice(0, 120)}`);
  }
}
