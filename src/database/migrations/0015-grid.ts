/** Tasks that processes work through together without a coordinator (src/grid). */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0015-grid',
  sql: `
    create table grid (
      name text primary key,
      -- What all processes of the grid have agreed about.
      purpose jsonb not null
    );

    -- Only tasks that were ever claimed have a row; the list of tasks is with the processes.
    create table grid_task (
      grid text not null,
      task text not null,
      status text not null check (status in ('open', 'held', 'done', 'failed')),
      -- Number of the last hold; whoever ends the task has to name it.
      token bigint not null,
      worker text not null,
      attempts integer not null,
      -- Until when it is held without a renewal.
      expires timestamptz,
      reason text,
      result jsonb,
      primary key (grid, task)
    );
  `,
};

export default migration;
