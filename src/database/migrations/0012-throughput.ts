/** How fast this deployment works, as its workers have measured it: what estimates are made of. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0012-throughput',
  sql: `
    create table throughput (
      -- What was done: 'operator:<reference>' in blocks, 'samples' in samples read and written, 'format:<name>' in bytes per sample.
      work text primary key,
      amount double precision not null,
      -- Seconds it took; for formats the samples that the bytes hold.
      per double precision not null,
      updated timestamptz not null default now()
    );
  `,
};

export default migration;
