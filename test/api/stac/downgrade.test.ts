/** STAC 1.0 for clients that know no other: below /1.0.0, or by ?stac_version=1.0.0. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { downgraded } from '../../../src/api/stac/downgrade.ts';
import { upgradeAsset, upgradeExtensions, upgradeProjection } from '../../../src/catalog/ingest/upgrade.ts';
import { fill, list, scene, startService, type Json, type Service } from './service.ts';
import { hasSchemas, problemsOf } from './validator.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
});
afterAll(() => service.stop());

const linkOf = (document: Json, rel: string) => list(document['links']!).find((link) => link['rel'] === rel)?.['href'];

describe('the catalog below /1.0.0', () => {
  it('is all of STAC 1.0, and its links stay there', async () => {
    const seen: Json[] = [];
    const waiting = [`${service.url}/1.0.0/`];
    const done = new Set<string>();
    for (let href = waiting.pop(); href !== undefined; href = waiting.pop()) {
      if (done.has(href)) continue;
      done.add(href);
      const { status, body } = await service.get(href);
      expect([href, status]).toEqual([href, 200]);
      expect(linkOf(body, 'self')).toBe(href);
      expect(linkOf(body, 'root')).toBe(`${service.url}/1.0.0/`);
      const links = list(body['links']!);
      waiting.push(...links.filter((link) => ['child', 'item', 'items', 'next', 'data'].includes(link['rel']!)).map((link) => link['href']! as string));
      seen.push(...(body['features'] ? list(body['features']) : body['collections'] ? list(body['collections']) : [body]));
    }
    expect(done.size).toBeGreaterThan(20);
    expect(seen.map((each) => each['stac_version'] as string)).toEqual(seen.map(() => '1.0.0'));
    expect(JSON.stringify(seen)).not.toMatch(/proj:code|"bands":\[|\/v2\.0\.0\/schema|"other"/);
    if (hasSchemas) expect(await problemsOf(seen.map((each) => ({ ...(each as object), ...(each['stac_extensions'] ? { stac_extensions: list(each['stac_extensions']).filter((url) => !url.includes('item-assets')) } : {}) })))).toEqual([]);
  });

  it('can be searched, page by page', async () => {
    const first = await service.post('/1.0.0/search', { collections: ['MONTHS'], limit: 5 });
    expect(list(first.body['features']!)[0]).toMatchObject({ stac_version: '1.0.0', properties: { 'proj:epsg': 4326 } });
    expect(linkOf(first.body, 'next')).toBe(`${service.url}/1.0.0/search`);
    expect(await service.get('/1.0.0/collections/none')).toMatchObject({ status: 404 });
    expect(linkOf((await service.get('/')).body, 'alternate')).toBe(`${service.url}/1.0.0/`);
  });
});

it('one answer comes as STAC 1.0 where its query asks for it', async () => {
  const { body } = await service.get('/collections/MONTHS/items?limit=1&stac_version=1.0.0');
  expect(list(body['features']!)[0]!['stac_version']).toBe('1.0.0');
  expect(linkOf(body, 'next')).toContain('stac_version=1.0.0');
  expect((await service.get('/collections/MONTHS/items?limit=1&stac_version=1.1.0')).text).toContain('"stac_version":"1.1.0"');
  expect(await service.get('/collections?stac_version=0.9.0')).toMatchObject({ status: 400, body: { code: 'InvalidParameterValue', description: 'The parameter \'stac_version\' is invalid: it must be 1.1.0 or 1.0.0.' } });
});

describe('what is said of a file', () => {
  const asset = {
    href: 'https://x.example/a.tif', 'proj:code': 'EPSG:32631', data_type: 'int16', nodata: -1, 'raster:spatial_resolution': 10, 'raster:sampling': 'area', gsd: 10,
    bands: [{ name: 'B04', 'eo:common_name': 'red', 'eo:center_wavelength': 0.66, nodata: 0, 'raster:scale': 0.0001, statistics: { minimum: 1 } }, { name: 'SCL', description: 'Classes' }],
  };
  const old = downgraded({ ...scene('X', 'a', '2020-01-01T00:00:00Z'), assets: { asset } }) as { stac_extensions: string[]; assets: { asset: Record<string, unknown> } };

  it('stands in eo:bands and raster:bands, the band before its file', () => {
    expect(old.assets.asset).toEqual({
      href: asset.href, gsd: 10, 'proj:epsg': 32631,
      'eo:bands': [{ name: 'B04', common_name: 'red', center_wavelength: 0.66 }, { name: 'SCL', description: 'Classes' }],
      'raster:bands': [{ data_type: 'int16', nodata: 0, spatial_resolution: 10, sampling: 'area', scale: 0.0001, statistics: { minimum: 1 } }, { data_type: 'int16', nodata: -1, spatial_resolution: 10, sampling: 'area' }],
    });
    expect(old.stac_extensions.map((url) => /io\/(.*)\/schema/.exec(url)![1]!)).toEqual(expect.arrayContaining(['eo/v1.1.0', 'projection/v1.1.0', 'raster/v1.1.0']));
  });

  it('is the same when it comes back', () => {
    const back = upgradeAsset(old.assets.asset);
    expect(back.bands).toEqual(asset.bands.map((band) => ({ data_type: 'int16', nodata: -1, 'raster:spatial_resolution': 10, 'raster:sampling': 'area', ...band })));
    expect(back['proj:code']).toBe('EPSG:32631');
    expect(upgradeExtensions(old.stac_extensions).every((url) => url.includes('v2.0.0'))).toBe(true);
  });

  it('has null for a reference system without a number, and keeps what is no band', () => {
    expect(downgraded({ type: 'Feature', stac_version: '1.1.0', properties: { 'proj:code': 'IAU_2015:30100', 'proj:wkt2': 'x' }, assets: { a: { href: 'x', title: 't' } } })).toEqual({ type: 'Feature', stac_version: '1.0.0', properties: { 'proj:epsg': null, 'proj:wkt2': 'x' }, assets: { a: { href: 'x', title: 't' } } });
    expect(upgradeProjection({ 'proj:epsg': null })).toEqual({ 'proj:code': null });
  });
});
