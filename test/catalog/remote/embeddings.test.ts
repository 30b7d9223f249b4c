/** Products of embeddings as others publish them: what comes out are their vectors. Pixels: fixtures/make_fixtures.py. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAll } from '../../../src/cube/array-cube.ts';
import type { Cube } from '../../../src/cube/cube.ts';
import { item, remoteStac, startStacServer, type StacServer } from './stac-server.ts';

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);
const TIFF = 'image/tiff; application=geotiff; profile=cloud-optimized';
/** The code that the fixtures have in a place; rows from north to south. */
const codeAt = (band: number, row: number, column: number) => ((band * 7 + row * 3 + column * 5) % 255) - 127;
const power2 = (code: number) => Math.fround(Math.sign(code) * (code / 127.5) ** 2);

let server: StacServer;
beforeAll(async () => {
  server = await startStacServer();
  for (const name of ['alphaearth', 'tessera', 'tessera_scales']) server.files.set(`/${name}.tif`, fixture(`${name}.tif`));
});
afterAll(() => server.close());

const publish = (path: string, document: object) => {
  server.documents.set(path, document);
  return `${server.url}${path}`;
};

async function everyCell(cube: Cube, check: (value: number | null, band: number, row: number, column: number) => void): Promise<void> {
  const block = await readAll(cube);
  const [, bands, height, width] = block.shape as [number, number, number, number];
  for (let b = 0; b < bands; b++) for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) {
    const i = (b * height + r) * width + c;
    check(block.nulls?.[i] ? null : (block.data[i] as number), b, r, c);
  }
}

describe('AlphaEarth: int8 power-2 codes, rows from south to north', () => {
  const assets = { embeddings: { href: 'alphaearth.tif', type: TIFF, roles: ['data'] } };
  const expectVectors = (cube: Cube) => everyCell(cube, (value, b, r, c) => {
    const expected = r < 5 && c < 7 ? null : power2(codeAt(b, r, c));
    if (value !== expected) expect({ value, b, r, c }).toEqual({ value: expected, b, r, c });
  });

  it('is turned over and decoded, bands named as in the file', async () => {
    const cube = await remoteStac(server).load({ url: publish('/aef.json', item('aef', assets, { properties: { 'emb:type': 'pixel' } })) });
    expect(cube).toMatchObject({ dtype: 'float32', grid: { crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 10, stepY: 10, width: 96, height: 64 } });
    expect(cube.dimensions.map((d) => [d.name, d.size])).toEqual([['t', 1], ['embedding', 64], ['y', 64], ['x', 96]]);
    expect(cube.labels('embedding').slice(0, 2)).toEqual(['A00', 'A01']);
    expect(cube.attributes.embedding).toMatchObject({ dimensions: 64, patch: 1, gsd: 10 });
    expect(cube.attributes.bands![0]).toEqual({ name: 'A00' });
    await expectVectors(cube);
  });

  it.each([
    ['power', { method: 'power', power: 2, scale: 127.5 }], ['power2', { method: 'power2' }], ['int8_power2', { method: 'int8_power2', gain: 1 }], ['a text', 'power-2'],
  ])('says so with %s', async (_, quantization) => {
    const bands = Array.from({ length: 64 }, (_u, i) => ({ name: `v${i}` }));
    const url = publish('/aef-said.json', item('aef', { embeddings: { ...assets.embeddings, bands } }, { properties: { 'emb:quantization': quantization } }));
    const cube = await remoteStac(server, { freshMs: 0 }).load({ url });
    expect(cube.labels('embedding')[63]).toBe('v63');
    await expectVectors(cube);
  });

  it('agrees with metadata that describe the file as it lies, and with ones that turn it over', async () => {
    const shape = { 'proj:epsg': 32631, 'proj:shape': [64, 96], 'eo:bands': Array.from({ length: 64 }, (_, i) => ({ name: `A${String(i).padStart(2, '0')}` })), 'raster:bands': Array.from({ length: 64 }, () => ({ data_type: 'int8', nodata: -128 })) };
    for (const transform of [[10, 0, 600_000, 0, 10, 5_599_360], [10, 0, 600_000, 0, -10, 5_600_000]]) {
      const url = publish(`/aef-${transform[4]}.json`, item('aef', { embeddings: { ...assets.embeddings, ...shape, 'proj:transform': transform } }, { stac_version: '1.0.0' }));
      const before = server.requests.length;
      const cube = await remoteStac(server).load({ url });
      expect(server.requests.slice(before).some((path) => path.endsWith('.tif'))).toBe(false);
      await expectVectors(cube);
    }
  });

  it('refuses a file that lies elsewhere than its metadata say', async () => {
    const shape = { 'proj:code': 'EPSG:32631', 'proj:shape': [64, 96], data_type: 'int8', bands: Array.from({ length: 64 }, (_, i) => ({ name: `A${String(i).padStart(2, '0')}` })) };
    const url = publish('/aef-wrong.json', item('aef', { embeddings: { ...assets.embeddings, ...shape, 'proj:transform': [10, 0, 600_000, 0, -10, 5_599_360] } }));
    await expect(readAll(await remoteStac(server).load({ url }))).rejects.toMatchObject({ code: 'FileContentInvalid', message: expect.stringContaining('proj:transform') as string });
  });

  it('reads part of the bands and of the place, and overviews for coarse pixels', async () => {
    const url = publish('/aef.json', item('aef', assets));
    const { load } = remoteStac(server);
    const spatialExtent = { west: 600_100, east: 600_200, south: 5_599_800, north: 5_599_900, crs: 'EPSG:32631' };
    const part = await load({ url, spatialExtent, bands: ['A63', 'A02'] });
    expect(part.shape).toEqual([1, 2, 10, 10]);
    const block = await readAll(part);
    expect(block.data[0]).toBe(power2(codeAt(63, 10, 10)));
    expect(block.data[100 + 37]).toBe(power2(codeAt(2, 13, 17)));
    const whole = await load({ url, bands: ['A00'] });
    const coarse = { ...whole.grid!, stepX: 20, stepY: 20, width: 48, height: 32 };
    const picture = await readAll(await load({ url, bands: ['A00'] }, { target: coarse }));
    // The overview was made of every second pixel of the file, counted from its south-west corner.
    expect(picture.data[10 * 48 + 10]).toBe(power2(codeAt(0, 21, 20)));
    const inside = await whole.fingerprint({ start: [0, 0, 0, 0], size: [1, 1, 8, 8] });
    expect(await (await load({ url, bands: ['A01'] })).fingerprint({ start: [0, 0, 0, 0], size: [1, 1, 8, 8] })).not.toBe(inside);
    expect(await (await load({ url, bands: ['A00'] })).fingerprint({ start: [0, 0, 0, 0], size: [1, 1, 8, 8] })).toBe(inside);
  });
});

describe('TESSERA: int8 codes and a scale per pixel', () => {
  const scales = { href: 'tessera_scales.tif', type: TIFF, roles: ['data'] };
  const embeddings = { href: 'tessera.tif', type: TIFF, roles: ['data'] };
  const expectVectors = (cube: Cube) => everyCell(cube, (value, b, r, c) => {
    const isMissing = (r === 3 && c === 4) || (r === 5 && c === 6);
    const scale = Math.fround(0.01 + r * 0.001 + c * 0.0001);
    const expected = isMissing ? null : Math.fround(codeAt(b, r, c) * scale);
    if (value !== expected) expect({ value, b, r, c }).toEqual({ value: expected, b, r, c });
  });

  it.each([
    ['an asset called scales', { embeddings, scales }, {}],
    ['a method of its own', { embeddings, scales }, { 'emb:quantization': { method: 'per_pixel_scale' } }],
    ['a companion that the metadata name', { embeddings, factors: scales }, { 'emb:quantization': { method: 'per_pixel_scale', scale: { type: 'array', array_name: 'factors' } } }],
  ])('with %s', async (_, assets, properties) => {
    const cube = await remoteStac(server, { freshMs: 0 }).load({ url: publish('/tessera.json', item('tessera', assets, { properties })) });
    expect(cube.labels('embedding')).toHaveLength(128);
    expect(cube.labels('embedding')[1]).toBe('e001');
    await expectVectors(cube);
  });

  it('takes names and model from its collection', async () => {
    const collection = {
      type: 'Collection', id: 'tessera', title: 'TESSERA v1', 'emb:type': 'pixel', 'emb:dimensions': 128, 'emb:quantization': { method: 'per_pixel_scale' }, gsd: 10, license: 'CC-BY-4.0', description: '',
      extent: { spatial: { bbox: [[4, 50, 5, 51]] }, temporal: { interval: [['2021-01-01T00:00:00Z', null]] } },
      'cube:dimensions': { vector: { type: 'bands', values: Array.from({ length: 128 }, (_, i) => `dim${i}`) } },
      links: [{ rel: 'item', href: 'tessera-item.json' }, { rel: 'emb:model', href: 'https://models.example/tessera-v1', title: 'TESSERA v1 encoder' }],
    };
    publish('/tessera-item.json', item('tessera', { embeddings, scales }));
    const cube = await remoteStac(server).load({ url: publish('/tessera-collection.json', collection), bands: ['dim5'] });
    expect(cube.dimensions[1]).toMatchObject({ name: 'vector', labels: ['dim5'] });
    expect(cube.attributes.embedding).toEqual({ operator: 'https://models.example/tessera-v1', name: 'TESSERA v1 encoder', version: '', dimensions: 128, patch: 1, gsd: 10, norm: null });
  });

  it('says what is missing', async () => {
    const url = publish('/tessera-alone.json', item('tessera', { embeddings }, { properties: { 'emb:quantization': { method: 'per_pixel_scale' } } }));
    await expect(remoteStac(server).load({ url })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(/no asset with the scales of 'embeddings'.*'scales'/) as string });
    const bare = publish('/bare.json', item('bare', { embeddings }));
    await expect(remoteStac(server).load({ url: bare })).rejects.toThrow(/int8 codes.*emb:quantization/);
    const unknown = publish('/pq.json', item('pq', { embeddings }, { properties: { 'emb:quantization': { method: 'product_quantization' } } }));
    await expect(remoteStac(server).load({ url: unknown })).rejects.toThrow(/product_quantization/);
    server.files.set('/small.tif', fixture('../../../formats/fixtures/south_up.tif'));
    const misfit = publish('/misfit.json', item('misfit', { embeddings, scales: { ...scales, href: 'small.tif' } }));
    await expect(remoteStac(server).load({ url: misfit }).then(readAll)).rejects.toThrow(/does not lie on the grid of the embeddings/);
  });
});

describe('linear codes', () => {
  const embeddings = { href: 'alphaearth.tif', type: TIFF, roles: ['data'] };

  it('have a scale and an offset per dimension', async () => {
    const scale = Array.from({ length: 64 }, (_, i) => 0.01 * (i + 1));
    const offset = Array.from({ length: 64 }, (_, i) => i / 7);
    const url = publish('/linear.json', item('linear', { embeddings }, { properties: { 'emb:quantization': { method: 'linear', scale, offset, original_dtype: 'float32', quantized_dtype: 'int8' } } }));
    const cube = await remoteStac(server).load({ url, bands: ['A07', 'A03'] });
    await everyCell(cube, (value, b, r, c) => {
      const band = [7, 3][b]!;
      const expected = r < 5 && c < 7 ? null : Math.fround(codeAt(band, r, c) * scale[band]! + offset[band]!);
      if (value !== expected) expect({ value, b, r, c }).toEqual({ value: expected, b, r, c });
    });
  });

  it('are told and not applied when they are no embeddings', async () => {
    const bands = Array.from({ length: 64 }, (_, i) => ({ name: `B${i}`, 'raster:scale': 0.5, 'raster:offset': 3 }));
    const cube = await remoteStac(server).load({ url: publish('/plain.json', item('plain', { data: { ...embeddings, bands } })), bands: ['B3'] });
    expect(cube).toMatchObject({ dtype: 'int8', attributes: { bands: [{ name: 'B3', scale: 0.5, offset: 3 }] } });
    expect(cube.dimensions[1]!.name).toBe('bands');
    expect(cube.attributes.embedding).toBeUndefined();
    expect((await readAll(cube)).data[10 * 96 + 10]).toBe(codeAt(3, 10, 10));
  });

  it('refuse scales that do not fit', async () => {
    const url = publish('/unfit.json', item('unfit', { embeddings }, { properties: { 'emb:quantization': { method: 'linear', scale: [1, 2], offset: [0, 0] } } }));
    await expect(remoteStac(server).load({ url })).rejects.toThrow(/2 values of scale for 64 bands/);
  });
});
