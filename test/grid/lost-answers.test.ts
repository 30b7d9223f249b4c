/** A store whose answers get lost: what was written is written again by its client, and must not count as somebody else's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createObjectGrid } from '../../src/grid/object-grid.ts';
import { workThrough } from '../../src/grid/work-through.ts';
import { silentLog } from '../../src/log.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { options } from './places.ts';

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-lost-'));
  store = createLocalStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Every other write is done twice, and the second answer counts: what S3's client does after a connection broke. */
function forgetful(): ObjectStore {
  let count = 0;
  return {
    ...store,
    async put(key, body, more) {
      const first = await store.put(key, body, more);
      return count++ % 2 === 0 ? store.put(key, body, more) : first;
    },
  };
}

it('has every task done once all the same', async () => {
  const tasks = Array.from({ length: 40 }, (_, i) => `tile-${i}`);
  const begun: string[] = [];
  const work = { run: async ({ task }: { task: string }) => (begun.push(task), {}) };
  const tallies = await Promise.all(['a', 'b', 'c'].map(async (worker) => {
    const grid = createObjectGrid(forgetful(), 'grid/', { ...options, worker });
    return workThrough(grid, tasks, work, { leaseMs: 60_000, pollMs: 20, log: silentLog });
  }));
  expect(begun.sort()).toEqual(tasks.sort());
  expect(tallies.reduce((sum, { did }) => sum + did, 0)).toBe(40);
  expect(tallies.every(({ refused }) => refused === 0)).toBe(true);
});

/** The first `times` writes that begin so fail after they were done. */
function breaking(times: number, isMeant: (body: string) => boolean): ObjectStore {
  return {
    ...store,
    async put(key, body, more) {
      const info = await store.put(key, body, more);
      if (isMeant(Buffer.from(body as Uint8Array).toString()) && times-- > 0) throw new Error('the connection broke');
      return info;
    },
  };
}

it('does not do a task again when only the answer to its commit got lost', async () => {
  let runs = 0;
  const grid = createObjectGrid(breaking(2, (body) => body.includes('"done"')), '', { ...options, worker: 'a' });
  expect(await workThrough(grid, ['t'], { run: async () => ({ run: ++runs }) }, { leaseMs: 60_000, reportPauseMs: 50, log: silentLog })).toMatchObject({ done: 1, did: 1, refused: 0 });
  expect(runs).toBe(1);
  expect(await grid.read('t')).toMatchObject({ status: 'done', result: { run: 1 }, attempts: 1 });
});

it('says when the place can not be reached any more', async () => {
  const grid = createObjectGrid(breaking(99, (body) => body.includes('"done"')), '', { ...options, worker: 'a' });
  await expect(workThrough(grid, ['t'], { run: async () => ({}) }, { leaseMs: 60_000, reportPauseMs: 50, log: silentLog })).rejects.toThrow('the connection broke');
});
