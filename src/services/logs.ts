/** Logs of services in PostgreSQL: what failed and why, and what was changed. The newest entries are kept. */
import type { Database } from '../database/connection.ts';
import { isLogged, severity } from '../log.ts';
import type { LogEntry, LogLevel } from '../log.ts';
import { logLevelOf, type Service } from './service.ts';

/** An entry as GET /services/{service_id}/logs gives it. */
export interface StoredEntry extends LogEntry {
  readonly id: string;
}

/** A map whose every tile fails must not fill the database. */
const MAX_ENTRIES = 2000;

/** The same message again within this time says nothing new: a map client asks for dozens of tiles at once. */
const REPEATED_MS = 60_000;

export class ServiceLogs {
  readonly #database: Database;
  readonly #told = new Map<string, number>();
  readonly #now: () => number;

  constructor(database: Database, now: () => number = Date.now) {
    this.#database = database;
    this.#now = now;
  }

  /** Stores entries of at least the service's log level in the given order. A service that has been deleted takes no more, silently. */
  async append(service: Pick<Service, 'id' | 'definition'>, entries: readonly LogEntry[]): Promise<void> {
    const kept = entries.filter(({ level }) => isLogged(level, logLevelOf(service)));
    if (kept.length === 0) return;
    const rows = await this.#database.query<{ id: number }>(
      `insert into service_logs (service_id, severity, entry)
       select services.id, given.severity, given.entry
       from services, unnest($2::smallint[], $3::json[]) with ordinality as given (severity, entry, position)
       where services.id = $1 order by given.position returning service_logs.id`,
      [service.id, kept.map(({ level }) => severity[level]), kept.map((entry) => JSON.stringify(entry))],
    );
    // Now and then is enough: a few too many do no harm.
    if (rows.some(({ id }) => id % 100 === 0)) await this.#forgetOld(service.id);
  }

  /** Stores an entry unless the same was stored in the last minute; `about` is what makes it the same. */
  async appendOnce(service: Pick<Service, 'id' | 'definition'>, about: string, entry: LogEntry): Promise<void> {
    const now = this.#now();
    for (const [key, at] of this.#told) if (now - at >= REPEATED_MS) this.#told.delete(key);
    const key = JSON.stringify([service.id, about]);
    if (this.#told.has(key)) return;
    this.#told.set(key, now);
    await this.append(service, [entry]);
  }

  /**
   * Entries of at least `level` in the order of writing.
   *
   * @param page.offset id of the last entry that the caller has; absent: from the beginning
   */
  async list(serviceId: string, page: { readonly offset?: string; readonly level?: LogLevel; readonly limit?: number } = {}): Promise<StoredEntry[]> {
    const rows = await this.#database.query<{ id: number; entry: LogEntry }>(
      'select id, entry from service_logs where service_id = $1 and id > $2 and severity >= $3 order by id limit $4',
      [serviceId, page.offset ?? 0, severity[page.level ?? 'debug'], page.limit ?? null],
    );
    return rows.map(({ id, entry }) => ({ id: String(id), ...entry }));
  }

  async #forgetOld(serviceId: string): Promise<void> {
    await this.#database.query(
      `delete from service_logs where service_id = $1 and id <= (select id from service_logs where service_id = $1 order by id desc offset ${MAX_ENTRIES} limit 1)`,
      [serviceId],
    );
  }
}
