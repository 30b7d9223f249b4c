/** What every grid has to do, run against each place that it can be in, with real processes. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLog } from '../../src/log.ts';
import { workThrough } from '../../src/grid/work-through.ts';
import { endFleet, startFleet, startMember, type Member } from './fleet.ts';
import { placeKinds, startPlace, type TestPlace } from './places.ts';
import { taskNames } from './orders.ts';

/** .ci/run does 10; through the test's S3 server a run takes ten seconds. */
const RUNS = process.env.SLOW_TESTS ? 10 : 2;
const PROCESSES = 8;
const TASKS = 300;
const LEASE_MS = 1000;

describe.each(placeKinds)('grid in a %s', (kind) => {
  let place: TestPlace;
  let members: Member[] = [];
  beforeAll(async () => void (place = await startPlace(kind)));
  afterAll(() => place.stop());
  afterEach(async () => {
    await endFleet(members);
    members = [];
  });
  const setup = (leaseMs: number) => ({ access: { s3: place.access.s3, databaseUrl: place.access.databaseUrl }, leaseMs });

  it(`lets ${PROCESSES} processes do ${TASKS} tasks exactly once, ${RUNS} times in ${RUNS}, though their clocks differ by 10 s`, async () => {
    members = await startFleet(PROCESSES, setup(60_000), (at) => [-5000, 0, 5000][at % 3]!);
    for (let run = 0; run < RUNS; run++) {
      const address = place.newAddress();
      const answers = await Promise.all(members.map((member) => member.obey({ address, tasks: TASKS, taskMs: 1 })));
      const names = taskNames(TASKS).sort();
      expect(answers.flatMap(({ begun }) => begun).sort()).toEqual(names);
      expect(answers.flatMap(({ done }) => done).sort()).toEqual(names);
      expect(answers.filter(({ begun }) => begun.length > 0).length).toBeGreaterThan(PROCESSES / 2);
    }
  }, RUNS * 60_000);

  it('recovers the task of a process that was killed, within the lease and 5 s', async () => {
    members = [await startMember({ ...setup(LEASE_MS), worker: 'doomed' }), await startMember({ ...setup(LEASE_MS), worker: 'heir' })];
    const [doomed, heir] = members as [Member, Member];
    const address = place.newAddress();
    const begins = doomed.begins();
    doomed.obey({ address, tasks: 20, taskMs: 60_000 }).catch(() => {});
    const lost = await begins;
    const answer = heir.obey({ address, tasks: 20, taskMs: 1 });
    await delay(500);
    await doomed.end();
    const killed = performance.now();
    expect(await answer).toMatchObject({ failed: 0, refused: 0 });
    expect(performance.now() - killed).toBeLessThan(LEASE_MS + 5000);
    expect([...(await answer).done].sort()).toEqual(taskNames(20).sort());
    const grid = await place.open(address);
    expect(await grid.read(lost)).toMatchObject({ status: 'done', worker: 'heir', token: 2, attempts: 2 });
    await grid.close();
  });

  it('refuses what a process brings that slept too long', async () => {
    members = [await startMember({ ...setup(LEASE_MS), worker: 'sleeper' }), await startMember({ ...setup(LEASE_MS), worker: 'awake' })];
    const [sleeper, awake] = members as [Member, Member];
    const address = place.newAddress();
    const begins = sleeper.begins();
    const late = sleeper.obey({ address, tasks: 1, taskMs: 300 });
    await begins;
    sleeper.child.kill('SIGSTOP');
    expect(await awake.obey({ address, tasks: 1, taskMs: 1 })).toMatchObject({ done: taskNames(1) });
    sleeper.child.kill('SIGCONT');
    expect(await late).toMatchObject({ begun: taskNames(1), done: [], refused: 1 });
    const grid = await place.open(address);
    expect(await grid.read(taskNames(1)[0]!)).toMatchObject({ status: 'done', worker: 'awake', result: { by: 'awake' } });
    await grid.close();
  });

  it('keeps a task with a process that works longer than the lease', async () => {
    members = await startFleet(2, setup(LEASE_MS));
    const address = place.newAddress();
    const slow = { [taskNames(1)[0]!]: 4 * LEASE_MS };
    const answers = await Promise.all(members.map((member) => member.obey({ address, tasks: 1, taskMs: 1, slow })));
    expect(answers.flatMap(({ begun }) => begun)).toEqual(taskNames(1));
    expect(answers.flatMap(({ done }) => done)).toEqual(taskNames(1));
  });

  it('goes on where others left it, and lets processes join and leave', async () => {
    const address = place.newAddress();
    members = [await startMember({ ...setup(LEASE_MS), worker: 'first' })];
    const begins = members[0]!.begins();
    members[0]!.obey({ address, tasks: 60, taskMs: 20 }).catch(() => {});
    await begins;
    await delay(300);
    const joined = await startFleet(3, setup(LEASE_MS));
    members.push(...joined);
    const answers = joined.map((member) => member.obey({ address, tasks: 60, taskMs: 20 }));
    await delay(200);
    await endFleet([members[0]!]);
    const done = (await Promise.all(answers)).flatMap((answer) => answer.done);
    expect(new Set(done).size).toBe(done.length);
    const grid = await place.open(address);
    const states = await Array.fromAsync(grid.list());
    expect(states.map(({ status }) => status)).toEqual(Array.from({ length: 60 }, () => 'done'));
    expect(states.map(({ task }) => task).sort()).toEqual(taskNames(60).sort());
    await grid.close();
  });

  it('begins nothing again when all is done', async () => {
    const address = place.newAddress();
    const grid = await place.open(address);
    let runs = 0;
    const work = { run: async () => ({ runs: runs++ }) };
    await workThrough(grid, ['a', 'b', 'a/b'], work, { leaseMs: 60_000, log: silentLog });
    expect(await workThrough(grid, ['a', 'b', 'a/b'], work, { leaseMs: 60_000, log: silentLog })).toEqual({ total: 3, done: 3, failed: 0, held: 0, did: 0, refused: 0 });
    expect(runs).toBe(3);
    await grid.close();
  });

  it('tries a failing task so many times, keeps the reason, and tries it again when asked', async () => {
    const address = place.newAddress();
    const grid = await place.open(address);
    let isBroken = true;
    const tries: string[] = [];
    const work = {
      run: async ({ task }: { task: string }) => {
        tries.push(task);
        if (task !== 'good' && isBroken) throw new Error(`the band B04 of ${task} is missing`);
        return {};
      },
    };
    const run = () => workThrough(grid, ['bad', 'good', 'worse'], work, { leaseMs: 60_000, log: silentLog });
    expect(await run()).toMatchObject({ done: 1, failed: 2 });
    expect(tries.filter((task) => task === 'bad')).toHaveLength(3);
    expect(await grid.read('bad')).toMatchObject({ status: 'failed', attempts: 3, reason: 'the band B04 of bad is missing' });
    expect(await grid.claim('bad')).toBeNull();
    isBroken = false;
    expect([await grid.reopen('bad'), await grid.reopen('worse'), await grid.reopen('good'), await grid.reopen('unknown')]).toEqual([true, true, false, false]);
    tries.length = 0;
    expect(await run()).toMatchObject({ done: 3, failed: 0, did: 2 });
    expect(tries.sort()).toEqual(['bad', 'worse']);
    await grid.close();
  });

  it('gives up a task whose processes die every time', async () => {
    const address = place.newAddress();
    const doomed = await place.open(address, { worker: 'doomed', leaseMs: 50, maxAttempts: 2 });
    for (let attempt = 1; attempt <= 2; attempt++) {
      await expect.poll(() => doomed.claim('poison'), { timeout: 10_000, interval: 100 }).toMatchObject({ token: attempt, attempt });
    }
    await expect.poll(async () => (await doomed.claim('poison'), (await doomed.read('poison'))!.status), { timeout: 10_000, interval: 100 }).toBe('failed');
    expect((await doomed.read('poison'))!.reason).toMatch(/no more sign of life/);
    await doomed.close();
  });

  it('gives a task back without counting the attempt', async () => {
    const address = place.newAddress();
    const [leaving, staying] = [await place.open(address, { worker: 'leaving' }), await place.open(address, { worker: 'staying' })];
    const claim = (await leaving.claim('t'))!;
    expect(await staying.claim('t')).toBeNull();
    expect(await leaving.release(claim)).toBe(true);
    const next = (await staying.claim('t'))!;
    expect(next).toMatchObject({ attempt: 1 });
    expect(next.token).toBeGreaterThan(claim.token);
    expect([await leaving.renew(claim), await leaving.commit(claim, {}), await leaving.fail(claim, 'no')]).toEqual([false, false, false]);
    expect(await staying.commit(next, { file: 'a.tif' })).toBe(true);
    await Promise.all([leaving.close(), staying.close()]);
  });

  it('takes a commit whose answer got lost a second time, and no other', async () => {
    const grid = await place.open(place.newAddress());
    const claim = (await grid.claim('t'))!;
    expect([await grid.commit(claim, { file: 'a' }), await grid.commit(claim, { file: 'a' }), await grid.commit(claim, { file: 'b' })]).toEqual([true, true, false]);
    expect((await grid.read('t'))!.result).toEqual({ file: 'a' });
    await grid.close();
  });

  it('never gives a task to one process twice', async () => {
    const grid = await place.open(place.newAddress());
    const claims = await Promise.all(Array.from({ length: 12 }, () => grid.claim('t')));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
    await grid.close();
  });

  it('is for one purpose', async () => {
    const address = place.newAddress();
    const grid = await place.open(address);
    await grid.agree({ operator: 'pca@sha256:1', gain: '2' });
    await grid.agree({ operator: 'pca@sha256:1', gain: '2' });
    await expect(grid.agree({ operator: 'pca@sha256:2', gain: '2' })).rejects.toThrow(/begun with operator pca@sha256:1, not pca@sha256:2/);
    await expect(grid.agree({ operator: 'pca@sha256:1' })).rejects.toThrow(/begun with gain 2, not \(none\)/);
    await grid.close();
  });
});
