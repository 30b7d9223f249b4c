/** Jobs in PostgreSQL. Every change of status is a compare-and-set; who comes too late changes nothing. */
import { randomUUID } from 'node:crypto';
import type { Database, Queryable } from '../database/connection.ts';
import { OpenEOError } from '../errors.ts';
import { transitions } from './job.ts';
import type { Job, JobDefinition, Transition, Usage } from './job.ts';
import type { JobResult } from './results.ts';
import type { Stages } from './stages.ts';

interface Row {
  readonly id: string;
  readonly turn: number;
  readonly kind: Job['kind'];
  readonly user_id: string;
  readonly definition: JobDefinition;
  readonly status: Job['status'];
  readonly run: number;
  readonly begun: number;
  readonly progress: number;
  readonly created: Date;
  readonly updated: Date;
  readonly queued: Date | null;
  readonly started: Date | null;
  readonly finished: Date | null;
  readonly stages: Stages | null;
  readonly usage: Usage | null;
  readonly costs: number | null;
  readonly link_series: number;
  readonly result: JobResult | null;
  readonly [column: string]: unknown;
}

/** One run of a job, as a worker holds it. */
export interface Run {
  readonly jobId: string;
  readonly run: number;
}

/** What a run took. */
export interface Account {
  readonly usage: Usage | null;
  /** In the currency of the back-end; null without one. */
  readonly costs: number | null;
}

const noAccount: Account = { usage: null, costs: null };

export interface JobPage {
  readonly jobs: readonly Job[];
  /** Id to continue after; null on the last page. */
  readonly next: string | null;
}

/** How busy the service is with jobs of one kind. */
export interface Load {
  readonly waiting: number;
  readonly ownWaiting: number;
  readonly ownUnderWay: number;
}

/**
 * SQL for the turn of a job that is queued now (start-time fair queueing): one after the user's last job under
 * way, but not before the turn that is being served, so that nobody saves turns up by staying away.
 */
function nextTurn(user: string, kind: string): string {
  const underWay = `from jobs other where other.kind = ${kind} and other.status`;
  return `greatest(
    coalesce((select max(other.turn) + 1 ${underWay} in ('queued', 'running') and other.user_id = ${user}), 1),
    coalesce((select max(other.turn) ${underWay} = 'running'), (select min(other.turn) ${underWay} = 'queued'), 1))`;
}

/** SQL: a batch job of the user $1 that finished and whose results are still there. */
const WITH_RESULTS = `user_id = $1 and kind = 'batch' and status = 'finished' and result is not null`;

/** Any number that nothing else locks. */
const ADMISSION_LOCK = 4_711_044;

export class JobStore {
  readonly #database: Queryable;
  readonly #transaction: Database['transaction'];

  constructor(database: Database) {
    this.#database = database;
    this.#transaction = (work) => database.transaction(work);
  }

  /** Runs `work` while nobody else's runs, in whatever process: who counts jobs and then adds one is not overtaken. */
  exclusively<T>(work: (store: JobStore) => Promise<T>): Promise<T> {
    return this.#transaction(async (transaction) => {
      await transaction.query('select pg_advisory_xact_lock($1)', [ADMISSION_LOCK]);
      return work(new JobStore(transaction as Database));
    });
  }

  /** Stores a new batch job with status 'created'; nothing runs. */
  async create(userId: string, definition: JobDefinition): Promise<Job> {
    return this.#insert('batch', userId, definition, 'created', 0);
  }

  /** Stores a synchronous request as a job that waits for its worker, so that it has a log and can be canceled. */
  async createSync(userId: string, definition: JobDefinition): Promise<Job> {
    return this.#insert('sync', userId, definition, 'queued', 1);
  }

  async #insert(kind: Job['kind'], userId: string, definition: JobDefinition, status: Job['status'], run: number): Promise<Job> {
    const rows = await this.#database.query<Row>(
      `insert into jobs (id, kind, user_id, definition, status, run, queued, turn)
       values ($1, $2, $3, $4, $5, $6, case when $5 = 'queued' then now() end, ${nextTurn('$3', '$2')}) returning *`,
      [randomUUID(), kind, userId, JSON.stringify(definition), status, run],
    );
    return jobOf(rows[0]!);
  }

  /** The job; throws JobNotFound when there is none or it is another user's. */
  async get(userId: string, jobId: string, kind: Job['kind'] = 'batch'): Promise<Job> {
    const job = await this.find(jobId);
    if (job === null || job.userId !== userId || job.kind !== kind) throw new OpenEOError('JobNotFound', { identifier: jobId });
    return job;
  }

  /** The job whoever owns it; null when there is none. */
  async find(jobId: string): Promise<Job | null> {
    // PostgreSQL's text can't hold NUL, so no job has such an id.
    if (jobId.includes('\0')) return null;
    const [row] = await this.#database.query<Row>('select * from jobs where id = $1', [jobId]);
    return row === undefined ? null : jobOf(row);
  }

  /** Batch jobs of a user, newest first. Without `limit` all of them. */
  async list(userId: string, page: { readonly limit?: number; readonly after?: string } = {}): Promise<JobPage> {
    const limit = page.limit ?? null;
    const rows = await this.#database.query<Row>(
      `select * from jobs where user_id = $1 and kind = 'batch'
         and ($2::text is null or (created, id) < (select created, id from jobs where id = $2))
       order by created desc, id desc limit $3`,
      [userId, page.after === undefined || page.after.includes('\0') ? null : page.after, limit === null ? null : limit + 1],
    );
    const jobs = rows.slice(0, limit ?? rows.length).map(jobOf);
    return { jobs, next: jobs.length < rows.length ? jobs.at(-1)!.id : null };
  }

  /** Batch jobs of a user that finished and still have results, newest first; no more than `limit`. */
  async withResults(userId: string, limit: number): Promise<Job[]> {
    const rows = await this.#database.query<Row>(`select * from jobs where ${WITH_RESULTS} order by created desc, id desc limit $2`, [userId, limit]);
    return rows.map(jobOf);
  }

  /** A text that is another one after every change of the jobs that `withResults` gives; null when there are none. */
  async resultsVersion(userId: string): Promise<string | null> {
    // A row's version is that of PostgreSQL: its transaction and its place.
    const [row] = await this.#database.query<{ version: string | null }>(`select md5(string_agg(id || xmin::text || ctid::text, ',' order by created, id)) as version from jobs where ${WITH_RESULTS}`, [userId]);
    return row!.version;
  }

  /** Replaces the given first-level properties. Throws JobLocked while the job is queued or running. */
  async update(userId: string, jobId: string, change: (definition: JobDefinition) => JobDefinition): Promise<void> {
    const { definition, kind } = await this.get(userId, jobId);
    const rows = await this.#database.query(
      'update jobs set definition = $2 where id = $1 and kind = $3 and status = any($4) returning id',
      [jobId, JSON.stringify(change(definition)), kind, transitions.start.from],
    );
    if (rows.length === 0) throw new OpenEOError('JobLocked', {});
  }

  /** Deletes the job with its logs, in whatever status; its worker notices. Throws JobNotFound. */
  async delete(userId: string, jobId: string): Promise<void> {
    await this.get(userId, jobId);
    await this.remove(jobId);
  }

  /** Deletes a job without asking whose it is. */
  async remove(jobId: string): Promise<void> {
    await this.#database.query('delete from jobs where id = $1', [jobId]);
  }

  /** Queues the job and discards earlier results; null when it is queued or running already. */
  async start(jobId: string): Promise<Job | null> {
    return this.#move('start', jobId, null,
      'run = run + 1, begun = 0, progress = 0, queued = now(), started = null, finished = null, usage = null, costs = null, result = null, stages = null, '
      + `turn = ${nextTurn('jobs.user_id', 'jobs.kind')}`);
  }

  /** Stops a queued or running job; null when it was neither. */
  async cancel(jobId: string): Promise<Job | null> {
    return await this.#move('cancelWithFiles', jobId, null, 'run = run + 1, finished = now()', 'result is not null')
      ?? await this.#move('cancel', jobId, null, 'run = run + 1, progress = 0, queued = null, started = null');
  }

  /** A worker takes the run up; null when the run does not count any more. */
  async begin({ jobId, run }: Run): Promise<Job | null> {
    return this.#move('begin', jobId, run, 'started = coalesce(started, now()), begun = begun + 1');
  }

  /** The run ended well; null when it does not count any more. */
  async finish({ jobId, run }: Run, result: JobResult, { usage, costs }: Account = noAccount): Promise<Job | null> {
    return this.#move('finish', jobId, run, 'progress = 100, finished = now(), result = $5, usage = $6, costs = $7', 'true',
      [JSON.stringify(result), usage && JSON.stringify(usage), costs]);
  }

  /** The run ended with an error; null when it does not count any more. */
  async fail({ jobId, run }: Run, { usage, costs }: Account = noAccount): Promise<Job | null> {
    return this.#move('fail', jobId, run, 'finished = now(), usage = $5, costs = $6', 'true', [usage && JSON.stringify(usage), costs]);
  }

  /** Notes what a run took that was canceled meanwhile; nothing when the job was started again since. */
  async account({ jobId, run }: Run, { usage, costs }: Account): Promise<void> {
    await this.#database.query(`update jobs set usage = $3, costs = $4 where id = $1 and run = $2 + 1 and status in ('created', 'canceled')`, [jobId, run, usage && JSON.stringify(usage), costs]);
  }

  /** Notes the share done, 0 to 1, of a running job. It never goes back, also when another worker begins anew. */
  async report({ jobId, run }: Run, share: number): Promise<void> {
    const percent = Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
    await this.#database.query(`update jobs set progress = greatest(progress, $3) where id = $1 and run = $2 and status = 'running'`, [jobId, run, Math.min(percent, 99.9)]);
  }

  /** Notes what a running job is at. */
  async noteStages({ jobId, run }: Run, stages: Stages): Promise<void> {
    await this.#database.query(`update jobs set stages = $3 where id = $1 and run = $2 and status = 'running'`, [jobId, run, JSON.stringify(stages)]);
  }

  /** The worker shuts down before the end and gives the run back; that is no sign of a job that kills its workers. */
  async giveBack({ jobId, run }: Run): Promise<void> {
    await this.#database.query('update jobs set begun = greatest(begun - 1, 0) where id = $1 and run = $2', [jobId, run]);
  }

  /** Keeps files that are ready before the end; with some, canceling leads to 'canceled' and they stay downloadable. */
  async keepPartial({ jobId, run }: Run, result: JobResult): Promise<void> {
    await this.#database.query(`update jobs set result = $3 where id = $1 and run = $2 and status = 'running'`, [jobId, run, JSON.stringify(result)]);
  }

  /** Ends all links to the results that were given out. Throws JobNotFound. */
  async revokeLinks(userId: string, jobId: string): Promise<void> {
    await this.get(userId, jobId);
    await this.#database.query('update jobs set link_series = link_series + 1 where id = $1', [jobId]);
  }

  /** Forgets the results of batch jobs that ended over `seconds` ago; gives the ids of the jobs. */
  async forgetResults(seconds: number): Promise<string[]> {
    const rows = await this.#database.query<{ id: string }>(
      `update jobs set result = null where kind = 'batch' and status in ('finished', 'canceled', 'error') and result is not null
         and updated < now() - make_interval(secs => $1) returning id`, [seconds],
    );
    return rows.map(({ id }) => id);
  }

  /** Of the given runs, those that still count. */
  async current(runs: readonly Run[]): Promise<Run[]> {
    const rows = await this.#database.query<{ id: string; run: number }>(
      `select id, run from jobs where id = any($1) and status in ('queued', 'running')`, [runs.map(({ jobId }) => jobId)],
    );
    const known = new Map(rows.map((row) => [row.id, row.run]));
    return runs.filter(({ jobId, run }) => known.get(jobId) === run);
  }

  /**
   * How many jobs of a kind wait for a worker or are worked on, counting those queued in the last `seconds`
   * (null: all): in all, and of one user.
   */
  async load(kind: Job['kind'], userId: string, seconds: number | null): Promise<Load> {
    const [row] = await this.#database.query<{ waiting: number; own_waiting: number; own: number }>(
      `select count(*) filter (where status = 'queued')::integer as waiting,
              count(*) filter (where status = 'queued' and user_id = $2)::integer as own_waiting,
              count(*) filter (where user_id = $2)::integer as own
       from jobs where kind = $1 and status in ('queued', 'running')
         and ($3::integer is null or queued > now() - make_interval(secs => $3))`, [kind, userId, seconds],
    );
    return { waiting: row!.waiting, ownWaiting: row!.own_waiting, ownUnderWay: row!.own };
  }

  /** Batch jobs that were queued over `seconds` ago and have not ended. */
  async underWay(seconds: number): Promise<Job[]> {
    const rows = await this.#database.query<Row>(
      `select * from jobs where status in ('queued', 'running') and kind = 'batch' and queued < now() - make_interval(secs => $1)`, [seconds],
    );
    return rows.map(jobOf);
  }

  /** Synchronous requests that were made over `seconds` ago. */
  async oldSync(seconds: number): Promise<Job[]> {
    const rows = await this.#database.query<Row>(`select * from jobs where kind = 'sync' and created < now() - make_interval(secs => $1)`, [seconds]);
    return rows.map(jobOf);
  }

  /** $1 id, $2 statuses, $3 new status, $4 run or null; `more` begins at $5. */
  async #move(transition: Transition, jobId: string, run: number | null, set: string, condition = 'true', more: readonly unknown[] = []): Promise<Job | null> {
    const { from, to } = transitions[transition];
    const [row] = await this.#database.query<Row>(
      `update jobs set status = $3, updated = case when status = $3 then updated else now() end, ${set}
       where id = $1 and status = any($2) and ($4::integer is null or run = $4) and ${condition} returning *`,
      [jobId, from, to, run, ...more],
    );
    return row === undefined ? null : jobOf(row);
  }
}

function jobOf(row: Row): Job {
  const { user_id: userId, id, kind, definition, status, run, turn, begun, progress, stages, usage, costs, result } = row;
  const time = (value: Date | null) => value?.toISOString() ?? null;
  return {
    id, kind, userId, definition, status, run, turn, begun, progress, stages, usage, costs, result, linkSeries: row.link_series,
    created: row.created.toISOString(), updated: row.updated.toISOString(),
    queued: time(row.queued), started: time(row.started), finished: time(row.finished),
  };
}
