/** Pages of items as lines and as tables. */
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compressors } from '../../../src/formats/parquet/open-vectors.ts';
import { fill, list, startService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
});
afterAll(() => service.stop());

const ask = (path: string, headers: Record<string, string> = {}) => fetch(`${service.url}${path}`, { headers });
const ids = async () => list((await service.get('/search?collections=MONTHS&limit=5')).body['features']!).map((item) => item['id'] as string);

it.each<[string, Record<string, string>]>([['&f=ndjson', {}], ['', { accept: 'application/x-ndjson' }]])('lines of JSON (%s)', async (f, headers) => {
  const answer = await ask(`/search?collections=MONTHS&limit=5${f}`, headers);
  expect([answer.headers.get('content-type'), answer.headers.get('ogc-numbermatched')]).toEqual(['application/x-ndjson', '12']);
  const lines = (await answer.text()).trimEnd().split('\n').map((line) => JSON.parse(line) as { id: string; assets: { data: { href: string } } });
  expect(lines.map(({ id }) => id)).toEqual(await ids());
  // As clients see them: no file of this machine.
  expect(lines[0]!.assets.data.href).toMatch(/^http/);
  const next = /<(.*)>; rel="next"/.exec(answer.headers.get('link')!)![1]!;
  const rest = await (await fetch(next, { headers })).text();
  expect(rest.trimEnd().split('\n')).toHaveLength(5);
});

it.each<[string, Record<string, string>]>([['&f=parquet', {}], ['', { accept: 'application/vnd.apache.parquet' }]])('a table (%s)', async (f, headers) => {
  const answer = await ask(`/collections/MONTHS/items?limit=5${f}`, headers);
  expect(answer.headers.get('content-type')).toBe('application/vnd.apache.parquet');
  expect(answer.headers.get('link')).toContain('rel="next"');
  const bytes = await answer.arrayBuffer();
  const rows = await parquetReadObjects({ file: { byteLength: bytes.byteLength, slice: (start, end) => bytes.slice(start, end) }, compressors });
  expect(rows.map((row) => row['id'] as string)).toEqual(await ids());
  expect(rows[0]).toMatchObject({ collection: 'MONTHS', 'proj:code': 'EPSG:4326', datetime: new Date('2020-12-15T10:00:00Z'), geometry: { type: 'Polygon' }, bbox: { xmin: 5, ymin: 50, xmax: 6, ymax: 51 } });
});

it('GeoJSON for all others, and a reason for a form that there is not', async () => {
  for (const accept of ['*/*', 'application/json', 'application/geo+json, application/json;q=0.5', 'application/json,text/html;q=0.1']) expect((await ask('/search?limit=1', { accept })).headers.get('content-type')).toBe('application/geo+json');
  expect((await ask('/search?limit=1&f=json')).headers.get('content-type')).toBe('application/geo+json');
  expect(await service.get('/search?limit=1&f=csv')).toMatchObject({ status: 400, body: { description: 'The parameter \'f\' is invalid: it must be one of json, ndjson, parquet.' } });
  // An empty page is a page in every form.
  expect(await (await ask('/search?ids=none&f=ndjson')).text()).toBe('');
  expect((await ask('/search?ids=none&f=parquet')).status).toBe(200);
});
