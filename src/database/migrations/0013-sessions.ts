/** Tokens of this service that ended before their time: one by one, or all of a user up to a generation. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0013-sessions',
  sql: `
    create table ended_tokens (
      id text primary key,
      expires timestamptz not null
    );
    create index ended_tokens_expires on ended_tokens (expires);
    create table token_generations (
      user_id text primary key,
      generation integer not null
    );
  `,
};

export default migration;
