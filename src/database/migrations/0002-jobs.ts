/** Batch jobs, synchronous requests while they run, and the logs of both. */
import type { Migration } from './migration.ts';

const migration: Migration = {
  name: '0002-jobs',
  // What clients send is json, not jsonb: it keeps the order of keys, and takes strings with NUL.
  sql: `
    create table jobs (
      id text primary key,
      kind text not null check (kind in ('batch', 'sync')),
      user_id text not null,
      -- The request: process, title, description, log_level and whatever else the client sent.
      definition json not null,
      status text not null check (status in ('created', 'queued', 'running', 'canceled', 'finished', 'error')),
      -- Which start of the job counts; what a worker of an earlier one reports is ignored.
      run integer not null default 0,
      -- How often a worker began this run; a job that kills its workers is not tried for ever.
      begun integer not null default 0,
      progress double precision not null default 0,
      created timestamptz not null default now(),
      updated timestamptz not null default now(),
      queued timestamptz,
      started timestamptz,
      finished timestamptz,
      usage json,
      -- Files and metadata of the last run that left any.
      result json
    );
    create index jobs_by_user on jobs (user_id, created desc, id) where kind = 'batch';
    create index jobs_under_way on jobs (queued) where status in ('queued', 'running');
    create index jobs_sync on jobs (created) where kind = 'sync';

    create table job_logs (
      job_id text not null references jobs (id) on delete cascade,
      id bigint generated always as identity,
      severity smallint not null,
      entry json not null,
      primary key (job_id, id)
    );
  `,
};

export default migration;
