/**
 * Gap 7 of the original: its grid did batches twice (up to 24 of 300), and a killed process blocked its batch for
 * three hours, after which the run ended without it and without a word.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endFleet, startFleet, startMember } from '../grid/fleet.ts';
import { taskNames } from '../grid/orders.ts';
import { startPlace, type PlaceKind, type TestPlace } from '../grid/places.ts';

const LEASE_MS = 1500;

describe.each<PlaceKind>(['directory', 's3'])('G7: a grid in a %s', (kind) => {
  let place: TestPlace;
  beforeAll(async () => void (place = await startPlace(kind)));
  afterAll(() => place.stop());

  it('does 300 batches with 4 processes, none twice, although one of them is killed at work', async () => {
    const setup = { access: { s3: place.access.s3, databaseUrl: null }, leaseMs: LEASE_MS };
    const address = place.newAddress();
    const doomed = await startMember({ ...setup, worker: 'doomed' });
    const begins = doomed.begins();
    doomed.obey({ address, tasks: 300, taskMs: 600_000 }).catch(() => {});
    const lost = await begins;
    const fleet = await startFleet(4, setup);
    const orders = fleet.map((member) => member.obey({ address, tasks: 300, taskMs: 1 }));
    await doomed.end();
    const answers = await Promise.all(orders);
    await endFleet(fleet);
    const begun = answers.flatMap((answer) => answer.begun).sort();
    expect(begun).toEqual(taskNames(300).sort());
    expect(begun).toContain(lost);
    expect(answers.every(({ failed, refused }) => failed === 0 && refused === 0)).toBe(true);
    const grid = await place.open(address);
    const states = await Array.fromAsync(grid.list());
    expect(states.filter(({ status }) => status === 'done')).toHaveLength(300);
    await grid.close();
  }, 120_000);
});
