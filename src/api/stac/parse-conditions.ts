/** The query extension: { property: { comparison: value } }, as JSON in a query string or in a body. */
import { comparisons, times, type Comparison, type PropertyCondition } from '../../catalog/item-property.ts';
import { parseDatetime } from './parse-datetime.ts';
import { propertyName } from './property-name.ts';
import { invalidParameter } from './respond.ts';

const MAX_CONDITIONS = 100;
const MAX_VALUES = 10_000;

/** The value of `query` in a body. Throws StacRequestError (400). */
export function parseConditions(value: unknown): readonly PropertyCondition[] {
  const fields = members(value, 'it must be an object of properties, such as {"eo:cloud_cover": {"lt": 10}}');
  const conditions = fields.flatMap(([name, tests]) => {
    const property = propertyName('query', name);
    if (property === 'geometry' || property === 'bbox') throw invalidParameter('query', `'${property}' is no property; 'intersects' and 'bbox' ask for it`);
    return members(tests, `what is asked of '${name.slice(0, 80)}' must be an object such as {"eq": 1}`).map(([comparison, wanted]) => condition(property, comparison, wanted));
  });
  if (conditions.length > MAX_CONDITIONS) throw invalidParameter('query', `it may have ${MAX_CONDITIONS} conditions at most`);
  return conditions;
}

/** The same in a query string. */
export function parseConditionsText(text: string): readonly PropertyCondition[] {
  try {
    return parseConditions(JSON.parse(text) as unknown);
  } catch (error) {
    if (error instanceof SyntaxError) throw invalidParameter('query', 'it is not JSON');
    throw error;
  }
}

function members(value: unknown, reason: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidParameter('query', reason);
  return Object.entries(value);
}

function condition(property: string, name: string, value: unknown): PropertyCondition {
  const comparison = comparisons.find((known) => known === name);
  if (comparison === undefined) throw invalidParameter('query', `'${name.slice(0, 40)}' is none of ${comparisons.join(', ')}`);
  const wrong = (expected: string) => invalidParameter('query', `'${comparison}' of '${property.slice(0, 80)}' wants ${expected}`);
  if (comparison === 'in' && (!Array.isArray(value) || value.length > MAX_VALUES)) throw wrong(`a list of at most ${MAX_VALUES} values`);
  if ((comparison === 'startsWith' || comparison === 'endsWith') && typeof value !== 'string') throw wrong('a text');
  if (/^[lg]te?$/.test(comparison) && typeof value !== 'number' && typeof value !== 'string') throw wrong('a number or a text');
  return { property, comparison, value: isTime(property, comparison) ? instants(value, wrong) : value };
}

const isTime = (property: string, comparison: Comparison) => Object.hasOwn(times, property) && !/With$|^contains$/.test(comparison);

function instants(value: unknown, wrong: (expected: string) => Error): unknown {
  if (Array.isArray(value)) return value.map((entry) => instants(entry, wrong));
  if (typeof value !== 'string' || value.includes('/')) throw wrong('a time such as 2021-03-01T00:00:00Z');
  return parseDatetime(value, 'query')[0];
}
