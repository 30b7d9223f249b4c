import { afterAll, beforeAll, expect, it } from 'vitest';
import { WorkerFleet } from '../../src/jobs/fleet.ts';
import { silentLog } from '../../src/log.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';

let server: FreshDatabase;
beforeAll(async () => void (server = await startFreshDatabase()), 60_000);
afterAll(() => server.stop());

it('knows what the workers that are there have, together', async () => {
  const [api, plain, strong] = Array.from({ length: 3 }, () => new WorkerFleet(server.database, silentLog)) as [WorkerFleet, WorkerFleet, WorkerFleet];
  await api.watch();
  expect(api.equipment).toBeNull();
  await plain.announce({ threads: false, programs: false });
  await api.look();
  expect(api.equipment).toEqual({ threads: false, programs: false });
  await strong.announce({ threads: true, programs: false });
  expect(strong.equipment).toEqual({ threads: true, programs: false });
  await api.look();
  expect(api.equipment).toEqual({ threads: true, programs: false });

  // One that was killed says nothing any more.
  await server.database.query(`update worker set seen = seen - interval '2 minutes' where equipment->>'threads' = 'true'`);
  await api.look();
  expect(api.equipment).toEqual({ threads: false, programs: false });
  await strong.close();
  await plain.close();
  await api.look();
  expect(api.equipment).toBeNull();
  expect(await server.database.query('select * from worker')).toEqual([]);
  await api.close();
});
