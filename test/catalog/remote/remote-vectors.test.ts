import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardedFetch } from '../../../src/catalog/remote/guarded-fetch.ts';
import { Unreadable } from '../../../src/catalog/remote/download.ts';
import { RemoteVectors, type RemoteVectorsOptions } from '../../../src/catalog/remote/remote-vectors.ts';
import type { Cube } from '../../../src/cube/cube.ts';
import { findGeometries } from '../../../src/cube/geometries.ts';
import { parquet } from '../../../src/formats/parquet/write.ts';
import { vectorCube } from '../../../src/cube/feature-values.ts';
import { readGeoJson } from '../../../src/geo/geojson.ts';
import { testContext, type TestContext } from '../../formats/cubes.ts';
import { startStacServer, type StacServer } from './stac-server.ts';

const fields = {
  type: 'FeatureCollection',
  features: [
    { type: 'Feature', id: 'a', properties: { crop: 'maize', n: 1 }, geometry: { type: 'Point', coordinates: [5, 50] } },
    { type: 'Feature', id: 'b', properties: { crop: 'beet', n: 2 }, geometry: { type: 'Point', coordinates: [6, 51] } },
  ],
};

let server: StacServer;
let context: TestContext;
beforeAll(async () => {
  server = await startStacServer();
  context = await testContext();
  server.documents.set('/fields.geojson', fields);
  server.documents.set('/text', (_, response) => void response.end('no JSON'));
  server.documents.set('/slow', () => {});
  server.documents.set('/broken', (_, response) => void response.writeHead(500).end());
  server.documents.set('/inside', (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/secret' }).end());
  const [file] = await parquet.write(vectorCube(readGeoJson(fields), ['n']), {}, context);
  server.files.set('/fields.parquet', file!.path);
});
afterAll(async () => {
  await server.close();
  await context.remove();
});

function load(path: string, { format = 'GeoJSON', properties = [] as string[], signal = new AbortController().signal, allowed = true, ...options }: Partial<RemoteVectorsOptions> & { format?: string; properties?: string[]; signal?: AbortSignal; allowed?: boolean } = {}): Promise<Cube> {
  const fetch = guardedFetch({ allowedHosts: allowed ? [server.host] : [], refuse: (reason) => new Unreadable(reason) });
  return new RemoteVectors({ fetch, ...options }).load({ url: `${server.url}${path}`, format, properties }, signal);
}

describe('load_url', () => {
  it('reads GeoJSON', async () => {
    const cube = await load('/fields.geojson', { format: 'geojson', properties: ['n'] });
    expect([...(await cube.read(cube.fullWindow())).data]).toEqual([1, 2]);
    expect(findGeometries(cube)!.geometries.properties).toEqual([{ crop: 'maize', n: 1 }, { crop: 'beet', n: 2 }]);
  });

  it('reads GeoParquet', async () => {
    const { labels, geometries } = findGeometries(await load('/fields.parquet', { format: 'Parquet' }))!;
    expect(labels).toEqual(['a', 'b']);
    expect(geometries.shapes).toEqual(fields.features.map(({ geometry }) => geometry));
    expect(geometries.properties![1]).toMatchObject({ crop: 'beet' });
  });

  it.each([
    ['FormatUnsuitable', /in the formats GeoJSON and Parquet/, '/fields.geojson', { format: 'Shapefile' }],
    ['FormatUnsuitable', /is not JSON/, '/text', {}],
    ['FileContentInvalid', /no Parquet file/, '/fields.geojson', { format: 'Parquet' }],
    ['ProcessParameterInvalid', /'url' in process 'load_url'.*status 404/, '/nothing', {}],
    ['ProcessParameterInvalid', /status 500/, '/broken', {}],
    ['ProcessParameterInvalid', /not a public address; .*LAMINA_ALLOWED_HOSTS/, '/fields.geojson', { allowed: false }],
    ['ProcessParameterInvalid', /'load_url'.*not a public address/, '/inside', {}],
    ['ProcessParameterInvalid', /more than 100 bytes/, '/fields.geojson', { bytes: 100 }],
    ['ProcessParameterInvalid', /takes longer than 0.05 s/, '/slow', { timeMs: 50 }],
    ['ProcessParameterInvalid', /'options'.*no feature has a property 'x'/, '/fields.geojson', { properties: ['x'] }],
  ])('refuses with %s %s', async (code, message, path, options) => {
    await expect(load(path, options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('ends when the run does', async () => {
    const stop = new AbortController();
    const work = load('/slow', { signal: stop.signal });
    stop.abort(new Error('the run has ended'));
    await expect(work).rejects.toThrow('the run has ended');
  });
});
