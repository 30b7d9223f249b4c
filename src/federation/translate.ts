/**
 * A search in the words of a catalog: as much of it as the catalog says it can do. What comes back is tested
 * here again in full, so what is sent need only let through everything that is wanted, and never less.
 */
import { childrenOf, type Call, type Expression } from '../catalog/cql2/tree.ts';
import { isArithmetic, isArrayRelation, isComparison, isSpatial, isTemporal } from '../catalog/cql2/operations.ts';
import { writeJson, writeText } from '../catalog/cql2/write.ts';
import type { ItemQuery, SortField } from '../catalog/item-query.ts';
import { writtenNumber, type PropertyCondition } from '../catalog/item-property.ts';
import { foldedBox, withoutHeights } from '../geo/bbox.ts';
import { boxOf } from '../geo/geometry.ts';
import type { Capabilities } from './capabilities.ts';

/** What is sent, in the form of a POST body. */
export type Parameters = Readonly<Record<string, unknown>>;

export interface Translation {
  readonly parameters: Parameters;
  /** Whether all conditions are sent, so that the catalog's own count is that of the search. */
  readonly isWhole: boolean;
}

/** Properties that differ between the catalog and how its items are shown here (STAC 1.1, our collection id). */
const RENAMED = /^(collection|proj:(code|epsg|wkt2|projjson))(\.|$)/;

/** Times that stand in columns here; catalogs make texts of them. */
const isOurTime = (name: string) => name === 'start_datetime' || name === 'end_datetime';

/**
 * All of the search but how many items a page shall have.
 *
 * @param collection id in the catalog
 */
export function translate(query: ItemQuery, collection: string, can: Capabilities): Translation {
  const places = placesOf(query, can);
  const conditions = conditionsOf(query, can);
  const sortby = query.sortby && canSort(query.sortby, can) ? sortbyOf(query.sortby) : null;
  const parameters = {
    ...(can.hasSearch ? { collections: [collection] } : {}),
    ...places.parameters,
    ...(query.datetime ? { datetime: query.datetime.map((end) => end ?? '..').join('/') } : {}),
    ...conditions.parameters,
    ...(sortby ? { sortby } : {}),
  };
  return { parameters, isWhole: places.isWhole && conditions.isWhole };
}

/** Whether the catalog can sort by all of the fields. */
export function canSort(sortby: readonly SortField[], can: Capabilities): boolean {
  return can.sort && sortby.every(({ property }) => !RENAMED.test(property) || property === 'collection');
}

/** The id decides where all else is equal, as it does here. */
function sortbyOf(sortby: readonly SortField[]): { field: string; direction: string }[] {
  const fields = sortby.filter(({ property }) => property !== 'collection');
  const last = fields.some(({ property }) => property === 'id') ? [] : [{ property: 'id', direction: 'asc' as const }];
  return [...fields, ...last].map(({ property, direction }) => ({ field: property === 'id' ? 'id' : `properties.${property}`, direction }));
}

function placesOf({ bbox, intersects, ids }: ItemQuery, can: Capabilities): Translation {
  const box = bbox ?? (intersects && !can.hasSearch ? boxOf(intersects) : undefined);
  const flat = box && foldedBox(withoutHeights(box));
  return {
    parameters: {
      ...(flat ? { bbox: flat.map((edge) => Number(edge.toFixed(9))) } : {}),
      ...(intersects && can.hasSearch ? { intersects } : {}),
      ...(ids && ids.length > 0 && can.hasSearch ? { ids } : {}),
    },
    isWhole: (can.hasSearch || (!intersects && !ids?.length)) && bbox?.length !== 6,
  };
}

function conditionsOf(query: ItemQuery, can: Capabilities): Translation {
  const parts = query.filter ? conjunctsOf(query.filter.expression) : [];
  const sent = can.filter === null ? [] : parts.filter((part) => canFilter(part, can));
  // What the filter can't be asked may still be asked in the words of the query extension.
  const simple = can.query ? parts.filter((part) => !sent.includes(part)).map(asCondition).filter((condition) => condition !== null) : [];
  const where = (query.where ?? []).filter((condition) => can.query && canQuery(condition));
  const queries = queryOf([...where, ...simple]);
  const asked = sent.length + Object.values(queries).flatMap((each) => Object.keys(each)).length;
  return {
    parameters: { ...(sent.length > 0 ? filterOf(sent, can) : {}), ...(where.length + simple.length > 0 ? { query: queries } : {}) },
    isWhole: asked === parts.length + (query.where ?? []).length,
  };
}

function conjunctsOf(node: Expression): Expression[] {
  return node.kind === 'call' && node.op === 'and' ? node.args.flatMap(conjunctsOf) : [node];
}

function filterOf(parts: readonly Expression[], { filter }: Capabilities): Parameters {
  const [first, ...more] = parts as [Expression, ...Expression[]];
  const whole: Expression = more.length === 0 ? first : { kind: 'call', op: 'and', args: parts, at: '' };
  return { filter: filter === 'cql2-json' ? writeJson(whole) : writeText(whole), 'filter-lang': filter };
}

/** Whether the catalog knows everything that an expression is made of. */
function canFilter(node: Expression, can: Capabilities): boolean {
  if (node.kind === 'property' && (RENAMED.test(node.name) || isOurTime(node.name))) return false;
  if (node.kind === 'call' && !classesOf(node).every((name) => can.cql2.has(name))) return false;
  // Backslashes before quotes can't be written in text.
  if (node.kind === 'literal' && can.filter === 'cql2-text' && /\\('|$)/.test(String(node.value))) return false;
  return childrenOf(node).every((child) => canFilter(child, can));
}

/** The classes of CQL2 that one operator needs. */
function classesOf({ op, args }: Call): readonly string[] {
  if (isComparison(op)) return args.every((arg) => arg.kind === 'property') ? ['basic-cql2', 'property-property'] : ['basic-cql2'];
  if (['and', 'or', 'not', 'isNull'].includes(op)) return ['basic-cql2'];
  if (['like', 'between', 'in'].includes(op)) return ['advanced-comparison-operators'];
  if (isArithmetic(op)) return ['arithmetic'];
  if (isSpatial(op)) return [op === 's_intersects' && args.some(({ kind }) => kind === 'geometry' || kind === 'bbox') ? 'basic-spatial-functions' : 'spatial-functions'];
  if (isTemporal(op)) return ['temporal-functions'];
  if (isArrayRelation(op)) return ['array-functions'];
  if (op === 'casei') return ['case-insensitive-comparison'];
  if (op === 'accenti') return ['accent-insensitive-comparison'];
  return ['none: our own function'];
}

const comparisonNames: Readonly<Record<string, PropertyCondition['comparison']>> = { '=': 'eq', '<>': 'neq', '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' };

/**
 * A comparison of a property with a value, as the query extension says it; null for anything else. Of times catalogs know
 * only `datetime` as one: others are texts there, which have many ways to say the same instant.
 */
function asCondition(node: Expression): PropertyCondition | null {
  if (node.kind !== 'call' || !Object.hasOwn(comparisonNames, node.op)) return null;
  const [left, right] = node.args as [Expression, Expression];
  if (left.kind !== 'property' || (right.kind !== 'literal' && (right.kind !== 'timestamp' || left.name !== 'datetime'))) return null;
  const condition = { property: left.name, comparison: comparisonNames[node.op]!, value: right.kind === 'literal' ? right.value : right.text };
  return canQuery(condition) ? condition : null;
}

/**
 * Lists are compared in ways of its own by every catalog, so `in` and `contains` are left to us. So are texts that look
 * like numbers: here they compare with numbers, and nobody knows what they do there.
 */
function canQuery({ property, comparison, value }: PropertyCondition): boolean {
  const isPlain = typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && writtenNumber({ comparison, value }) === null);
  return isPlain && !RENAMED.test(property) && !isOurTime(property) && comparison !== 'in' && comparison !== 'contains';
}

/** Two conditions of one kind on one property have no place in an object; the second one is tested here. */
function queryOf(conditions: readonly PropertyCondition[]): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const query: Record<string, Record<string, unknown>> = {};
  for (const { property, comparison, value } of conditions) query[property] = { [comparison]: value, ...query[property] };
  return query;
}

/** The parameters as a query string. */
export function queryString(parameters: Parameters): URLSearchParams {
  const text = (name: string, value: unknown): string => {
    if (name === 'sortby') return (value as { field: string; direction: string }[]).map(({ field, direction }) => `${direction === 'desc' ? '-' : '+'}${field}`).join(',');
    if (Array.isArray(value)) return value.join(',');
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  return new URLSearchParams(Object.entries(parameters).map(([name, value]): [string, string] => [name, text(name, value)]));
}
