/** Compare and swap in a directory that several processes share. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exclusively } from '../../src/storage/exclusive.ts';
import { createLocalStore } from '../../src/storage/local.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-exclusive-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('loses no update of four processes that count in one object', async () => {
  const directory = join(folder, 'counter');
  const store = createLocalStore(directory);
  await store.put('count', Buffer.from('0'));
  const program = fileURLToPath(new URL('./counting-process.ts', import.meta.url));
  const processes = Array.from({ length: 4 }, () => fork(program, [directory, 'count', '50'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
  const codes = await Promise.all(processes.map(async (child) => (await once(child, 'exit') as [number])[0]));
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(Buffer.from((await store.get('count'))!).toString()).toBe('200');
  expect(await readdir(directory)).toEqual(['count']);
}, 60_000);

it('takes the lock of a process that died with it, and no other', async () => {
  const path = join(folder, 'locked', 'object');
  await mkdir(join(folder, 'locked'));
  const lock = join(folder, 'locked', '.tmp-lock-object');
  await writeFile(lock, 'somebody who died');
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(lock, longAgo, longAgo);
  expect(await exclusively(path, () => 'done')).toBe('done');
  expect(await readdir(join(folder, 'locked'))).toEqual([]);

  await writeFile(lock, 'somebody who works');
  let isDone = false;
  const waiting = exclusively(path, () => {
    isDone = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(isDone).toBe(false);
  await rm(lock);
  await waiting;
  expect(isDone).toBe(true);
});

it('gives the lock back when the work throws', async () => {
  const path = join(folder, 'throwing');
  await expect(exclusively(path, () => {
    throw new Error('no');
  })).rejects.toThrow('no');
  expect(await exclusively(path, () => 1)).toBe(1);
});
