/** What the workers that are there have: an operator that needs an accelerator is refused early where none has one. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0019-workers',
  sql: `
    create table worker (
      id text primary key,
      equipment jsonb not null,
      -- The last sign of life; those without one for a while are gone.
      seen timestamptz not null default clock_timestamp()
    );
  `,
};

export default migration;
