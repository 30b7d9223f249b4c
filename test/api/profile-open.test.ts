/** Requirements of openEO's API profiles that no other test looks at: what is open to everybody, and formats. See docs/openeo-profile.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatName, resultFormats } from '../../src/formats/index.ts';
import { inputFormats } from '../../src/formats/input-formats.ts';
import { startService } from './service.ts';
import type { TestService } from './service.ts';

let service: TestService;
let bearer: Record<string, string>;

beforeAll(async () => {
  const described = Object.fromEntries(Object.entries(resultFormats).map(([name, { description }]) => [name, description]));
  service = await startService({ formats: { input: inputFormats, output: described } });
  bearer = await service.token();
});
afterAll(() => service.close());

type Json = Record<string, unknown>;
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${service.url}/openeo/1.3${path}`, { headers });
const json = async (path: string) => (await get(path)).json() as Promise<Json>;

describe('what everybody may see', () => {
  it.each(['/', '/conformance', '/file_formats', '/udf_runtimes', '/service_types', '/collections', '/collections/S2/L2A', '/collections/S2/L2A/queryables', '/processes'])('GET %s works without a login and with one', async (path) => {
    for (const headers of [{}, bearer]) {
      const answer = await get(path, headers);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^application\/(schema\+)?json/);
      await answer.arrayBuffer();
    }
  });

  it('POST /validation works without a login and with one', async () => {
    for (const headers of [{}, bearer]) {
      const answer = await fetch(`${service.url}/openeo/1.3/validation`, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: '{"process_graph":{"a":{"process_id":"add","arguments":{"x":1,"y":2},"result":true}}}' });
      expect([answer.status, await answer.json()]).toMatchObject([200, { errors: [] }]);
    }
  });

  it('the list of versions is beside the versions, not below one', async () => {
    const { versions } = await (await fetch(`${service.url}/.well-known/openeo`)).json() as { versions: { url: string; api_version: string }[] };
    expect(versions.map(({ api_version }) => api_version)).toEqual(expect.arrayContaining(['1.2.0', '1.3.0']));
    for (const { url, api_version } of versions) expect(await (await fetch(url)).json()).toMatchObject({ api_version });
  });
});

describe('file formats', () => {
  /** Short names of GDAL's drivers, and what GDAL does not know. */
  const gdal = ['GTiff', 'COG', 'netCDF', 'Zarr', 'PNG', 'JPEG', 'GeoJSON', 'GPKG', 'CSV', 'Parquet'];
  const others = ['JSON', 'CovJSON'];

  it('are named as in GDAL, and described with what their files have to do with cubes', async () => {
    const { input, output } = await json('/file_formats') as unknown as Record<string, Record<string, Json>>;
    expect(Object.keys(output!).length).toBeGreaterThan(0);
    for (const [name, format] of [...Object.entries(input!), ...Object.entries(output!)]) {
      expect([...gdal, ...others]).toContain(name);
      expect(format, name).toMatchObject({ title: expect.any(String) as unknown, description: expect.stringMatching(/.{30}/) as unknown, gis_data_types: expect.any(Array) as unknown, parameters: expect.any(Object) as unknown });
      expect(format['gis_data_types'], name).not.toEqual([]);
    }
  });

  it('are taken in upper and lower case', () => {
    for (const name of Object.keys(resultFormats)) for (const written of [name.toLowerCase(), name.toUpperCase()]) expect(formatName(written)).toBe(name);
  });
});

it('runtimes of user code are described by type, default version, versions, title and description', async () => {
  const runtimes = Object.entries(await json('/udf_runtimes'));
  expect(runtimes.length).toBeGreaterThan(0);
  for (const [name, runtime] of runtimes as [string, { type: string; default: string; versions: Json }][]) {
    expect(runtime, name).toMatchObject({ type: 'language', title: expect.any(String) as unknown, description: expect.any(String) as unknown });
    expect(Object.keys(runtime.versions), name).toContain(runtime.default);
  }
});
