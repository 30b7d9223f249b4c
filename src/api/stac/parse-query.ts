/** Search parameters as clients send them: in the query string (text) or in a JSON body. */
import { parseGeometry, GeometryError, type Geometry } from '../../geo/geometry.ts';
import type { ItemQuery } from '../../catalog/item-source.ts';
import { invalidParameter, StacRequestError } from './respond.ts';
import { parseConditions, parseConditionsText } from './parse-conditions.ts';
import { parseDatetime } from './parse-datetime.ts';
import { parseFilterBody, parseFilterText } from './parse-filter.ts';
import { parseFieldsBody, parseFieldsText, type FieldChoice } from './fields.ts';
import { parseSortBody, parseSortText } from './parse-sort.ts';

export const DEFAULT_LIMIT = 10;
/** More are never sent on one page; a larger limit is not an error. */
export const MAX_LIMIT = 1000;
const MAX_IDS = 10_000;

type Fields = Readonly<Record<string, unknown>>;

/** Extensions of the standard that would change the result: better refused than silently left out. */
const unsupported = ['q'];

/** Throws StacRequestError (400). */
export function parseSearchQuery(query: Fields): ItemQuery {
  refuseUnsupported(query);
  const intersects = text(query, 'intersects');
  return checked({
    ...parsePage(query),
    ...optional('ids', list(query, 'ids')),
    ...optional('collections', list(query, 'collections')),
    ...optional('intersects', intersects === undefined ? undefined : geometry(parseJson(intersects))),
  });
}

/** The parameters of GET /collections/{id}/items. */
export function parsePage(query: Fields): ItemQuery {
  refuseUnsupported(query);
  const [limit, bbox, datetime, token] = [text(query, 'limit'), text(query, 'bbox'), text(query, 'datetime'), text(query, 'token')];
  const [sortby, conditions] = [text(query, 'sortby'), text(query, 'query')];
  return {
    limit: limit === undefined ? DEFAULT_LIMIT : parseLimit(/^[+-]?\d+$/.test(limit) ? Number(limit) : limit),
    ...optional('bbox', bbox === undefined ? undefined : parseBbox(bbox.split(',').map((part) => (/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(part) ? Number(part) : part)))),
    ...optional('datetime', datetime === undefined ? undefined : parseDatetime(datetime)),
    ...optional('token', token),
    ...optional('sortby', sortby === undefined ? undefined : parseSortText(sortby)),
    ...optional('filter', parseFilterText(query)),
    ...optional('where', conditions === undefined ? undefined : parseConditionsText(conditions)),
  };
}

/** The body of POST /search. Throws StacRequestError (400). */
export function parseSearchBody(body: unknown): ItemQuery {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new StacRequestError(400, 'InvalidBody', 'The body must be a JSON object.');
  const fields = body as Fields;
  refuseUnsupported(fields);
  const { limit, bbox, datetime, token, ids, collections, intersects, sortby, query } = fields;
  return checked({
    limit: limit === undefined || limit === null ? DEFAULT_LIMIT : parseLimit(limit),
    ...optional('bbox', bbox === undefined || bbox === null ? undefined : parseBbox(bbox)),
    ...optional('datetime', datetime === undefined || datetime === null ? undefined : parseDatetime(string('datetime', datetime))),
    ...optional('token', token === undefined || token === null ? undefined : string('token', token)),
    ...optional('ids', names('ids', ids)),
    ...optional('collections', names('collections', collections)),
    ...optional('intersects', intersects === undefined || intersects === null ? undefined : geometry(intersects)),
    ...optional('sortby', sortby === undefined || sortby === null ? undefined : parseSortBody(sortby)),
    ...optional('filter', parseFilterBody(fields)),
    ...optional('where', query === undefined || query === null ? undefined : parseConditions(query)),
  });
}

/** Which members of the items are wanted; null: all. Throws StacRequestError (400). */
export function parseFieldChoice(query: Fields): FieldChoice | null {
  const fields = text(query, 'fields');
  return fields === undefined ? null : parseFieldsText(fields);
}

/** The same of a body, where `null` is no choice. */
export function parseFieldChoiceBody({ fields }: Fields): FieldChoice | null {
  return fields === undefined ? null : parseFieldsBody(fields);
}

function checked(query: ItemQuery): ItemQuery {
  if (query.bbox && query.intersects) throw new StacRequestError(400, 'InvalidParameterValue', 'Only one of \'bbox\' and \'intersects\' can be given.');
  return query;
}

function refuseUnsupported(fields: Fields): void {
  const name = unsupported.find((key) => fields[key] !== undefined && fields[key] !== null);
  if (name) throw new StacRequestError(400, 'UnsupportedParameter', `The parameter '${name}' is not supported; see /conformance for what is.`);
}

const optional = <K extends string, V>(key: K, value: V | undefined) => (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };

/** An empty value of these is no absent one. */
const meaningEmpty = ['datetime', 'bbox', 'fields'];

/** A parameter of the query string; given twice it is refused. */
function text(query: Fields, name: string): string | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalidParameter(name, 'it may be given only once');
  return value === '' && !meaningEmpty.includes(name) ? undefined : value;
}

function string(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidParameter(name, 'it must be a string');
  return value;
}

/** 'a,b' of the query string; a repeated parameter is the same as a longer list. */
function list(query: Fields, name: string): string[] | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  const parts = Array.isArray(value) ? value : [value];
  return names(name, parts.flatMap((part) => string(name, part).split(',')).filter((part) => part !== ''));
}

/** A single string stands for a list of one: some clients send that. */
function names(name: string, value: unknown): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const entries = Array.isArray(value) ? (value as unknown[]) : [value];
  if (!entries.every((entry) => typeof entry === 'string')) throw invalidParameter(name, 'it must be an array of strings');
  if (entries.length > MAX_IDS) throw invalidParameter(name, `it may have ${MAX_IDS} entries at most`);
  return entries;
}

function parseLimit(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) throw invalidParameter('limit', 'it must be a positive integer');
  return Math.min(value, MAX_LIMIT);
}

function parseBbox(value: unknown): readonly number[] {
  if (!Array.isArray(value) || !value.every((n) => typeof n === 'number' && Number.isFinite(n))) throw invalidParameter('bbox', 'it must be four or six numbers');
  const bbox = value as number[];
  if (bbox.length !== 4 && bbox.length !== 6) throw invalidParameter('bbox', `it must be four or six numbers, not ${bbox.length}`);
  const half = bbox.length / 2;
  const [west, south, east, north] = [bbox[0]!, bbox[1]!, bbox[half]!, bbox[half + 1]!];
  if (south > north) throw invalidParameter('bbox', `its south (${south}) is greater than its north (${north})`);
  if (Math.abs(south) > 90 || Math.abs(north) > 90) throw invalidParameter('bbox', 'latitudes lie between -90 and 90');
  if (Math.abs(west) > 360 || Math.abs(east) > 360) throw invalidParameter('bbox', 'longitudes lie between -180 and 180');
  if (half === 3 && bbox[2]! > bbox[5]!) throw invalidParameter('bbox', 'its lowest height is greater than its highest');
  return bbox;
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    throw invalidParameter('intersects', 'it is not JSON');
  }
}

function geometry(value: unknown): Geometry {
  try {
    return parseGeometry(value);
  } catch (error) {
    if (error instanceof GeometryError) throw invalidParameter('intersects', error.message);
    throw error;
  }
}
