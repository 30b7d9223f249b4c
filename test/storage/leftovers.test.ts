/** Half-written objects and working directories of processes that were killed. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sweepLeftovers } from '../../src/storage/leftovers.ts';
import { createLocalStore } from '../../src/storage/local.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lamina-leftovers-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const old = (path: string) => utimesSync(path, new Date(Date.now() - 2 * 86_400_000), new Date(Date.now() - 2 * 86_400_000));

it('deletes what nobody has touched for a day, and nothing else', async () => {
  const [objects, scratch] = [join(directory, 'objects'), join(directory, 'scratch')];
  await createLocalStore(objects).put('blocks/ab/object', new Uint8Array(4));
  old(join(objects, 'blocks', 'ab', 'object'));
  for (const name of ['.tmp-old', '.tmp-new']) writeFileSync(join(objects, 'blocks', 'ab', name), 'half');
  old(join(objects, 'blocks', 'ab', '.tmp-old'));
  for (const name of ['run-dead', 'run-alive', 'run-new']) {
    mkdirSync(join(scratch, name), { recursive: true });
    writeFileSync(join(scratch, name, 'file.tif'), 'half');
  }
  old(join(scratch, 'run-dead', 'file.tif'));
  // A directory keeps its date while a file in it grows.
  for (const name of ['run-dead', 'run-alive']) old(join(scratch, name));

  expect(await sweepLeftovers({ objects, scratch })).toBe(2);
  expect(readdirSync(join(objects, 'blocks', 'ab')).sort()).toEqual(['.tmp-new', 'object']);
  expect(readdirSync(scratch).sort()).toEqual(['run-alive', 'run-new']);
});

it('finds nothing where there is nothing', async () => {
  expect(await sweepLeftovers({ objects: join(directory, 'none'), scratch: join(directory, 'neither') })).toBe(0);
});
