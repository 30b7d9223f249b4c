/** Brings the schema up to date: every migration runs once, in order, whoever starts first. */
import type { Database, Queryable } from './connection.ts';
import { migrations as all, type Migration } from './migrations/index.ts';

/** Any number that nothing else locks: two processes that start together take turns. */
const MIGRATION_LOCK = 4_711_042;

/**
 * Applies what is missing in one transaction and gives the names of what it applied. Several processes
 * may call it at once; a migration that fails leaves the schema as it was and throws.
 */
export function migrate(database: Database, migrations: readonly Migration[] = all): Promise<string[]> {
  return database.transaction(async (transaction) => {
    await transaction.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await transaction.query('create table if not exists migrations (name text primary key, applied timestamptz not null default now())');
    return applyMissing(transaction, migrations);
  });
}

async function applyMissing(transaction: Queryable, migrations: readonly Migration[]): Promise<string[]> {
  const rows = await transaction.query<{ name: string }>('select name from migrations');
  const known = new Set(rows.map((row) => row.name));
  const missing = migrations.filter((migration) => !known.has(migration.name));
  for (const migration of missing) {
    await transaction.query(migration.sql);
    await transaction.query('insert into migrations (name) values ($1)', [migration.name]);
  }
  return missing.map((migration) => migration.name);
}
