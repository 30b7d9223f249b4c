/** Files of tasks appear under their names when they are committed, and not before. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Grid } from '../../src/grid/grid.ts';
import { openGrid, openPlace, type Place } from '../../src/grid/open-grid.ts';
import { GridOutputs } from '../../src/grid/outputs.ts';
import { workThrough } from '../../src/grid/work-through.ts';
import { silentLog } from '../../src/log.ts';
import { options } from './places.ts';

let folder: string;
let place: Place;
let grid: Grid;
let outputs: GridOutputs;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-outputs-'));
  place = await openPlace(join(folder, 'out'), { s3: null });
  grid = await openGrid(join(folder, 'grid'), { s3: null, databaseUrl: null, log: silentLog }, options);
  outputs = new GridOutputs(place.store, place.prefix, (task) => `${task}.tif`);
});
afterEach(async () => {
  await grid.close();
  await rm(folder, { recursive: true, force: true });
});

const keys = async () => (await Array.fromAsync(place.store.list(''))).map(({ key }) => key);
const content = async (key: string) => Buffer.from((await place.store.get(key))!).toString();
async function file(text: string): Promise<string> {
  await writeFile(join(folder, 'scratch'), text);
  return join(folder, 'scratch');
}

it('shows a file only after its commit, and leaves nothing else', async () => {
  const seen: string[][] = [];
  const work = {
    run: async (claim: { task: string; token: number }) => {
      await outputs.stage(claim, await file(`embedding of ${claim.task}`));
      seen.push((await keys()).filter((key) => !key.startsWith('.')));
      return {};
    },
    publish: (state: { task: string; token: number }) => outputs.publish(state),
    discard: (claim: { task: string; token: number }) => outputs.discard(claim),
  };
  await workThrough(grid, ['a/x'], work, { leaseMs: 60_000, log: silentLog });
  expect(seen).toEqual([[]]);
  expect(await keys()).toEqual(['a/x.tif']);
  expect(await content('a/x.tif')).toBe('embedding of a/x');
});

it('brings to its place what a process committed before it died, and drops what came too late', async () => {
  const claim = (await grid.claim('t'))!;
  await outputs.stage(claim, await file('counts'));
  await grid.commit(claim, {});
  await outputs.stage({ task: 't', token: claim.token + 5 }, await file('too late'));
  const other = (await grid.claim('u'))!;
  await outputs.stage(other, await file('in work'));
  expect(await outputs.settle(grid.list())).toBe(1);
  expect(await content('t.tif')).toBe('counts');
  expect(await keys()).toEqual([expect.stringMatching(/u@1$/), 't.tif']);
  expect(await outputs.settle(grid.list())).toBe(0);
});

it('drops the file of a task that failed', async () => {
  const work = {
    run: async (claim: { task: string; token: number }) => {
      await outputs.stage(claim, await file('half'));
      throw new Error('the disk is full');
    },
    discard: (claim: { task: string; token: number }) => outputs.discard(claim),
  };
  expect(await workThrough(grid, ['t'], work, { leaseMs: 60_000, log: silentLog })).toMatchObject({ failed: 1, done: 0 });
  expect(await keys()).toEqual([]);
});
