/** The sort extension: `sortby` as '+a,-b' in a query string, as objects in a body. */
import type { SortField } from '../../catalog/item-query.ts';
import { invalidParameter } from './respond.ts';
import { propertyName } from './property-name.ts';

const MAX_FIELDS = 10;

/** '-properties.datetime,id'; undefined when nothing is asked for. Throws StacRequestError (400). */
export function parseSortText(text: string): readonly SortField[] | undefined {
  // A '+' that was not encoded arrives as a space.
  return checked(text.split(',').map((part) => {
    const [, sign, name] = /^\s*([+-]?)\s*(.*?)\s*$/s.exec(part)!;
    return { property: propertyName('sortby', name!), direction: sign === '-' ? 'desc' : 'asc' };
  }));
}

/** [{ field, direction }]; a text is read as that of a query string. Throws StacRequestError (400). */
export function parseSortBody(value: unknown): readonly SortField[] | undefined {
  if (typeof value === 'string') return parseSortText(value);
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  return checked(list.map((entry) => {
    const { field, direction = 'asc' } = (typeof entry === 'object' && entry !== null ? entry : {}) as { field?: unknown; direction?: unknown };
    if (typeof field !== 'string') throw invalidParameter('sortby', 'it must be a list of objects with \'field\' and \'direction\'');
    if (direction !== 'asc' && direction !== 'desc') throw invalidParameter('sortby', `the direction of '${field.slice(0, 80)}' must be 'asc' or 'desc'`);
    return { property: propertyName('sortby', field), direction };
  }));
}

function checked(fields: readonly SortField[]): readonly SortField[] | undefined {
  if (fields.length > MAX_FIELDS) throw invalidParameter('sortby', `it may have ${MAX_FIELDS} fields at most`);
  const unsortable = fields.find(({ property }) => property === 'geometry' || property === 'bbox');
  if (unsortable) throw invalidParameter('sortby', `items have no order by '${unsortable.property}'`);
  const seen = new Set<string>();
  // The second time a field is named it decides nothing any more.
  const distinct = fields.filter(({ property }) => !seen.has(property) && seen.add(property));
  return distinct.length === 0 ? undefined : distinct;
}
