/** Areas of layers that are written to ordinary files, and the files that are there already. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0007-materialisations',
  sql: `
    create table materialisations (
      id text primary key,
      layer text not null references collections (id) on delete cascade,
      -- Who asked for it; null: the operator of the service.
      user_id text,
      -- Area, time, formats and view, as they were asked for.
      definition json not null,
      status text not null check (status in ('queued', 'running', 'finished', 'canceled', 'error')),
      progress double precision not null default 0,
      -- Of a failed one: why.
      message text,
      created timestamptz not null default now(),
      updated timestamptz not null default now()
    );
    create index materialisations_by_layer on materialisations (layer, created desc);

    create table materialised_files (
      materialisation text not null references materialisations (id) on delete cascade,
      -- 'embeddings_2021-06-01.tif': what another try finds done.
      name text not null,
      object_key text not null,
      bytes bigint not null,
      -- The STAC item that lists it.
      item text,
      primary key (materialisation, name)
    );
  `,
};

export default migration;
