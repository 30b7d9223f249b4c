/** The user-defined processes of all users, in PostgreSQL. */
import type { Database } from '../database/connection.ts';
import { OpenEOError } from '../errors.ts';

/** The JSON that a user stored, its id filled in and without nulls. */
export type StoredDefinition = Readonly<Record<string, unknown>> & { readonly id: string };

export interface StoredProcess {
  readonly definition: StoredDefinition;
  /** Others may read it and use it. */
  readonly isPublic: boolean;
}

export interface ProcessPage {
  readonly processes: readonly StoredProcess[];
  /** Id to continue after; null on the last page. */
  readonly next: string | null;
}

interface Row {
  readonly definition: StoredDefinition;
  readonly is_public: boolean;
  readonly [column: string]: unknown;
}

/** What one user may store. */
const MAX_PROCESSES = 1000;

const isId = (id: string) => /^\w+$/.test(id) && id.length <= 200;

export class UserProcessStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores a process in place of the one with the same id. Throws StorageQuotaExceeded for one too many. */
  async put(user: string, { definition, isPublic }: StoredProcess): Promise<void> {
    await this.#database.transaction(async (transaction) => {
      const others = await transaction.query<{ count: number }>('select count(*)::int as count from user_processes where user_id = $1 and id <> $2', [user, definition.id]);
      if (others[0]!.count >= MAX_PROCESSES) throw new OpenEOError('StorageQuotaExceeded', {}, { detail: `A user may store ${MAX_PROCESSES} processes; delete some first.` });
      await transaction.query(
        `insert into user_processes (user_id, id, definition, is_public) values ($1, $2, $3, $4)
         on conflict (user_id, id) do update set definition = excluded.definition, is_public = excluded.is_public, updated = now()`,
        [user, definition.id, JSON.stringify(definition), isPublic],
      );
    });
  }

  /** null: the user has no such process. */
  async find(user: string, id: string): Promise<StoredProcess | null> {
    if (!isId(id) || user.includes('\0')) return null;
    const [row] = await this.#database.query<Row>('select definition, is_public from user_processes where user_id = $1 and id = $2', [user, id]);
    return row ? processOf(row) : null;
  }

  /** Throws ProcessGraphNotFound. */
  async get(user: string, id: string): Promise<StoredProcess> {
    const found = await this.find(user, id);
    if (!found) throw notFound(id);
    return found;
  }

  /** Throws ProcessGraphNotFound. Whatever uses the process is left as it is. */
  async delete(user: string, id: string): Promise<void> {
    const gone = isId(id) ? await this.#database.query('delete from user_processes where user_id = $1 and id = $2 returning id', [user, id]) : [];
    if (gone.length === 0) throw notFound(id);
  }

  /** The processes of a user by their ids. */
  async list(user: string, { limit, after }: { readonly limit?: number; readonly after?: string } = {}): Promise<ProcessPage> {
    const rows = await this.#database.query<Row>(
      'select definition, is_public from user_processes where user_id = $1 and ($2::text is null or id > $2 collate "C") order by id collate "C" limit $3',
      [user, after === undefined || after.includes('\0') ? null : after, limit === undefined ? null : limit + 1],
    );
    const processes = rows.slice(0, limit).map(processOf);
    return { processes, next: rows.length > processes.length ? processes.at(-1)!.definition.id : null };
  }

  /** Those of the wanted processes that there are; with `onlyPublic` those of them that are shared. */
  async ofUser(user: string, ids: readonly string[], onlyPublic: boolean): Promise<ReadonlyMap<string, StoredDefinition>> {
    const wanted = ids.filter(isId);
    if (wanted.length === 0 || user.includes('\0')) return new Map();
    const rows = await this.#database.query<Row>(
      'select definition, is_public from user_processes where user_id = $1 and id = any($2) and (is_public or not $3)', [user, wanted, onlyPublic],
    );
    return new Map(rows.map(({ definition }) => [definition.id, definition]));
  }
}

function processOf({ definition, is_public }: Row): StoredProcess {
  return { definition, isPublic: is_public };
}

function notFound(id: string): OpenEOError {
  return new OpenEOError('ProcessGraphNotFound', { identifier: id.slice(0, 200) });
}
