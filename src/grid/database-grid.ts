/**
 * A grid in PostgreSQL: a row per task. Every change is one statement, whose condition names the token; leases
 * are told by the clock of the database.
 */
import type { Database } from '../database/connection.ts';
import { checkSamePurpose, shortened, type Claim, type Grid, type GridOptions, type Purpose, type TaskDetails, type TaskResult, type TaskState, type TaskStatus } from './grid.ts';

/** Columns of a task as answers name them. */
interface Row {
  readonly task: string;
  readonly status: TaskStatus;
  readonly token: number;
  readonly worker: string;
  readonly attempts: number;
  readonly reason: string | null;
  readonly result: TaskResult | null;
}

/** A lease that has run out is a state of its own, which nobody has to write down. */
const STATUS = `case when status = 'held' and expires < clock_timestamp() then 'expired' else status end as status`;

/** A row that may be claimed: given back, or without sign of life. */
const CLAIMABLE = `(t.status = 'open' or (t.status = 'held' and t.expires < clock_timestamp()))`;

/** Takes a task, or notes that its holders died too often. $1 grid, $2 task, $3 worker, $4 lease in ms, $5 attempts. */
const CLAIM = `
  insert into grid_task as t (grid, task, status, token, worker, attempts, expires)
  values ($1, $2, 'held', 1, $3, 1, clock_timestamp() + $4 * interval '1 millisecond')
  on conflict (grid, task) do update set
    status = case when t.attempts < $5 then 'held' else 'failed' end,
    token = case when t.attempts < $5 then t.token + 1 else t.token end,
    worker = case when t.attempts < $5 then excluded.worker else t.worker end,
    attempts = least(t.attempts + 1, $5),
    expires = excluded.expires,
    reason = case when t.attempts < $5 then t.reason else coalesce(t.reason, 'The processes that worked on it gave no more sign of life.') end
  where ${CLAIMABLE}
  returning status, token, attempts`;

/** Ends a hold. $1 grid, $2 task, $3 token, $4 worker, $5 status, $6 attempts, $7 reason, $8 result. */
const END = `
  update grid_task set status = $5, attempts = $6, reason = coalesce($7, reason), result = $8::jsonb, expires = null
  where grid = $1 and task = $2 and token = $3 and worker = $4 and (status = 'held' or (status = $5 and result is not distinct from $8::jsonb))
  returning task`;

/** The grid of this name in a database whose schema is up to date; `close` closes the database. */
export function createDatabaseGrid(database: Database, name: string, options: GridOptions): Grid {
  return new DatabaseGrid(database, name, options);
}

class DatabaseGrid implements Grid {
  readonly #database: Database;
  readonly #name: string;
  readonly #options: GridOptions;

  constructor(database: Database, name: string, options: GridOptions) {
    this.#database = database;
    this.#name = name;
    this.#options = options;
  }

  async agree(purpose: Purpose): Promise<void> {
    await this.#database.query('insert into grid (name, purpose) values ($1, $2) on conflict (name) do nothing', [this.#name, JSON.stringify(purpose)]);
    const [row] = await this.#database.query<{ purpose: Purpose }>('select purpose from grid where name = $1', [this.#name]);
    checkSamePurpose(purpose, row!.purpose);
  }

  async claim(task: string): Promise<Claim | null> {
    const { worker, leaseMs, maxAttempts } = this.#options;
    const [row] = await this.#database.query<Pick<Row, 'status' | 'token' | 'attempts'>>(CLAIM, [this.#name, task, worker, leaseMs, maxAttempts]);
    return row?.status === 'held' ? { task, token: row.token, attempt: row.attempts } : null;
  }

  async renew({ task, token }: Claim): Promise<boolean> {
    const { worker, leaseMs } = this.#options;
    const sql = `update grid_task set expires = clock_timestamp() + $5 * interval '1 millisecond'
      where grid = $1 and task = $2 and token = $3 and worker = $4 and status = 'held' returning task`;
    return (await this.#database.query(sql, [this.#name, task, token, worker, leaseMs])).length === 1;
  }

  commit(claim: Claim, result: TaskResult): Promise<boolean> {
    return this.#end(claim, 'done', claim.attempt, null, result);
  }

  fail(claim: Claim, reason: string): Promise<boolean> {
    return this.#end(claim, claim.attempt < this.#options.maxAttempts ? 'open' : 'failed', claim.attempt, shortened(reason).replaceAll('\u0000', ''), null);
  }

  release(claim: Claim): Promise<boolean> {
    return this.#end(claim, 'open', claim.attempt - 1, null, null);
  }

  async #end({ task, token }: Claim, status: TaskStatus, attempts: number, reason: string | null, result: TaskResult | null): Promise<boolean> {
    const params = [this.#name, task, token, this.#options.worker, status, attempts, reason, result === null ? null : JSON.stringify(result)];
    return (await this.#database.query(END, params)).length === 1;
  }

  async reopen(task: string): Promise<boolean> {
    const sql = `update grid_task set status = 'open', attempts = 0 where grid = $1 and task = $2 and status = 'failed' returning task`;
    return (await this.#database.query(sql, [this.#name, task])).length === 1;
  }

  async *list(): AsyncIterable<TaskState> {
    yield* await this.#database.query<Pick<Row, 'task' | 'status' | 'token'>>(`select task, ${STATUS}, token from grid_task where grid = $1 order by task`, [this.#name]);
  }

  async read(task: string): Promise<TaskDetails | null> {
    const [row] = await this.#database.query<Row>(`select task, ${STATUS}, token, worker, attempts, reason, result from grid_task where grid = $1 and task = $2`, [this.#name, task]);
    if (!row) return null;
    const { reason, result, ...rest } = row;
    return { ...rest, ...(reason === null ? {} : { reason }), ...(result === null ? {} : { result }) };
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
