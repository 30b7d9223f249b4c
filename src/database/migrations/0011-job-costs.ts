/** What jobs cost, and which of the links to their results still hold. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0011-job-costs',
  sql: `
    -- In the currency of the back-end; null when it has none, or nothing ran yet.
    alter table jobs add column costs double precision;
    -- Part of every signed link to the results: counting up ends all links given out before.
    alter table jobs add column link_series integer not null default 0;
  `,
};

export default migration;
