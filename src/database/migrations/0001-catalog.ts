/** Collections, their items and their lattice anchors. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0001-catalog',
  // `definition` is json, not jsonb: the order of assets, bands and dimensions means something to clients.
  // `footprint` is the bounding box in degrees; one that crosses the antimeridian reaches beyond 180.
  sql: `
    create table collections (
      id text primary key,
      definition json not null,
      -- Counts every change of the collection or its items; caches compare it.
      revision bigint not null default 1,
      updated timestamptz not null default now()
    );

    create table items (
      collection text not null references collections (id) on delete cascade,
      id text not null,
      definition json not null,
      -- For filters; the rest of the item is only served.
      properties jsonb not null,
      -- The instant an item stands for (datetime, else the start) and the time that it covers.
      instant timestamptz not null,
      starts timestamptz not null,
      ends timestamptz not null,
      footprint box,
      updated timestamptz not null default now(),
      primary key (collection, id)
    );
    create index items_by_instant on items (instant desc, collection, id);
    create index items_by_collection_instant on items (collection, instant desc, id);
    create index items_by_footprint on items using gist (footprint);

    create table collection_grids (
      collection text not null references collections (id) on delete cascade,
      crs text not null,
      origin_x double precision not null,
      origin_y double precision not null,
      step_x double precision not null,
      step_y double precision not null,
      primary key (collection, crs)
    );
  `,
};

export default migration;
