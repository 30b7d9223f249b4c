import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/database/connection.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrations.ts';
import { migrations } from '../../src/database/migrations/index.ts';
import { silentLog } from '../../src/log.ts';

let directory: string;
let server: EmbeddedPostgres;
let database: Database;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lamina-database-'));
  server = await startEmbeddedPostgres({ directory, log: silentLog, durable: false });
  database = openDatabase(server.url);
});

afterAll(async () => {
  await database.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('a database', () => {
  it('takes values as parameters and gives 64-bit integers as numbers', async () => {
    expect(await database.query('select $1::text as text, 5::bigint as five', ['it\'s; drop'])).toEqual([{ text: 'it\'s; drop', five: 5 }]);
  });

  it('rolls a failed transaction back and goes on', async () => {
    await database.query('create table counted (n int)');
    await expect(database.transaction(async (transaction) => {
      await transaction.query('insert into counted values (1)');
      throw new Error('on purpose');
    })).rejects.toThrow('on purpose');
    await database.transaction((transaction) => transaction.query('insert into counted values (2)'));
    expect(await database.query('select n from counted')).toEqual([{ n: 2 }]);
  });

  it('says that the server can\'t be reached without telling the URL', async () => {
    const nowhere = openDatabase('postgres://user:secret@127.0.0.1:1/none');
    const error = await nowhere.query('select 1').catch((e: Error) => e);
    expect(error).toMatchObject({ code: 'Internal', message: 'Server error: the database can\'t be reached' });
    await nowhere.close();
  });
});

describe('migrate', () => {
  it('applies each migration once, however many processes start together', async () => {
    const others = [openDatabase(server.url), openDatabase(server.url)];
    const applied = await Promise.all([database, ...others].map((each) => migrate(each)));
    expect(applied.flat().sort()).toEqual(migrations.map((migration) => migration.name).sort());
    expect(await migrate(database)).toEqual([]);
    await Promise.all(others.map((each) => each.close()));
  });

  it('leaves the schema alone when one fails', async () => {
    const broken = [{ name: '9001-good', sql: 'create table good (n int)' }, { name: '9002-bad', sql: 'create tabel bad (n int)' }];
    await expect(migrate(database, broken)).rejects.toThrow('tabel');
    expect(await database.query('select to_regclass(\'good\') as found')).toEqual([{ found: null }]);
  });

  it('has names that begin with their number, in order', () => {
    const names = migrations.map((migration) => migration.name);
    expect(names).toEqual([...names].sort());
    expect(names.every((name) => /^\d{4}-[a-z-]+$/.test(name))).toBe(true);
  });
});
