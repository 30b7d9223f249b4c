/** What is in the cache: blocks, tiles and files of layers. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0004-blocks',
  // Losing a row loses no data: its object is found again by its key, or computed again.
  sql: `
    create table cache_objects (
      -- Where the object lies, or would lie: an empty or failed block has none.
      object_key text primary key,
      kind text not null check (kind in ('block', 'tile', 'file')),
      -- Content key; only of blocks.
      block_key text,
      -- The layer and the operator it was first computed for; other layers may share it.
      layer text,
      operator text,
      bytes bigint not null default 0,
      state text not null check (state in ('stored', 'empty', 'failed', 'filed')),
      -- Of a failed block: why, how often it was tried, since when, and when it may be tried again.
      reason text,
      attempts integer not null default 0,
      failed timestamptz,
      retry timestamptz,
      created timestamptz not null default now(),
      used timestamptz not null default now(),
      -- In degrees.
      footprint box,
      -- Of the time dimension.
      label text,
      -- Where a filed block is found: {href, first band, window}.
      pointer json
    );
    create index cache_objects_by_use on cache_objects (used) where state = 'stored';
    create index cache_objects_by_layer on cache_objects (layer, used);
    create index cache_objects_by_footprint on cache_objects using gist (footprint);
  `,
};

export default migration;
