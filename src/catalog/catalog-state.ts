/**
 * What the database knows of all collections and of all of their items: every search begins with it. A digest tells
 * whether anything changed since it was read; then nothing else need be asked.
 */
import type { Queryable } from '../database/connection.ts';
import type { Box } from '../geo/geometry.ts';
import type { StacCollection } from './types.ts';

/** The items of a collection together (migrations 0017 and 0022). What is said of place and time is never too small. */
export interface CollectionFacts {
  readonly items: number;
  /** Another one after every change of the items. */
  readonly version: string;
  /** Seconds by which the time of an item reaches before and behind its instant, at most. */
  readonly lead: number;
  readonly lag: number;
  /** A box that all items are in; null: none has a place. */
  readonly place: Box | null;
  /** Milliseconds since 1970, rounded outward. */
  readonly earliest: number;
  readonly latest: number;
}

export interface StoredCollection {
  readonly definition: StacCollection;
  /** Whether only its owner may see it (`lamina:files`). */
  readonly isPrivate: boolean;
  readonly owner: string | null;
  /** null: it never had an item. */
  readonly facts: CollectionFacts | null;
}

export interface CatalogState {
  readonly digest: string;
  /** Whether any layer tells of items that were withdrawn. */
  readonly hasWithdrawn: boolean;
  /** By id, in the order of ids. */
  readonly collections: ReadonlyMap<string, StoredCollection>;
}

/** A version of a row is that of PostgreSQL: its transaction and its place. */
const DIGEST = `
  select md5(coalesce(string_agg(c.id || ' ' || c.xmin::text || c.ctid::text || coalesce(f.xmin::text || f.ctid::text, ''), ',' order by c.id), '')) as digest,
    exists (select from withdrawn_items) as "hasWithdrawn"
  from collections c left join item_facts f on f.collection = c.id`;

const ROWS = `
  select c.id, c.version, case when c.version = k.version then null else c.definition end as definition, c.is_private, c.owner,
    f.items, f.version::text as facts, f.lead, f.lag, (f.place[1])[0] as west, (f.place[1])[1] as south, (f.place[0])[0] as east, (f.place[0])[1] as north,
    floor(extract(epoch from f.earliest) * 1000)::float8 as earliest, ceil(extract(epoch from f.latest) * 1000)::float8 as latest
  from (select *, xmin::text || ctid::text as version from collections) as c
  left join item_facts f on f.collection = c.id left join unnest($1::text[], $2::text[]) as k (id, version) on k.id = c.id order by c.id`;

interface Row {
  readonly id: string;
  readonly version: string;
  /** null where it is known already. */
  readonly definition: StacCollection | null;
  readonly is_private: boolean;
  readonly owner: string | null;
  readonly items: number | null;
  readonly facts: string;
  readonly lead: number;
  readonly lag: number;
  readonly west: number | null;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  readonly earliest: number | null;
  readonly latest: number | null;
}

/** The state as a process last saw it. */
export class CatalogStates {
  #last: CatalogState = { digest: '', hasWithdrawn: false, collections: new Map() };
  /** Versions of the rows of which the definitions are. */
  #versions: ReadonlyMap<string, string> = new Map();

  /** The state at the time of the call or later. */
  async now(database: Queryable): Promise<CatalogState> {
    const [row] = await database.query<Pick<CatalogState, 'digest' | 'hasWithdrawn'>>(DIGEST, [], 'catalog-digest');
    const { digest, hasWithdrawn } = row!;
    // What is read afterwards may be newer than its digest: then the next look reads again.
    if (digest !== this.#last.digest) return this.#read(database, digest, hasWithdrawn);
    if (hasWithdrawn !== this.#last.hasWithdrawn) this.#last = { ...this.#last, hasWithdrawn };
    return this.#last;
  }

  async #read(database: Queryable, digest: string, hasWithdrawn: boolean): Promise<CatalogState> {
    const [versions, { collections: known }] = [this.#versions, this.#last];
    const rows = await database.query<Row & Record<string, unknown>>(ROWS, [[...versions.keys()], [...versions.values()]], 'catalog-rows');
    const stored = rows.map((row): [string, StoredCollection] => [row.id, {
      definition: row.definition ?? known.get(row.id)!.definition,
      isPrivate: row.is_private,
      owner: row.owner,
      facts: row.items === null ? null : itemsOf(row, row.items),
    }]);
    this.#versions = new Map(rows.map(({ id, version }) => [id, version]));
    return (this.#last = { digest, hasWithdrawn, collections: new Map(stored) });
  }
}

function itemsOf({ facts, lead, lag, west, south, east, north, earliest, latest }: Row, items: number): CollectionFacts {
  return { items, version: facts, lead, lag, place: west === null ? null : [west, south, east, north], earliest: earliest ?? -Infinity, latest: latest ?? Infinity };
}
