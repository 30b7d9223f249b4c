/** Copies of objects on the local disk: made once, kept while they are used, bounded. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LocalCopies } from '../../src/storage/local-copies.ts';

let folder: string;
let opened: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-copies-'));
  opened = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const original = (id: string, content = id) => ({
  id, sizeBytes: content.length,
  open: async () => {
    opened.push(id);
    return Readable.from([Buffer.from(content)]);
  },
});
const read = (path: string) => readFile(path, 'utf8');
const filesIn = async (path: string) => (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

it('copies once, also for readers that come at the same time', async () => {
  const copies = new LocalCopies(folder);
  expect(await Promise.all([1, 2, 3].map(() => copies.use(original('a', 'content'), read)))).toEqual(['content', 'content', 'content']);
  await copies.use(original('a', 'content'), read);
  expect(opened).toEqual(['a']);
  await copies.close();
  expect(await filesIn(folder)).toBe(0);
});

it('lets the one go that was not used for longest, and none that is in use', async () => {
  const copies = new LocalCopies(folder, 10);
  await copies.use(original('a', 'aaaaa'), async (path) => {
    await copies.use(original('b', 'bbbbb'), read);
    await copies.use(original('c', 'ccccc'), read);
    expect(await read(path)).toBe('aaaaa');
  });
  expect(await filesIn(folder)).toBe(2);
  await copies.use(original('c', 'ccccc'), read);
  expect(opened).toEqual(['a', 'b', 'c']);
  await copies.use(original('b', 'bbbbb'), read);
  expect(opened).toEqual(['a', 'b', 'c', 'b']);
});

it('copies again what was tidied up, and tries again what failed', async () => {
  const copies = new LocalCopies(folder);
  await copies.use(original('a'), (path) => rm(path));
  expect(await copies.use(original('a'), read)).toBe('a');
  await expect(copies.use({ id: 'b', sizeBytes: 1, open: () => Promise.reject(new Error('gone')) }, read)).rejects.toThrow('gone');
  expect(await copies.use(original('b'), read)).toBe('b');
  expect(await filesIn(folder)).toBe(2);
});
