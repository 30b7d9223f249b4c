/** Services and their logs in a real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/database/connection.ts';
import { migrate } from '../../src/database/migrations.ts';
import type { LogEntry } from '../../src/log.ts';
import { ServiceLogs } from '../../src/services/logs.ts';
import type { ServiceDefinition } from '../../src/services/service.ts';
import { ServiceStore } from '../../src/services/store.ts';
import { startPostgres, type TestServer } from '../jobs/servers.ts';

let postgres: TestServer;
let database: Database;
let store: ServiceStore;

beforeAll(async () => {
  postgres = await startPostgres();
  database = openDatabase(postgres.url);
  await migrate(database);
  store = new ServiceStore(database);
});
afterAll(async () => {
  await database.close();
  await postgres.stop();
});

const definition: ServiceDefinition = { process: { process_graph: { a: { process_id: 'pi', arguments: {}, result: true } } }, title: 'with \0 and ü' };
const create = (user = 'ann', limit = 100) => store.create(user, { type: 'XYZ', definition, enabled: true, range: [0.5, 2] }, limit);
const same = { range: null, enabled: true, isRedrawn: false, hasNewKey: false };

describe('ServiceStore', () => {
  it('gives back what was stored, to its owner', async () => {
    const made = await create();
    expect(made).toMatchObject({ userId: 'ann', type: 'XYZ', definition, enabled: true, range: [0.5, 2], revision: 1, usage: { tiles: 0, seconds: 0, samples: 0, blocks: 0 } });
    expect(made.key).toMatch(/^[\w-]{24}$/);
    expect(await store.get('ann', made.id)).toEqual(made);
    await expect(store.get('bob', made.id)).rejects.toMatchObject({ code: 'ServiceNotFound' });
    for (const id of ['', 'a\0b', '../x', 'x'.repeat(500)]) expect(await store.find(id)).toBeNull();
  });

  it('counts changes of the picture, and makes new keys only where asked to', async () => {
    const made = await create();
    const [named, redrawn, locked] = [
      await store.update('ann', made.id, () => ({ ...same, definition: { ...definition, title: 'Other' } })),
      await store.update('ann', made.id, () => ({ ...same, definition, isRedrawn: true, enabled: false })),
      await store.update('ann', made.id, () => ({ ...same, definition, hasNewKey: true })),
    ];
    expect([named, redrawn, locked].map(({ revision, enabled, key }) => [revision, enabled, key === made.key])).toEqual([[1, true, true], [2, false, true], [2, true, false]]);
    await expect(store.update('bob', made.id, () => ({ ...same, definition }))).rejects.toMatchObject({ code: 'ServiceNotFound' });
  });

  it('lets nobody have more than the limit, however fast he is', async () => {
    const made = await Promise.allSettled(Array.from({ length: 12 }, () => create('fast', 5)));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    for (const each of made) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'StorageQuotaExceeded', message: expect.stringContaining('5 web services') as unknown });
    expect((await create('other', 5)).userId).toBe('other');
  });

  it('lists the newest first, page by page', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await create('pages')).id);
    const [first, second, third] = [await store.list('pages', { limit: 2 }), await store.list('pages', { limit: 2, after: ids[1]! }), await store.list('pages', { limit: 2, after: ids[3]! })];
    expect([...first.services, ...second.services, ...third.services].map(({ id }) => id)).toEqual(ids);
    expect([first.next, second.next, third.next]).toEqual([ids[1], ids[3], null]);
  });

  it('adds up what tiles took', async () => {
    const { id } = await create();
    await Promise.all([store.use(id, { tiles: 1, seconds: 0.5, samples: 10, blocks: 0 }), store.use(id, { tiles: 1, seconds: 1, samples: 5, blocks: 3 })]);
    expect(await store.find(id)).toMatchObject({ usage: { tiles: 2, seconds: 1.5, samples: 15, blocks: 3 } });
  });

  it('deletes a service with its log, for its owner only', async () => {
    const { id } = await create();
    await new ServiceLogs(database).append({ id, definition }, [entry('info', 'hello')]);
    await expect(store.delete('bob', id)).rejects.toMatchObject({ code: 'ServiceNotFound' });
    await store.delete('ann', id);
    await expect(store.delete('ann', id)).rejects.toMatchObject({ code: 'ServiceNotFound' });
    expect(await database.query('select 1 from service_logs where service_id = $1', [id])).toEqual([]);
  });
});

const entry = (level: LogEntry['level'], message: string): LogEntry => ({ level, message, time: '2026-01-01T00:00:00Z' });

describe('ServiceLogs', () => {
  it('keeps entries from the level of the service on, and lists from an offset on', async () => {
    const logs = new ServiceLogs(database);
    const { id } = await create();
    await logs.append({ id, definition: { ...definition, log_level: 'warning' } }, [entry('debug', 'a'), entry('warning', 'b'), entry('info', 'c'), entry('error', 'd'), entry('warning', 'e')]);
    const all = await logs.list(id);
    expect(all.map(({ message }) => message)).toEqual(['b', 'd', 'e']);
    expect((await logs.list(id, { offset: all[0]!.id, limit: 1 })).map(({ message }) => message)).toEqual(['d']);
    expect((await logs.list(id, { level: 'error' })).map(({ message }) => message)).toEqual(['d']);
  });

  it('tells the same once a minute', async () => {
    let now = 0;
    const logs = new ServiceLogs(database, () => now);
    const service = await create();
    for (const at of [0, 1000, 59_000, 60_000, 61_000]) {
      now = at;
      await logs.appendOnce(service, 'same', entry('error', `at ${at}`));
    }
    await logs.appendOnce(service, 'other', entry('error', 'other'));
    expect((await logs.list(service.id)).map(({ message }) => message)).toEqual(['at 0', 'at 60000', 'other']);
  });

  it('takes nothing for a service that is gone', async () => {
    await new ServiceLogs(database).append({ id: 'gone', definition }, [entry('error', 'x')]);
    expect(await database.query('select 1 from service_logs where service_id = $1', ['gone'])).toEqual([]);
  });

  it('forgets the oldest entries of a map that never stops failing', async () => {
    const logs = new ServiceLogs(database);
    const service = await create();
    for (let i = 0; i < 26; i++) await logs.append(service, Array.from({ length: 100 }, (_, k) => entry('error', String(i * 100 + k))));
    const kept = await logs.list(service.id);
    expect(kept.length).toBeGreaterThanOrEqual(2000);
    expect(kept.length).toBeLessThan(2200);
    expect(kept.at(-1)!.message).toBe('2599');
  });
});
