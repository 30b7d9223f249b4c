/** Processes that users made of others and stored. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0009-user-processes',
  // json, not jsonb: it keeps the order of keys, and takes strings with NUL.
  sql: `
    create table user_processes (
      user_id text not null,
      id text not null,
      definition json not null,
      -- Others may read it and use it.
      is_public boolean not null default false,
      created timestamptz not null default now(),
      updated timestamptz not null default now(),
      primary key (user_id, id)
    );
  `,
};

export default migration;
