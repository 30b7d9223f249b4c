/** Runs over many files, shared by several processes. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPlace } from '../../src/grid/open-grid.ts';
import { runGrid, type GridRun } from '../../src/grid/run-grid.ts';
import type { Progress } from '../../src/grid/work-through.ts';
import { startPlace, type TestPlace } from './places.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-run-grid-'));
  await mkdir(join(folder, 'in/T32'), { recursive: true });
  for (let i = 0; i < 12; i++) await writeFile(join(folder, `in/T32/tile ${i}.tif`), `pixels ${i}`);
  await writeFile(join(folder, 'in/notes.txt'), 'no raster');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const nothing = { s3: null, databaseUrl: null, log: { error() {}, warning() {}, info() {}, debug() {} } };
const never = new AbortController().signal;

function runOf(more: Partial<GridRun> = {}): GridRun {
  return {
    grid: join(folder, 'grid'), input: join(folder, 'in'), output: join(folder, 'out'), purpose: { operator: 'pca@sha256:1' },
    leaseMs: 60_000, maxAttempts: 2, retry: false,
    process: (input, output) => copyFile(input, output),
    ...more,
  };
}

describe('runGrid', () => {
  it('shares the files of a folder between processes and leaves each output once', async () => {
    const seen: string[] = [];
    const run = runOf({ process: async (input, output) => (seen.push(input), copyFile(input, output)) });
    const reports = await Promise.all([1, 2, 3].map(() => runGrid(run, nothing, never, () => {})));
    expect(reports.map(({ total, done, failed }) => ({ total, done, failed }))).toEqual([1, 2, 3].map(() => ({ total: 12, done: 12, failed: 0 })));
    expect(reports.reduce((sum, { did }) => sum + did, 0)).toBe(12);
    expect(new Set(seen).size).toBe(12);
    expect(seen).toHaveLength(12);
    expect((await readdir(join(folder, 'out/T32'))).sort()).toEqual(Array.from({ length: 12 }, (_, i) => `tile ${i}.tif`).sort());
    expect(await readFile(join(folder, 'out/T32/tile 7.tif'), 'utf8')).toBe('pixels 7');
    expect(await readdir(join(folder, 'out'))).toEqual(['T32']);
  });

  it('says what failed and why, and tries exactly that again when asked', async () => {
    const seen: string[] = [];
    let isMended = false;
    const run = (retry: boolean) => runGrid(runOf({
      retry,
      process: async (input, output) => {
        seen.push(input);
        if (/tile (3|5|11)\.tif/.test(input) && !isMended) throw new Error('band B04 is missing');
        await copyFile(input, output);
      },
    }), nothing, never, () => {});
    const report = await run(false);
    expect(report).toMatchObject({ done: 9, failed: 3 });
    expect(report.failures.map(({ task, attempts, reason }) => `${task} ${attempts} ${reason}`).sort()).toEqual(['11', '3', '5'].map((n) => `T32/tile ${n}.tif 2 band B04 is missing`));
    isMended = true;
    seen.length = 0;
    expect(await run(false)).toMatchObject({ failed: 3, did: 0 });
    expect(await run(true)).toMatchObject({ done: 12, failed: 0, did: 3 });
    expect(seen).toHaveLength(3);
  });

  it('gives the file in hand back when it is told to end, and counts upwards only', async () => {
    const told = new AbortController();
    const progress: Progress[] = [];
    let begun = 0;
    const run = runOf({ process: async (input, output, signal) => {
      if (++begun === 4) told.abort();
      signal.throwIfAborted();
      await copyFile(input, output);
    } });
    expect(await runGrid(run, nothing, told.signal, (now) => progress.push(now))).toMatchObject({ done: 3, failed: 0, did: 3 });
    expect(await runGrid(runOf(), nothing, never, (now) => progress.push(now))).toMatchObject({ done: 12, did: 9 });
    const counts = progress.map(({ done }) => done);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(12);
  });

  it('leaves the tasks to others when it can do none itself', async () => {
    const lacking = runOf({ process: async (input) => {
      throw new Error(`${input}: there is no bubblewrap on this machine`);
    } });
    await expect(runGrid(lacking, nothing, never, () => {})).rejects.toThrow(/first 5 tasks.*same reason.*no bubblewrap/);
    expect(await runGrid(runOf(), nothing, never, () => {})).toMatchObject({ done: 12, failed: 0, did: 12 });
  });

  it('refuses to mix operators', async () => {
    await runGrid(runOf(), nothing, never, () => {});
    await expect(runGrid(runOf({ purpose: { operator: 'pca@sha256:2' } }), nothing, never, () => {})).rejects.toThrow(/begun with operator pca@sha256:1/);
  });

  it.each<[string, () => Partial<GridRun>, RegExp]>([
    ['outputs among inputs', () => ({ output: join(folder, 'in/out') }), /must not be in the folder of --input/],
    ['a folder without rasters', () => ({ input: join(folder, 'grid-only') }), /has no GeoTIFF files/],
    ['a list that is none', () => ({ input: join(folder, 'bad.json') }), /no JSON array/],
    ['two inputs with one output', () => ({ input: join(folder, 'twice.txt') }), /both be written to in\/a\.tif/],
  ])('refuses %s', async (_, more, reason) => {
    await writeFile(join(folder, 'bad.json'), '{"a": 1}');
    await writeFile(join(folder, 'twice.txt'), 'in/a.tif\nin/a.tiff\n');
    await expect(runGrid(runOf(more()), nothing, never, () => {})).rejects.toThrow(reason);
  });

  it.each([
    ['list.txt', 'in/T32/tile 1.tif\n\nin/T32/tile 2.tif\r\nin/T32/tile 1.tif\n'],
    ['list.csv', 'cloud,path\n3,"in/T32/tile 1.tif"\n4,in/T32/tile 2.tif\n'],
    ['plain.csv', 'in/T32/tile 1.tif,x\nin/T32/tile 2.tif,y\n'],
    ['list.json', '["in/T32/tile 1.tif", "in/T32/tile 2.tif"]'],
  ])('takes its files from %s', async (name, text) => {
    await writeFile(join(folder, name), text);
    expect(await runGrid(runOf({ input: join(folder, name) }), nothing, never, () => {})).toMatchObject({ total: 2, done: 2 });
    expect((await readdir(join(folder, 'out/in/T32'))).sort()).toEqual(['tile 1.tif', 'tile 2.tif']);
  });
});

describe('runGrid on a bucket alone', () => {
  let place: TestPlace;
  beforeAll(async () => void (place = await startPlace('s3')));
  afterAll(() => place.stop());

  it('reads, agrees and writes there', async () => {
    const shared = await openPlace('s3://grids', place.access);
    const { store } = shared;
    for (const name of ['a', 'b']) await store.put(`in/${name}.tif`, Buffer.from(`pixels ${name}`));
    const run = runOf({ grid: place.newAddress(), input: 's3://grids/in', output: 's3://grids/out/' });
    const reports = await Promise.all([runGrid(run, place.access, never, () => {}), runGrid(run, place.access, never, () => {})]);
    expect(reports.reduce((sum, { did }) => sum + did, 0)).toBe(2);
    expect(Buffer.from((await store.get('out/a.tif'))!).toString()).toBe('pixels a');
    expect((await Array.fromAsync(store.list('out/'))).map(({ key }) => key)).toEqual(['out/a.tif', 'out/b.tif']);
    shared.close();
  });
});
