/** Who has the turn, and what happens when he dies. */
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeTurns } from '../../../src/operators/registry/turns.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-turns-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('lets one work at a time', async () => {
  let working = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 5 }, () => takeTurns(join(folder, 'one'), async () => {
    most = Math.max(most, ++working);
    await delay(5);
    working--;
  })));
  expect(most).toBe(1);
  expect(await readdir(folder)).toEqual([]);
});

it('goes on after who died, and after work that failed', async () => {
  await writeFile(join(folder, 'dead'), '1');
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(join(folder, 'dead'), longAgo, longAgo);
  await expect(takeTurns(join(folder, 'dead'), () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await takeTurns(join(folder, 'dead'), async () => 'done')).toBe('done');
});
