/** Users with a password of their own, and the keys that the service makes for itself. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0003-users',
  sql: `
    create table users (
      id text primary key,
      -- scrypt:N:r:p:salt:hash
      password text not null,
      created timestamptz not null default now()
    );

    create table secrets (
      name text primary key,
      value text not null,
      created timestamptz not null default now()
    );
  `,
};

export default migration;
