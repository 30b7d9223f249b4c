/**
 * Gap 8 of the original: the task of a killed process stayed 'processing' in the database for ever, and a task that
 * failed was never tried again.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { workThrough } from '../../src/grid/work-through.ts';
import { startMember } from '../grid/fleet.ts';
import { taskNames } from '../grid/orders.ts';
import { startPlace, type TestPlace } from '../grid/places.ts';

let place: TestPlace;
beforeAll(async () => void (place = await startPlace('database')));
afterAll(() => place.stop());

it('G8: the task of a killed process is done by another within the lease and 5 s', async () => {
  const leaseMs = 1000;
  const address = place.newAddress();
  const doomed = await startMember({ worker: 'doomed', access: { s3: null, databaseUrl: place.access.databaseUrl }, leaseMs });
  const begins = doomed.begins();
  doomed.obey({ address, tasks: 1, taskMs: 600_000 }).catch(() => {});
  await begins;
  const grid = await place.open(address, { worker: 'heir', leaseMs });
  expect(await grid.read(taskNames(1)[0]!)).toMatchObject({ status: 'held', worker: 'doomed' });
  await doomed.end();
  const killed = performance.now();
  expect(await workThrough(grid, taskNames(1), { run: async () => ({}) }, { leaseMs, log: silentLog })).toMatchObject({ done: 1, did: 1 });
  expect(performance.now() - killed).toBeLessThan(leaseMs + 5000);
  await grid.close();
});

it('G8: a task that fails once is tried again and done', async () => {
  const grid = await place.open(place.newAddress());
  let tries = 0;
  const work = {
    run: async () => {
      if (++tries === 1) throw new Error('the network was down');
      return {};
    },
  };
  expect(await workThrough(grid, ['t'], work, { leaseMs: 60_000, log: silentLog })).toMatchObject({ done: 1, failed: 0 });
  expect(tries).toBe(2);
  expect(await grid.read('t')).toMatchObject({ attempts: 2, reason: 'the network was down' });
  await grid.close();
});
