/** Items that come into question for a search, read from the database with no more of them than the search looks at. */
import type { Bind } from '../database/connection.ts';
import { flatBox, insideCondition } from './item-conditions.ts';
import type { ItemFacts } from './item-facts.ts';
import type { ItemQuery, ItemTable } from './item-query.ts';
import { polygonOf } from './item-outline.ts';
import { exactTest, shapeTest } from './item-test.ts';
import type { StacItem } from './types.ts';

/** Columns of a statement: their names, and what they are in SQL. */
export type Columns = Readonly<Record<string, string>>;

/** What is read of each item that may match, and what decides about it. */
export interface Look {
  /** Columns by which items are found. */
  readonly columns: (bind: Bind) => Columns;
  /** What is read only of rows `r` that have been chosen by these columns, as one more column; null: nothing. */
  readonly late: string | null;
  /** Whether the item that was read is wanted; null: every one is. */
  readonly test: ((row: Candidate) => boolean) | null;
  /** False: only the shape is read, and the items of a page have to be fetched afterwards. */
  readonly isWhole: boolean;
}

export interface Candidate {
  readonly definition?: StacItem;
  readonly id?: string;
  readonly collection?: string;
  readonly properties?: StacItem['properties'];
  /** Whether the box of the item lies wholly in that of the search: then its shape need not be known. */
  readonly inside?: boolean;
  readonly outline?: string | null;
  readonly geometry?: StacItem['geometry'];
  /** Of the stored box; east may be beyond 180. */
  readonly west?: number;
  readonly south?: number;
  readonly east?: number;
  readonly north?: number;
}

/** Columns of their own: reading an array out of an answer takes longer than four numbers. All of them are in the index of places. */
const PLACE = { collection: 'collection', id: 'id', west: '(footprint[1])[0]', south: '(footprint[1])[1]', east: '(footprint[0])[0]', north: '(footprint[0])[1]' };

/** The shape of an item at the border that has no outline in the index. */
const SHAPE = `case when not r.inside and r.outline is null then (select coalesce(i.shape, i.definition -> 'geometry') from items i where i.collection = r.collection and i.id = r.id) end as geometry`;

/** Columns as a statement asks for them. */
export const selected = (columns: Columns): string => Object.entries(columns).map(([name, value]) => `${value} as ${name}`).join(', ');

/** What is read of rows `r` that have these columns. */
export function namesOf({ late }: Look, columns: Columns): string {
  return [...Object.keys(columns).map((name) => `r.${name}`), ...(late === null ? [] : [late])].join(', ');
}

/** Where many items are read and refused, a look at their shapes alone saves most of the reading. */
export function lookOf(query: Omit<ItemQuery, 'limit'>, table: ItemTable, facts: ItemFacts | null): Look {
  const shape = query.view || table !== 'items' ? null : shapeTest(query);
  if (shape) {
    const test = ({ inside, outline, geometry, west, south, east, north }: Candidate) => inside! || shape({ geometry: outline ? polygonOf(outline) as StacItem['geometry'] : geometry ?? null, bbox: [west!, south!, east!, north!] });
    return { columns: (bind) => placeColumns(query, facts, bind), late: SHAPE, test, isWhole: false };
  }
  const exact = exactTest(query);
  // A filter that SQL can't decide looks at what the view shows.
  const columns = { definition: 'definition', ...(query.view && query.filter ? { collection: 'collection', properties: 'properties' } : {}) };
  return { columns: () => columns, late: null, test: exact && ((row) => exact(shown(row))), isWhole: true };
}

function placeColumns({ bbox, intersects }: Omit<ItemQuery, 'limit'>, facts: ItemFacts | null, bind: Bind): Columns {
  const inside = bbox && !intersects ? insideCondition(flatBox(bbox), bind, facts?.place ?? undefined) : 'false';
  return { ...PLACE, inside, outline: `case when not ${inside} then outline end` };
}

const shown = ({ definition, collection, properties }: Candidate): StacItem => (collection !== undefined && properties ? { ...definition!, collection, properties } : definition!);
