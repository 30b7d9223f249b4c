/** Whose turn it is: jobs of the same kind run in the order of their turns, so that users share the workers. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0008-job-turns',
  sql: 'alter table jobs add column turn integer not null default 1;',
};

export default migration;
