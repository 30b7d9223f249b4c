/** A whole service: an operator that is called directly gives the vectors that a process graph gives for the same pixels. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import type { RasterFile } from '../../src/formats/raster-file.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { Client, freePort, lamina, until, type Started } from './processes.ts';

const WAIT_MS = 120_000;
const BOX = { west: 5.93, south: 50.62, east: 5.95, north: 50.64 };
const directory = mkdtempSync(join(tmpdir(), 'lamina-infer-'));
const operators = await openRegistry('operators');
const rasters = new RasterCache({ blockBytes: 0 });
let service: Started;
let client: Client;

beforeAll(async () => {
  const port = await freePort();
  service = lamina(['serve'], { LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'data'), LAMINA_BASIC_USERS: 'anna:secret-anna' });
  await until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', WAIT_MS, service);
  client = new Client(`http://127.0.0.1:${port}`);
  await client.login('anna', 'secret-anna');
}, WAIT_MS);
afterAll(async () => {
  await service.end();
  await rasters.close();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

/** The file that a graph of one process behind load_collection gives. */
async function fileOf(name: string, bands: readonly string[], model?: string): Promise<RasterFile> {
  const load = { process_id: 'load_collection', arguments: { id: 'SYNTHETIC_S2', spatial_extent: BOX, temporal_extent: ['2023-07-29', '2023-07-30'], bands } };
  const embed = { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model } };
  const save = { process_id: 'save_result', arguments: { data: { from_node: model === undefined ? 'load' : 'embed' }, format: 'GTiff' }, result: true };
  const answer = await client.fetch('/result', { method: 'POST', body: { process: { process_graph: { load, ...(model === undefined ? {} : { embed }), save } } } });
  if (!answer.ok) throw new Error(await answer.text());
  const path = join(directory, name);
  writeFileSync(path, Buffer.from(await answer.arrayBuffer()));
  return rasters.open(pathToFileURL(path).href);
}

it.each(['pca', 'conv'])('%s', async (model) => {
  const { input, patch, halo, output } = operators.resolve(model).manifest;
  const bands = input.bands.map(({ name }) => name);
  const [raw, embedded] = [await fileOf(`raw-${model}.tif`, bands), await fileOf(`${model}.tif`, bands, model)];
  // A vector in the middle, and the pixels of its patch with what is around.
  const [column, row] = [Math.floor(embedded.levels[0]!.width / 2), Math.floor(embedded.levels[0]!.height / 2)];
  const [from, to] = [embedded.grid!, raw.grid!];
  const x = Math.round((from.originX + column * from.stepX - to.originX) / to.stepX) - halo;
  const y = Math.round((to.originY - (from.originY - row * from.stepY)) / to.stepY) - halo;
  const edge = patch + 2 * halo;
  const pixels = await raw.read({ level: 0, window: { x, y, width: edge, height: edge }, bands: bands.map((_, i) => i) });
  const vector = await embedded.read({ level: 0, window: { x: column, y: row, width: 1, height: 1 }, bands: Array.from({ length: output.dimensions }, (_, i) => i) });
  expect(pixels.nulls?.includes(1) ?? false).toBe(false);

  const answer = await client.json<{ outputs: { data: number[]; shape: number[] }[] }>(`${client.url}/v2/models/${model}/infer`, {
    method: 'POST', body: { inputs: [{ name: 'pixels', datatype: 'FP32', shape: [1, bands.length, edge, edge], data: Array.from(pixels.data) }] },
  });
  expect(answer.outputs[0]!.shape).toEqual([1, output.dimensions, 1, 1]);
  const difference = answer.outputs[0]!.data.map((value, i) => Math.abs(value - vector.data[i]!));
  expect(Math.max(...difference)).toBeLessThan(1e-5);
  expect(vector.data.some((value) => value !== 0)).toBe(true);
}, WAIT_MS);

it('describes its operators to clients and in pages', async () => {
  expect(await client.json(`${client.url}/v2/health/ready`)).toEqual({ ready: true });
  expect(await client.json(`${client.url}/v2/models`)).toEqual({ models: ['conv', 'pca'] });
  const page = await fetch(`${client.url}/operators/pca`, { headers: { Accept: 'text/html' } });
  expect(await page.text()).toContain('Linear codec of Sentinel-2 patches');
});
