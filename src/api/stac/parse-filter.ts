/** The parameters of the filter extension: `filter` in CQL2 text or JSON, `filter-lang` and `filter-crs`. */
import { anyQueryables, type Queryables } from '../../catalog/cql2/queryables.ts';
import { Cql2Error, filterLanguages, readFilter, type Filter, type FilterLanguage } from '../../catalog/cql2/filter.ts';
import { invalidParameter } from './respond.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Longitude and latitude: the only reference system of geometries in filters. */
const CRS84 = 'http://www.opengis.net/def/crs/OGC/1.3/CRS84';

/** Of a query string, where CQL2 text is usual; CQL2 JSON comes as text. `queryables` tell the types of properties. undefined: no filter. Throws StacRequestError (400). */
export function parseFilterText(query: Fields, queryables = anyQueryables): Filter | undefined {
  return parse(query, 'cql2-text', queryables);
}

/** Of a JSON body, where CQL2 JSON is usual. undefined: no filter. Throws StacRequestError (400). */
export function parseFilterBody(body: Fields): Filter | undefined {
  return parse(body, 'cql2-json', anyQueryables);
}

function parse(fields: Fields, usual: FilterLanguage, queryables: Queryables): Filter | undefined {
  const language = languageOf(fields['filter-lang'], usual);
  const crs = fields['filter-crs'];
  if (crs !== undefined && crs !== null && crs !== '' && crs !== CRS84) throw invalidParameter('filter-crs', `geometries in filters are in ${CRS84} only`);
  const { filter } = fields;
  if (filter === undefined || filter === null || filter === '') return undefined;
  if (Array.isArray(filter)) throw invalidParameter('filter', 'it may be given only once');
  try {
    return readFilter(filter, language, queryables);
  } catch (error) {
    if (error instanceof Cql2Error) throw invalidParameter('filter', error.message);
    throw error;
  }
}

function languageOf(value: unknown, usual: FilterLanguage): FilterLanguage {
  if (value === undefined || value === null || value === '') return usual;
  const known = filterLanguages.find((language) => language === value);
  if (known === undefined) throw invalidParameter('filter-lang', `it must be one of ${filterLanguages.join(', ')}`);
  return known;
}
