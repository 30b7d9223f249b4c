/** Secondary web services: process graphs that users publish as maps, and the logs of them. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0010-services',
  // What clients send is json, not jsonb: it keeps the order of keys, and takes strings with NUL.
  sql: `
    create table services (
      id text primary key,
      user_id text not null,
      -- The name of a type as GET /service_types lists it.
      type text not null,
      -- The request: process, configuration, title, description, log_level and whatever else the client sent.
      definition json not null,
      enabled boolean not null default true,
      -- Counts changes of what tiles show: tiles of another revision are others.
      revision integer not null default 1,
      -- The range of values that is shown where the client names none: found when the map was published.
      range json,
      -- Stands in URLs of services that are not public.
      key text not null,
      created timestamptz not null default now(),
      updated timestamptz not null default now(),
      -- Tiles that were drawn, how long that took, and what was read and computed: those out of the cache cost nothing.
      tiles bigint not null default 0,
      seconds double precision not null default 0,
      samples bigint not null default 0,
      blocks bigint not null default 0
    );
    create index services_by_user on services (user_id, created desc, id);

    create table service_logs (
      service_id text not null references services (id) on delete cascade,
      id bigint generated always as identity,
      severity smallint not null,
      entry json not null,
      primary key (service_id, id)
    );
  `,
};

export default migration;
