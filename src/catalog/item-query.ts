/** What is searched for in a catalog of items, and what comes of it. */
import { OpenEOError, type OpenEOErrorOptions } from '../errors.ts';
import type { Geometry } from '../geo/geometry.ts';
import type { CatalogState } from './catalog-state.ts';
import type { Filter } from './cql2/filter.ts';
import type { PropertyCondition } from './item-property.ts';
import type { StacItem } from './types.ts';

/** Tables of the same columns: items, and those that layers still tell of after they were withdrawn. */
export type ItemTable = 'items' | 'withdrawn_items';

export interface SortField {
  /** 'id', 'collection', 'datetime' (the instant an item stands for) or the name of a property, a path with dots. */
  readonly property: string;
  readonly direction: 'asc' | 'desc';
}

/** Where an item stands in the order of a search: one text for each column of the order, null where it is absent. */
export type ItemKey = readonly (string | null)[];

/** Stored items looked at as what a layer makes of them, so that the database can compare what clients see. */
export interface ItemView {
  /** Collection under which they are stored. */
  readonly source: string;
  /** Collection under which they are shown. */
  readonly collection: string;
  /** Properties that are the same in all items. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Properties that are those of the stored item. */
  readonly kept: readonly string[];
  /** Whether they tell how far the layer has computed them. */
  readonly hasStates: boolean;
}

/** What is searched for; all conditions hold together. */
export interface ItemQuery {
  readonly collections?: readonly string[];
  readonly ids?: readonly string[];
  /** Four numbers, or six with heights. West may be greater than east: the box crosses the antimeridian. */
  readonly bbox?: readonly number[];
  /** Closed interval of RFC 3339 instants, null for an open end. An item matches when its time touches it. */
  readonly datetime?: readonly [string | null, string | null];
  readonly intersects?: Geometry;
  /** Conditions on properties. */
  readonly where?: readonly PropertyCondition[];
  /** CQL2. */
  readonly filter?: Filter;
  /** Absent: newest first, one source after the other. */
  readonly sortby?: readonly SortField[];
  /** What conditions and order are about; absent: the items as they are stored. */
  readonly view?: ItemView;
  /** Who asks: private layers of others are left out. null: a visitor; absent: the service itself, which sees everything. */
  readonly user?: string | null;
  /** What the database says of all collections, where that was read for this search; else whoever needs it reads it. */
  readonly state?: CatalogState | undefined;
  readonly limit: number;
  /** `next` of the page before. */
  readonly token?: string;
}

export interface ItemPage {
  readonly items: readonly StacItem[];
  /** Of each item its place in the order that was asked for; absent where none was. */
  readonly keys?: readonly ItemKey[];
  /** All matches over all pages; null when counting them would cost too much. */
  readonly numberMatched: number | null;
  /** Token of the next page; null on the last one. */
  readonly next: string | null;
  /** Collections that could not be asked, so that items of theirs may be missing; absent: none. */
  readonly missing?: readonly MissingSource[];
}

/** A collection of another catalog that does not answer, beside others that do. */
export interface MissingSource {
  readonly collection: string;
  readonly code: string;
  readonly description: string;
}

/** A property that items have. */
export interface ItemField {
  readonly name: string;
  /** JSON types of its values: 'string', 'number', 'boolean', 'array', 'object'. */
  readonly types: readonly string[];
  /** Smallest and greatest number; absent where not all items were looked at. */
  readonly range?: readonly [number, number];
  /** All texts that occur; absent where there are many, or where not all items were looked at. */
  readonly values?: readonly string[];
}

/** What to count, and how fine. */
/** All items of some collections (absent: of all) that a user sees. */
export type WholeQuery = Pick<ItemQuery, 'collections' | 'user' | 'view' | 'state'>;

export interface ItemGroupQuery extends Omit<ItemQuery, 'limit' | 'token' | 'sortby'> {
  /** Length of the times by which items are counted. */
  readonly interval: GroupInterval;
  /** Property whose numbers are counted in steps of `step`; absent: none. */
  readonly property?: string;
  readonly step?: number;
}

export const groupIntervals = ['hour', 'day', 'week', 'month', 'year'] as const;
export type GroupInterval = (typeof groupIntervals)[number];

/** Items of one collection, of one time and with about the same value. */
export interface ItemGroup {
  readonly collection: string;
  /** Beginning of the time (UTC), RFC 3339. */
  readonly time: string;
  /** Lower end of the step in which the value of the property lies; null where there is no number. */
  readonly value: number | null;
  readonly count: number;
  /** Earliest and latest instant in the group. */
  readonly first: string;
  readonly last: string;
}

export interface ItemSource {
  /** How many items there are of which collection, time and value. Absent where a source can't tell. */
  groups?(query: ItemGroupQuery): Promise<readonly ItemGroup[]>;
  /** The properties that items have; absent where a source can't tell. */
  fields?(query: WholeQuery): Promise<readonly ItemField[]>;
  /** In the order that is asked for; without one newest first. Throws ItemTokenError for a token it never gave. */
  search(query: ItemQuery): Promise<ItemPage>;
  get(collection: string, id: string): Promise<StacItem | null>;
}

/** A collection of another catalog can't be searched. Beside other collections it is told of; alone it is the answer. */
export class UpstreamError extends OpenEOError<'UpstreamUnavailable' | 'UpstreamInvalid' | 'UpstreamSearchTooLarge'> {
  readonly collection: string;

  /** @param reason the end of a sentence, without a full stop */
  constructor(code: UpstreamError['code'], collection: string, reason: string, options?: OpenEOErrorOptions) {
    super(code, { collection, reason }, options);
    this.collection = collection;
  }
}

/** A paging token that this service did not give. */
export class ItemTokenError extends OpenEOError<'ProcessParameterInvalid'> {
  constructor() {
    super('ProcessParameterInvalid', { process: 'search', parameter: 'token', reason: 'it is not a token of this service; follow the links with rel=next' });
  }
}
