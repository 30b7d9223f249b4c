/** The only way to PostgreSQL: a pool with typed queries and transactions. */
import { DatabaseError, Pool, types, type PoolClient, type QueryResultRow } from 'pg';
import { OpenEOError } from '../errors.ts';
import { silentLog, type Log } from '../log.ts';

/** What can run SQL: the database itself, or one transaction of it. */
export interface Queryable {
  /**
   * Rows of one statement; values go in as $1, $2 … and never as text. A statement with a name, which no other has,
   * is read and planned once for each connection and not every time: for those whose text and plan are always the same.
   */
  query<T extends QueryResultRow>(sql: string, params?: readonly unknown[], name?: string): Promise<T[]>;
}

/** Takes a value of a statement and gives its placeholder ('$3'). */
export type Bind = (value: unknown) => string;

/** For statements that are put together: values are collected in `params`. */
export function binder(params: unknown[]): Bind {
  return (value) => `$${params.push(value)}`;
}

export interface Database extends Queryable {
  /** For libraries that want a pg.Pool (BullMQ). */
  readonly pool: Pool;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>;
  /** Waits for running statements and closes all connections. A second call changes nothing. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly maxConnections?: number;
  /** Schema that unqualified names mean; default the server's ('public'). */
  readonly searchPath?: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  readonly log?: Log;
}

// Counts and sizes fit a double; strings for them would leak into every sum.
types.setTypeParser(types.builtins.INT8, Number);

/**
 * Opens a pool on a postgres:// URL. Connects when first used, so a server that starts later is no error.
 * Throws nothing itself; a query throws Internal (without the URL) when the server can't be reached.
 */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const pool = new Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    application_name: options.applicationName ?? 'lamina',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // A date without a zone is UTC everywhere in openEO and STAC, whatever the server is set to.
    // Compiling a search takes longer than the search.
    options: ['-c timezone=UTC', '-c jit=off', ...(options.searchPath === undefined ? [] : [`-c search_path=${options.searchPath}`])].join(' '),
  });
  const log = options.log ?? silentLog;
  // Idle connections die when the server restarts; the pool makes new ones, but the event must have a listener.
  let closing: Promise<void> | undefined;
  pool.on('error', (error) => {
    if (!closing) log.warning(`A database connection was lost: ${error.message}`);
  });
  return {
    pool,
    query: async (sql, params, name) => {
      const client = await connect(pool);
      try {
        return await run(client, sql, params, name);
      } finally {
        client.release();
      }
    },
    transaction: (work) => transact(pool, work),
    close: () => (closing ??= pool.end()),
  };
}

/**
 * Whether a statement failed because of the values in it, and would fail with them again: the classes 'data exception',
 * 'integrity constraint violation' and 'program limit exceeded' of PostgreSQL's error codes.
 */
export const isFaultOfValues = (error: unknown): boolean => error instanceof DatabaseError && /^(22|23|54)/.test(error.code ?? '');

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (cause) {
    throw new OpenEOError('Internal', { message: 'the database can\'t be reached' }, { cause });
  }
}

async function run<T extends QueryResultRow>(client: PoolClient, text: string, params: readonly unknown[] = [], name?: string): Promise<T[]> {
  return (await client.query<T>({ text, values: [...params], ...(name === undefined ? {} : { name }) })).rows;
}

async function transact<T>(pool: Pool, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  let broken = false;
  try {
    await client.query('begin');
    const result = await work({ query: (sql, params, name) => run(client, sql, params, name) });
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection that can't even roll back must not return to the pool.
    await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.release(broken);
  }
}
