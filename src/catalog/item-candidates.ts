/** Items that come into question for a search, read from the database with no more of them than the search looks at. */
import type { ItemQuery, ItemTable } from './item-query.ts';
import { exactTest, shapeTest } from './item-test.ts';
import type { StacItem } from './types.ts';

/** What is read of each item that may match, and what decides about it. */
export interface Look {
  /** Columns of the statement. */
  readonly columns: string;
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
  readonly geometry?: StacItem['geometry'];
  /** Of the stored box; east may be beyond 180. */
  readonly west?: number;
  readonly south?: number;
  readonly east?: number;
  readonly north?: number;
}

/** Columns of their own: reading an array out of an answer takes longer than four numbers. */
const CORNERS = '(footprint[1])[0] as west, (footprint[1])[1] as south, (footprint[0])[0] as east, (footprint[0])[1] as north';

/** Where many items are read and refused, a look at their shapes alone saves most of the reading. */
export function lookOf(query: Omit<ItemQuery, 'limit'>, table: ItemTable): Look {
  const shape = query.view || table !== 'items' ? null : shapeTest(query);
  if (shape) {
    const test = ({ geometry, west, south, east, north }: Candidate) => shape({ geometry: geometry ?? null, bbox: [west!, south!, east!, north!] });
    return { columns: `collection, id, coalesce(shape, definition -> 'geometry') as geometry, ${CORNERS}`, test, isWhole: false };
  }
  const exact = exactTest(query);
  // A filter that SQL can't decide looks at what the view shows.
  const columns = query.view && query.filter ? 'definition, collection, properties' : 'definition';
  return { columns, test: exact && ((row) => exact(shown(row))), isWhole: true };
}

const shown = ({ definition, collection, properties }: Candidate): StacItem => (collection !== undefined && properties ? { ...definition!, collection, properties } : definition!);
