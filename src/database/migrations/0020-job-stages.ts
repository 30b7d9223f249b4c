/** What the runs of jobs are at: resolve, download, read, infer, write. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0020-job-stages',
  sql: `
    -- Of the last run; null when none has begun.
    alter table jobs add column stages jsonb;
  `,
};

export default migration;
