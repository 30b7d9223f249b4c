/** `lamina run --grid` as users start it: several processes, one folder, real operators. */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { arrayCube } from '../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../../src/formats/index.ts';
import { silentLog } from '../../src/log.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { utmGrid } from '../layers/fixtures.ts';
import { lamina, run } from '../system/processes.ts';

const FILES = 4;
const EDGE = 64;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-grid-command-'));
  await mkdir(join(folder, 'in'));
  const bands = (await openRegistry('operators')).resolve('pca').manifest.input.bands.map(({ name }) => name);
  for (let i = 0; i < FILES; i++) await writeScene(join(folder, `in/scene-${i}.tif`), bands, i);
});

async function writeScene(path: string, bands: readonly string[], scene: number): Promise<void> {
  const grid = utmGrid(EDGE, EDGE);
  const data = Uint16Array.from({ length: bands.length * EDGE * EDGE }, (_, i) => 500 + 300 * scene + (i % 977));
  const cube = arrayCube({ dimensions: [bandsDimension(bands), ...spatialDimensions(grid)], grid, dtype: 'uint16', data, nulls: null, attributes: {} });
  const [file] = await resultFormats.GTiff.write(cube, {}, { directory: await mkdtemp(join(folder, 'scene-')), signal: new AbortController().signal, log: silentLog });
  await rename(file!.path, path);
}
afterAll(() => rm(folder, { recursive: true, force: true }));

const command = (...more: string[]) => run(lamina(['run', 'pca', '--grid', join(folder, 'grid'), '--input', join(folder, 'in'), '--output', join(folder, 'out'), ...more], {}));

it('shares the work, says who did what, and leaves files with embeddings', async () => {
  const started = await Promise.all([command(), command()]);
  expect(started.map(({ code }) => code), started.map(({ output }) => output).join('\n')).toEqual([0, 0]);
  const did = started.map(({ output }) => Number(/, (\d+) by this process/.exec(output)![1]));
  expect(did[0]! + did[1]!).toBe(FILES);
  expect((await readdir(join(folder, 'out'))).sort()).toEqual(Array.from({ length: FILES }, (_, i) => `scene-${i}.tif`));
  const rasters = new RasterCache({ blockBytes: 0 });
  const file = await rasters.open(pathToFileURL(join(folder, 'out/scene-2.tif')).href);
  expect(file.bands).toHaveLength(32);
  await rasters.close();
  expect((await run(lamina(['grid', 'show', join(folder, 'grid')], {}))).output).toContain(`${FILES} done`);
}, 60_000);

it('refuses another operator in the same grid, and says so', async () => {
  const { code, output } = await run(lamina(['run', 'conv', '--grid', join(folder, 'grid'), '--input', join(folder, 'in'), '--output', join(folder, 'out')], {}));
  expect(code).toBe(1);
  expect(output).toMatch(/This grid was begun with operator pca:1\.0\.0, not conv/);
}, 60_000);
