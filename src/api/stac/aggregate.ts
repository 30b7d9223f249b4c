/** The aggregation extension: how many items a search would find, by collection, time and cloud cover, without the items. */
import type { Request, RequestHandler } from 'express';
import { groupIntervals, type GroupInterval, type ItemGroup, type ItemQuery } from '../../catalog/item-query.ts';
import { findCollection } from './collection.ts';
import type { StacContext } from './dependencies.ts';
import { parseSearchBody, parseSearchQuery } from './parse-query.ts';
import { collectionUrl, rootLink, selfUrl } from './present.ts';
import { invalidParameter, JSON_TYPE, pathParameter, sendJson } from './respond.ts';

const CLOUDS = 'eo:cloud_cover';
/** Per cent in a bucket of the cloud cover. */
const CLOUD_STEP = 10;
const MAX_BUCKETS = 10_000;

interface Bucket {
  readonly key: string;
  readonly data_type: string;
  readonly frequency: number;
  readonly from?: string | number;
  readonly to?: string | number;
}

/** What is counted of the groups: one value, or buckets. */
type Counted = { readonly value: number | string | null } | { readonly buckets: readonly Bucket[] };

const aggregations = {
  total_count: { data_type: 'integer', of: (groups) => ({ value: sum(groups) }) },
  datetime_min: { data_type: 'datetime', of: (groups) => ({ value: groups.map(({ first }) => first).toSorted()[0] ?? null }) },
  datetime_max: { data_type: 'datetime', of: (groups) => ({ value: groups.map(({ last }) => last).toSorted().at(-1) ?? null }) },
  collection_frequency: { data_type: 'frequency_distribution', distribution: 'string', of: (groups) => buckets(groups, ({ collection }) => collection, (key) => ({ key, data_type: 'string' })) },
  datetime_frequency: { data_type: 'frequency_distribution', distribution: 'datetime', of: (groups) => buckets(groups, ({ time }) => time, (key) => ({ key, data_type: 'datetime' })) },
  cloud_cover_frequency: { data_type: 'frequency_distribution', distribution: 'numeric', of: (groups) => buckets(groups.filter(({ value }) => value !== null), ({ value }) => value!, (from) => ({ key: `${from}`, data_type: 'numeric', from, to: from + CLOUD_STEP })) },
} as const satisfies Record<string, { data_type: string; distribution?: string; of: (groups: readonly ItemGroup[]) => Counted }>;

type Name = keyof typeof aggregations;

/** GET /aggregations and /collections/{collection_id}/aggregations: what can be asked for. */
export function aggregationList(context: StacContext): RequestHandler {
  return async (request, response) => {
    const place = await placeOf(context, request);
    const entries = Object.entries(aggregations).map(([name, { data_type: type, ...rest }]) => ({ name, data_type: type, ...('distribution' in rest ? { frequency_distribution_data_type: rest.distribution } : {}) }));
    sendJson(response, {
      type: 'AggregationCollection',
      aggregations: entries,
      links: [{ rel: 'self', href: `${place.url}/aggregations`, type: JSON_TYPE }, rootLink(context), { rel: 'aggregate', href: `${place.url}/aggregate`, type: JSON_TYPE }],
    });
  };
}

/** GET /aggregate, with the parameters of a search. */
export function aggregateByQuery(context: StacContext): RequestHandler {
  return async (request, response) => {
    const { aggregations: names, datetime_frequency_interval: interval, ...search } = request.query as Readonly<Record<string, unknown>>;
    const place = await placeOf(context, request);
    const wanted = namesOf(typeof names === 'string' ? names.split(',').filter((name) => name !== '') : names);
    const groups = await groupsOf(context, parseSearchQuery(search), { interval, wanted, collection: place.collection });
    sendJson(response, answer(context, wanted, groups, selfUrl(context, request.originalUrl, `${place.path}/aggregate`)));
  };
}

/** POST /aggregate, with the body of a search. */
export function aggregateByBody(context: StacContext): RequestHandler {
  return async (request, response) => {
    const body = (request.body === undefined ? {} : request.body) as unknown;
    const query = parseSearchBody(body);
    const { aggregations: names, datetime_frequency_interval: interval } = body as { aggregations?: unknown; datetime_frequency_interval?: unknown };
    const place = await placeOf(context, request);
    const wanted = namesOf(names);
    sendJson(response, answer(context, wanted, await groupsOf(context, query, { interval, wanted, collection: place.collection }), `${place.url}/aggregate`));
  };
}

async function placeOf(context: StacContext, request: Request): Promise<{ url: string; path: string; collection: string | null }> {
  const id = pathParameter(request, 'collectionId');
  if (id === '') return { url: context.baseUrl, path: '', collection: null };
  const { id: collection } = await findCollection(context, id);
  return { url: collectionUrl(context, collection), path: `/collections/${encodeURIComponent(collection)}`, collection };
}

/** All of them when nothing is named. Throws StacRequestError (400). */
function namesOf(names: unknown): readonly Name[] {
  const all = Object.keys(aggregations) as Name[];
  if (names === undefined || names === null) return all;
  if (!Array.isArray(names)) throw invalidParameter('aggregations', 'it must be a list of names');
  const unknown = (names as unknown[]).find((name) => !all.includes(name as Name));
  if (unknown !== undefined) throw invalidParameter('aggregations', `${JSON.stringify(unknown).slice(0, 80)} is none of ${all.join(', ')}`);
  return [...new Set(names as Name[])];
}

interface GroupRequest {
  readonly interval: unknown;
  readonly wanted: readonly Name[];
  readonly collection: string | null;
}

async function groupsOf(context: StacContext, query: ItemQuery, { interval, wanted, collection }: GroupRequest): Promise<readonly ItemGroup[]> {
  const { limit: _, token: __, sortby: ___, ...search } = query;
  const within = collection === null ? {} : { collections: [collection] };
  // An index alone can count by time.
  const clouds = wanted.includes('cloud_cover_frequency') ? { property: CLOUDS, step: CLOUD_STEP } : {};
  return (await context.items.groups?.({ ...search, ...within, user: context.user, interval: intervalOf(interval), ...clouds })) ?? [];
}

function intervalOf(value: unknown): GroupInterval {
  if (value === undefined || value === null || value === '') return 'month';
  const interval = groupIntervals.find((known) => known === value);
  if (interval === undefined) throw invalidParameter('datetime_frequency_interval', `it must be one of ${groupIntervals.join(', ')}`);
  return interval;
}

function answer(context: StacContext, names: readonly Name[], groups: readonly ItemGroup[], self: string): Record<string, unknown> {
  return {
    type: 'AggregationCollection',
    aggregations: names.map((name) => ({ name, data_type: aggregations[name].data_type, ...limited(aggregations[name].of(groups)) })),
    links: [{ rel: 'self', href: self, type: JSON_TYPE }, rootLink(context)],
  };
}

/** `overflow` counts the items that are in no bucket that is sent. */
function limited(counted: Counted): Record<string, unknown> {
  if ('value' in counted) return counted;
  const rest = counted.buckets.slice(MAX_BUCKETS);
  return { buckets: counted.buckets.slice(0, MAX_BUCKETS), overflow: rest.reduce((total, { frequency }) => total + frequency, 0) };
}

const sum = (groups: readonly ItemGroup[]) => groups.reduce((total, { count }) => total + count, 0);

function buckets<K extends string | number>(groups: readonly ItemGroup[], keyOf: (group: ItemGroup) => K, describe: (key: K) => Omit<Bucket, 'frequency'>): { buckets: Bucket[] } {
  const counts = new Map<K, number>();
  for (const group of groups) counts.set(keyOf(group), (counts.get(keyOf(group)) ?? 0) + group.count);
  const keys = [...counts.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  return { buckets: keys.map((key) => ({ ...describe(key), frequency: counts.get(key)! })) };
}
