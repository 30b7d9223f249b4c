/** Logs of jobs in PostgreSQL, as openEO log entries. */
import type { Database } from '../database/connection.ts';
import { createLog, severity } from '../log.ts';
import type { Log, LogEntry, LogLevel } from '../log.ts';

/** An entry as GET /jobs/{job_id}/logs gives it. */
export interface StoredLogEntry extends LogEntry {
  readonly id: string;
}

export interface JobLog {
  readonly log: Log;
  /** Resolves when everything logged so far is stored. */
  readonly flush: () => Promise<void>;
}

/** A process that logs per pixel must not fill the database. */
const maxEntries = 5000;
const flushMs = 200;

export class JobLogs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * A log whose entries of at least `level` are stored under the job, in order and in batches. A job that
   * has been deleted takes no more entries, silently. `also` is told every entry, stored or not.
   */
  open(jobId: string, level: LogLevel, also?: (entry: LogEntry) => void): JobLog {
    let pending: LogEntry[] = [];
    let count = 0;
    let timer: NodeJS.Timeout | undefined;
    let writing: Promise<void> = Promise.resolve();
    const write = async (): Promise<void> => {
      const entries = pending;
      pending = [];
      try {
        await this.append(jobId, entries);
      } catch (error) {
        // Kept for the next try, so that a database that restarts costs no entry.
        pending = [...entries, ...pending];
        throw error;
      }
    };
    const flush = (): Promise<void> => {
      clearTimeout(timer);
      timer = undefined;
      writing = writing.catch(() => {}).then(write);
      return writing;
    };
    const log = createLog((entry) => {
      also?.(entry);
      if (++count > maxEntries) return;
      pending.push(count < maxEntries ? entry : { ...entry, level: 'warning', message: `The log holds ${maxEntries} entries of this run; later ones are dropped.` });
      // A failed write shows at the next explicit flush, not as an unhandled rejection of the timer.
      timer ??= setTimeout(() => void flush().catch(() => {}), flushMs);
    }, level);
    return { log, flush };
  }

  /** Stores entries in the given order. */
  async append(jobId: string, entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#database.query(
      `insert into job_logs (job_id, severity, entry)
       select jobs.id, given.severity, given.entry
       from jobs, unnest($2::smallint[], $3::json[]) with ordinality as given (severity, entry, position)
       where jobs.id = $1 order by given.position`,
      [jobId, entries.map((entry) => severity[entry.level]), entries.map((entry) => JSON.stringify(entry))],
    );
  }

  /**
   * Entries of at least `level` in the order of writing.
   *
   * @param page.offset id of the last entry that the caller has; absent: from the beginning
   */
  async list(jobId: string, page: { readonly offset?: string; readonly level?: LogLevel; readonly limit?: number } = {}): Promise<StoredLogEntry[]> {
    const rows = await this.#database.query<{ id: number; entry: LogEntry }>(
      'select id, entry from job_logs where job_id = $1 and id > $2 and severity >= $3 order by id limit $4',
      [jobId, page.offset ?? 0, severity[page.level ?? 'debug'], page.limit ?? null],
    );
    return rows.map(({ id, entry }) => ({ id: String(id), ...entry }));
  }

  /** The last entry of level error; null without one. */
  async lastError(jobId: string): Promise<StoredLogEntry | null> {
    const [row] = await this.#database.query<{ id: number; entry: LogEntry }>(
      'select id, entry from job_logs where job_id = $1 and severity = $2 order by id desc limit 1', [jobId, severity.error],
    );
    return row === undefined ? null : { id: String(row.id), ...row.entry };
  }

  /** Forgets the log of a job, which is started again. */
  async clear(jobId: string): Promise<void> {
    await this.#database.query('delete from job_logs where job_id = $1', [jobId]);
  }
}
