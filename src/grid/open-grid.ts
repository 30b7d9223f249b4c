/** Opens the grid that an address names: a directory, a bucket, or a database. */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../database/connection.ts';
import { migrate } from '../database/migrations.ts';
import type { Log } from '../log.ts';
import { createLocalStore } from '../storage/local.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openS3Store, type S3Settings } from '../storage/s3.ts';
import { withoutLogin } from '../storage/without-login.ts';
import { createDatabaseGrid } from './database-grid.ts';
import type { Grid, GridOptions } from './grid.ts';
import { createObjectGrid } from './object-grid.ts';

/** What addresses don't say, because command lines are seen by others: how to get in. */
export interface GridAccess {
  /** The bucket of the settings is not looked at: the address has one. */
  readonly s3: S3Settings | null;
  readonly databaseUrl: string | null;
  readonly log: Log;
}

/** A store and the beginning of the keys in it. */
export interface Place {
  readonly store: ObjectStore;
  /** '' or with a slash at its end. */
  readonly prefix: string;
  close(): void;
}

/** Writers that try to create the same object at one moment. */
const RIVALS = 6;

/**
 * Opens 's3://bucket/prefix', 'database:name', or a directory ('./grid', 'file:///mnt/shared/grid').
 *
 * @throws {Error} when the address is wrong, settings for it are missing, or the store lets several writers create the same object
 */
export async function openGrid(address: string, access: GridAccess, options: GridOptions): Promise<Grid> {
  const name = /^database:(.*)$/s.exec(address)?.[1];
  if (name !== undefined) return openInDatabase(name, access, options);
  const place = await openPlace(address, access);
  await checkCreatesOnce(place.store, place.prefix);
  return createObjectGrid(place.store, place.prefix, options, () => place.close());
}

/** Opens 's3://bucket/prefix' or a directory, which is made when missing. Throws an Error for other addresses. */
export async function openPlace(address: string, { s3 }: Pick<GridAccess, 's3'>): Promise<Place> {
  const [, bucket, rest = ''] = /^s3:\/\/([^/]+)\/*(.*)$/s.exec(address) ?? [];
  if (bucket === undefined) {
    if (/^[a-z][a-z\d+.-]+:/i.test(address) && !address.startsWith('file://')) throw new Error(`'${withoutLogin(address)}' is no address of a grid: give a directory, s3://bucket/prefix, or database:name.`);
    const directory = address.startsWith('file://') ? fileURLToPath(address) : address;
    await mkdir(directory, { recursive: true });
    return { store: createLocalStore(directory), prefix: '', close: () => {} };
  }
  if (s3 === null) throw new Error('For s3:// addresses the settings LAMINA_S3_ENDPOINT, LAMINA_S3_ACCESS_KEY and LAMINA_S3_SECRET_KEY are needed.');
  const store = await openS3Store({ ...s3, bucket });
  return { store, prefix: rest === '' ? '' : `${rest.replace(/\/+$/, '')}/`, close: () => store.close() };
}

async function openInDatabase(name: string, { databaseUrl, log }: GridAccess, options: GridOptions): Promise<Grid> {
  if (!/^[\w.-]{1,100}$/.test(name)) throw new Error(`'database:${name}' needs a name of letters, digits, '.', '_' and '-', such as database:scenes-2024.`);
  if (databaseUrl === null) throw new Error('For database:… the setting LAMINA_DATABASE_URL is needed.');
  const database = openDatabase(databaseUrl, { log, maxConnections: 2, applicationName: 'lamina-grid' });
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return createDatabaseGrid(database, name, options);
}

/** A store that does not honour "only when absent" would hand one task to several processes: better not to begin. */
async function checkCreatesOnce(store: ObjectStore, prefix: string): Promise<void> {
  const key = `${prefix}trials/${randomUUID()}`;
  const made = await Promise.all(Array.from({ length: RIVALS }, (_, i) => store.put(key, Buffer.from(String(i)), { ifAbsent: true })));
  await store.delete(key);
  const winners = made.filter((info) => info !== null).length;
  if (winners !== 1) throw new Error(`This store can't hold a grid: of ${RIVALS} writers ${winners} created the same object. It has to honour If-None-Match: * on PUT.`);
}
