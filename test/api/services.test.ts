/** Secondary web services over HTTP, with maps that are really drawn. */
import { describe, expect, it } from 'vitest';
import { transformBounds } from '../../src/geo/crs.ts';
import { tileGrid } from '../../src/layers/tile-grid.ts';
import { type Json, ann, at, bob, call, describeService, drawn, grey, highest, isNear, load, newest, pictureOf, places, publish, publishMaps, raw, refusal, service, shade, tileAt, work, x, y, z } from './published.ts';

publishMaps();

describe('GET /service_types', () => {
  it('tells everybody what can be configured, each with its schema', async () => {
    const types = await (await call('GET', '/service_types', undefined, {})).json() as Record<string, { configuration: Record<string, Json>; process_parameters: Json[]; title: string; description: string }>;
    expect(Object.keys(types)).toEqual(['XYZ', 'WMTS', 'TileJSON']);
    for (const { configuration, process_parameters: given, title, description } of Object.values(types)) {
      expect(title.length * description.length).toBeGreaterThan(0);
      expect(Object.keys(configuration)).toEqual(['visibility', 'format', 'bands', 'min', 'max', 'colormap', 'background', 'quality', 'tile_size', 'minzoom', 'maxzoom']);
      for (const schema of Object.values(configuration)) expect(schema).toMatchObject({ type: expect.anything() as unknown, description: expect.any(String) as unknown });
      expect(given.map(({ name }) => name)).toEqual(['spatial_extent', 'zoom']);
    }
    expect((await call('GET', '/service_types', undefined, ann, '1.2')).status).toBe(200);
  });

  it('is among the endpoints of GET /', async () => {
    const { endpoints } = await (await call('GET', '/')).json() as { endpoints: { path: string; methods: string[] }[] };
    const own = Object.fromEntries(endpoints.filter(({ path }) => path.startsWith('/service')).map(({ path, methods }) => [path, methods]));
    expect(own).toEqual({ '/service_types': ['GET'], '/services': ['GET', 'POST'], '/services/{service_id}': ['GET', 'PATCH', 'DELETE'], '/services/{service_id}/logs': ['GET'] });
  });
});

describe('a published process', () => {
  it('is described with what the client sent and what the service knows', async () => {
    const described = await publish(highest, { ...grey, minzoom: 3, maxzoom: 16 }, { title: 'Highest', description: 'Of two dates.', budget: 5, log_level: 'debug', note: 'mine' });
    expect(described).toMatchObject({
      type: 'XYZ', enabled: true, title: 'Highest', description: 'Of two dates.', plan: 'free', budget: 5, costs: 0, log_level: 'debug', note: 'mine',
      process: { process_graph: highest }, configuration: { ...grey, minzoom: 3, maxzoom: 16 },
      url: `${service.url}/services/${described.id}/tiles/{z}/{x}/{y}.png`,
      attributes: { layers: [described.id], visibility: 'public', tile_size: 256, minzoom: 3, maxzoom: 16, bounds: [4.4, 50.4, 4.6, 50.6], bands: ['B02'] },
      usage: { tiles: { value: 0 } },
    });
    const { services } = await (await call('GET', '/services')).json() as { services: Json[] };
    expect(services[0]).toMatchObject({ id: described.id, title: 'Highest', url: described.url, type: 'XYZ', enabled: true });
    expect(Object.keys(services[0]!)).not.toContain('process');
  });

  it('is drawn pixel for pixel from what its process computes, once', async () => {
    const { id, url } = await publish(highest);
    work(true);
    const first = await fetch(at(url));
    expect([first.headers.get('content-type'), first.headers.get('lamina-cache'), first.headers.get('cache-control')]).toEqual(['image/png', 'miss', 'public, max-age=60']);
    const { pixel } = await pictureOf(first);
    for (const { column, row, scene } of places()) {
      const [r, g, b, a] = pixel(column, row);
      expect([g, b, a]).toEqual([r, r, 255]);
      expect(isNear(r!, shade(1000 + scene.column)), `${column}/${row}: ${r} is not ${shade(1000 + scene.column)}`).toBe(true);
    }
    const again = await fetch(at(url));
    expect([again.status, again.headers.get('lamina-cache'), drawn?.length]).toEqual([200, 'hit', 1]);
    expect((await fetch(at(url), { headers: { 'If-None-Match': first.headers.get('etag')! } })).status).toBe(304);
    expect(await describeService(id)).toMatchObject({ usage: { tiles: { value: 1 }, duration: { unit: 'seconds' } } });
  });

  it('shows the newest of its dates, or those that are asked for', async () => {
    const { url, attributes } = await publish(raw());
    expect(attributes).toMatchObject({ dimensions: { time: ['2021-05-01', '2021-06-01'] } });
    const [{ column, row, scene }] = places() as [ReturnType<typeof places>[number]];
    const value = async (query: string) => (await pictureOf(await fetch(at(url) + query))).pixel(column, row);
    expect(isNear((await value(''))[0]!, shade((1000 + scene.column) / 2))).toBe(true);
    expect(isNear((await value('?datetime=2021-05-01'))[0]!, shade(1000 + scene.column))).toBe(true);
    expect(await value('?datetime=2021-07-01')).toEqual([0, 0, 0, 0]);
  });

  it('is transparent outside of the extent that its process names, and beyond the data', async () => {
    const middle = places()[30]!;
    const grid = tileGrid(z, x, y);
    const east = grid.originX + (middle.column + 0.5) * grid.stepX;
    const { west: longitude } = transformBounds({ west: east, east, south: grid.originY - 1, north: grid.originY, crs: 'EPSG:3857' }, 'EPSG:4326');
    const { url, attributes } = await publish(raw({ spatial_extent: { west: longitude, east: 4.6, south: 50.4, north: 50.6 } }));
    expect((attributes as { bounds: number[] }).bounds[0]).toBe(longitude);
    const { pixel } = await pictureOf(await fetch(at(url)));
    for (const { column, row } of places()) expect(pixel(column, row)[3], `${column}/${row}`).toBe(column >= middle.column ? 255 : 0);
    const far = await fetch(at(url, [15, 100, 100]));
    expect([far.headers.get('lamina-cache'), (await pictureOf(far)).data.every((byte) => byte === 0)]).toEqual(['empty', true]);
  });

  it('takes options of save_result, and what the service says before them', async () => {
    const saved = (options: Json, format = 'PNG') => ({ ...highest, max: newest, save: { process_id: 'save_result', arguments: { data: { from_node: 'max' }, format, options }, result: true } });
    const [{ column, row }] = places() as [ReturnType<typeof places>[number]];
    const colourOf = async ({ url }: { url: string }) => (await pictureOf(await fetch(at(url)))).pixel(column, row);
    const classes = { min: undefined, max: undefined, visibility: 'public' };
    expect((await colourOf(await publish(saved({ min: 0, max: 500 }), classes)))[0]).toBe(255);
    expect((await colourOf(await publish(saved({ min: 0, max: 500 }), { ...classes, max: 100_000 })))[0]).toBeLessThan(5);
    expect(await colourOf(await publish(saved({ min: 5000, max: 6000, colormap: ['#0000ff', '#ff0000'] }), classes))).toEqual([0, 0, 255, 255]);
    const { url, attributes } = await publish(saved({ min: 0, max: 500, background: '#00ff00' }, 'JPEG'), classes);
    expect([url.endsWith('.jpg'), attributes]).toMatchObject([true, { format: 'image/jpeg' }]);
    const jpeg = await fetch(at(url, [15, 100, 100]));
    expect(jpeg.headers.get('content-type')).toBe('image/jpeg');
    const [r, g, b] = (await pictureOf(jpeg)).pixel(9, 9);
    expect([r! < 8, g! > 247, b! < 8]).toEqual([true, true, true]);
  });

  it('shows the values that there are where nobody says which', async () => {
    const { id, url, attributes } = await publish(highest, { visibility: 'public' });
    const { range } = attributes as { range: [number, number] };
    // 1000 + column, without the outer 2 percent, as far as a coarse look tells.
    expect([range[0] >= 990 && range[0] <= 1030, range[1] >= 1090 && range[1] <= 1140]).toEqual([true, true]);
    const { pixel } = await pictureOf(await fetch(at(url)));
    for (const { column, row, scene } of places()) expect(isNear(pixel(column, row)[0]!, Math.max(0, Math.min(255, ((1000 + scene.column - range[0]) / (range[1] - range[0])) * 255)))).toBe(true);
    // Other dates, same colours, until the process is changed.
    await call('PATCH', `/services/${id}`, { title: 'Same' });
    expect((await describeService(id))['attributes']).toMatchObject({ range });
    await call('PATCH', `/services/${id}`, { process: { process_graph: raw({ temporal_extent: ['2021-06-01', '2021-07-01'] }) } });
    const halved = ((await describeService(id))['attributes'] as { range: [number, number] }).range;
    expect([halved[0] >= 490 && halved[0] <= 520, halved[1] >= 540 && halved[1] <= 580]).toEqual([true, true]);
    expect((await publish(highest, { min: 0, max: 5, visibility: 'public' }))['attributes']).not.toHaveProperty('range');
  });

  it('has tiles of twice the resolution', async () => {
    const { url } = await publish(highest, { ...grey, tile_size: 512 });
    const { pixel, width } = await pictureOf(await fetch(at(url)));
    expect(width).toBe(512);
    for (const { column, row, scene } of places(512)) expect(isNear(pixel(column, row)[0]!, shade(1000 + scene.column))).toBe(true);
    expect((await pictureOf(await fetch(at(url, [15, 1, 1])))).width).toBe(512);
  });

  it('may use processes of its owner, and is drawn anew when they change', async () => {
    const store = (y: number) => call('PUT', '/process_graphs/more', { parameters: [{ name: 'x', description: '', schema: {} }], process_graph: { a: { process_id: 'multiply', arguments: { x: { from_parameter: 'x' }, y }, result: true } } });
    expect((await store(2)).status).toBe(200);
    const apply = { process_id: 'apply', arguments: { data: { from_node: 'max' }, process: { process_graph: { m: { process_id: 'more', namespace: 'user', arguments: { x: { from_parameter: 'x' } }, result: true } } } }, result: true };
    const { url } = await publish({ load: load(), max: newest, twice: apply }, { ...grey, max: 25_500 });
    const [{ column, row, scene }] = places() as [ReturnType<typeof places>[number]];
    const shown = async () => (await pictureOf(await fetch(at(url)))).pixel(column, row)[0]!;
    expect(isNear(await shown(), (1000 + scene.column) / 50)).toBe(true);
    expect((await store(4)).status).toBe(200);
    expect(isNear(await shown(), (1000 + scene.column) / 25)).toBe(true);
  });

  it('is given the extent and the zoom of the tile', async () => {
    const given = { load: load({ spatial_extent: { from_parameter: 'spatial_extent' } }), max: newest, scaled: { process_id: 'apply', arguments: { data: { from_node: 'max' }, process: { process_graph: { m: { process_id: 'multiply', arguments: { x: { from_parameter: 'zoom' }, y: 100 }, result: true } } } }, result: true } };
    const { url } = await publish(given);
    const { pixel } = await pictureOf(await fetch(at(url)));
    for (const { column, row } of places()) expect(pixel(column, row)).toEqual([150, 150, 150, 255]);
  });

  it('may be embeddings, in the colours of their operator or one by one', async () => {
    const whole = await publish({ load: { process_id: 'load_collection', arguments: { id: 'LAYER', spatial_extent: null, temporal_extent: ['2021-05-01', '2021-05-02'] }, result: true } }, { visibility: 'public' });
    expect(whole['attributes']).toMatchObject({ bands: ['e000', 'e001'] });
    const { data } = await pictureOf(await fetch(at(whole.url, Object.values(tileAt(14)))));
    expect(data.filter((value, i) => i % 4 === 3 && value === 255).length).toBeGreaterThan(5000);
    const one = await publish({ load: { process_id: 'load_collection', arguments: { id: 'LAYER', spatial_extent: null, temporal_extent: ['2021-05-01', '2021-05-02'] }, result: true } }, { visibility: 'public', bands: ['e001'], min: 0, max: 6000 });
    const picture = await pictureOf(await fetch(at(one.url, Object.values(tileAt(14)))));
    // e001 is the mean of B08, 3000 everywhere.
    const shades = new Set(Array.from({ length: 256 * 256 }, (_, i) => (picture.data[i * 4 + 3] === 255 ? picture.data[i * 4]! : -1)));
    expect([...shades].toSorted((a, b) => a - b)).toEqual([-1, 128]);
  });
});

describe('who sees it', () => {
  it.each([['private', [404, 200, 404, 200]], ['shared', [404, 200, 200, 200]], ['public', [200, 200, 200, 200]]])('%s', async (visibility, statuses) => {
    const { id, url } = await publish(highest, { ...grey, visibility });
    expect(url.includes('.png') && url.startsWith(`${service.url}/services/${id}${visibility === 'public' ? '/' : '.'}`)).toBe(true);
    const plain = at(`${service.url}/services/${id}/tiles/{z}/{x}/{y}.png`);
    const seen = [await fetch(plain), await fetch(plain, { headers: ann }), await fetch(plain, { headers: bob }), await fetch(at(url))];
    expect(seen.map(({ status }) => status)).toEqual(statuses);
    expect(seen[3]!.headers.get('cache-control')).toBe(`${visibility === 'public' ? 'public' : 'private'}, max-age=60`);
    const wrong = await fetch(plain.replace(id, `${id}.wrong-key`));
    expect([wrong.status, (await wrong.json() as Json)['code']]).toEqual([404, 'ServiceNotFound']);
  });

  it('tells its key to nobody who came without it', async () => {
    const { id, url } = await publish(highest, { visibility: 'shared' }, { type: 'wmts' });
    const key = url.split(/[./]/).find((part) => part.length === 24)!;
    expect(key).toMatch(/^[\w-]{24}$/);
    const plain = `${service.url}/services/${id}`;
    for (const path of ['/tilejson.json', '/wmts?service=WMTS&request=GetCapabilities']) {
      const text = await (await fetch(plain + path, { headers: bob })).text();
      expect([text.includes(id), text.includes(key)], path).toEqual([true, false]);
    }
    expect(await (await fetch(url.replace(/wmts$/, 'tilejson.json'))).text()).toContain(key);
  });

  it('gets a new key when its owner wants one', async () => {
    const { id, url } = await publish(highest, { min: 0 });
    expect((await fetch(at(url))).status).toBe(200);
    expect((await call('PATCH', `/services/${id}`, { configuration: { min: 0, visibility: 'private' } })).status).toBe(204);
    expect((await fetch(at(url))).status).toBe(200);
    expect((await call('PATCH', `/services/${id}`, { url: null })).status).toBe(204);
    expect((await fetch(at(url))).status).toBe(404);
    const now = await describeService(id);
    expect(now.url).not.toBe(url);
    expect((await fetch(at(now.url))).status).toBe(200);
  });

  it('is nobody else\'s business', async () => {
    const { id } = await publish(highest);
    for (const [method, path, body] of [['GET', ''], ['PATCH', '', { title: 'Mine' }], ['DELETE', ''], ['GET', '/logs']] as const) {
      const answer = await call(method, `/services/${id}${path}`, body, bob);
      expect([answer.status, (await answer.json() as Json)['code']]).toEqual([404, 'ServiceNotFound']);
    }
    expect(((await (await call('GET', '/services', undefined, bob)).json()) as Json)['services']).toEqual([]);
    expect((await call('GET', '/services', undefined, {})).status).toBe(401);
    expect((await describeService(id))['title']).toBeUndefined();
  });
});

describe('PATCH and DELETE', () => {
  it('draw what has changed anew, and only that', async () => {
    const { id, url } = await publish(highest);
    const before = await fetch(at(url));
    const [{ column, row, scene }] = places() as [ReturnType<typeof places>[number]];
    expect((await call('PATCH', `/services/${id}`, { title: 'Named', description: null })).status).toBe(204);
    expect((await fetch(at(url))).headers.get('lamina-cache')).toBe('hit');
    expect((await call('PATCH', `/services/${id}`, { process: { process_graph: raw({ temporal_extent: ['2021-06-01', '2021-07-01'] }) } })).status).toBe(204);
    const after = await fetch(at(url));
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'));
    expect(isNear((await pictureOf(after)).pixel(column, row)[0]!, shade((1000 + scene.column) / 2))).toBe(true);
    expect((await call('PATCH', `/services/${id}`, { configuration: { ...grey, max: 500 } })).status).toBe(204);
    expect((await pictureOf(await fetch(at(url)))).pixel(column, row)[0]).toBe(255);
  });

  it('switch it off and on', async () => {
    const { id, url } = await publish(highest);
    expect((await call('PATCH', `/services/${id}`, { enabled: false })).status).toBe(204);
    const off = await fetch(at(url));
    expect([off.status, await off.json()]).toMatchObject([404, { code: 'ServiceNotFound', message: expect.stringContaining('disabled') as unknown }]);
    expect(await describeService(id)).toMatchObject({ enabled: false });
    await call('PATCH', `/services/${id}`, { enabled: true });
    expect((await fetch(at(url))).status).toBe(200);
  });

  it('leave nothing of a service that is deleted', async () => {
    const { id, url } = await publish(highest);
    await fetch(at(url));
    expect((await call('DELETE', `/services/${id}`)).status).toBe(204);
    const paths = [at(url), url.replace(/tiles.*/, 'tilejson.json'), url.replace(/tiles.*/, 'wmts/1.0.0/WMTSCapabilities.xml')];
    for (const path of paths) expect((await fetch(path)).status, path).toBe(404);
    expect((await call('GET', `/services/${id}`)).status).toBe(404);
    await expect.poll(async () => (await Array.fromAsync(service.objects.list(`tiles/services/${id}/`))).length).toBe(0);
  });

  it.each([
    [{}, 'NoDataForUpdate', ''], [{ type: 'wmts' }, 'PropertyNotEditable', 'type'], [{ id: 'x' }, 'PropertyNotEditable', 'id'], [{ url: 'https://example.org' }, 'PropertyNotEditable', 'url'], [{ enabled: 'yes' }, 'ProcessParameterInvalid', 'enabled'],
    [{ configuration: { tile_size: 300 } }, 'ServiceConfigInvalid', 'tile_size'], [{ configuration: { tiles: 3 } }, 'ServiceConfigUnsupported', 'tiles'], [{ configuration: 7 }, 'ProcessParameterInvalid', 'configuration'],
    [{ process: { process_graph: { a: { process_id: 'nope', arguments: {}, result: true } } } }, 'ProcessUnsupported', 'nope'], [{ process: null }, 'ProcessGraphMissing', 'process'],
    [{ budget: -1 }, 'BudgetInvalid', ''], [{ plan: 'golden' }, 'BillingPlanInvalid', ''], [{ log_level: 'loud' }, 'ProcessParameterInvalid', 'log_level'],
  ])('refuse %j', async (change, code, word) => {
    const { id } = await publish(highest);
    const [status, given, message] = await refusal(change, 'PATCH', `/services/${id}`);
    expect([status, given]).toEqual([400, code]);
    expect(message).toContain(word);
  });
});

describe('POST /services refuses', () => {
  const body = (changes: Json) => ({ type: 'XYZ', process: { process_graph: highest }, ...changes });
  const graph = (nodes: Json) => body({ process: { process_graph: nodes } });

  it.each([
    ['another type', body({ type: 'WMS' }), 'ServiceUnsupported', 'XYZ, WMTS, TileJSON'],
    ['no type', body({ type: undefined }), 'ServiceUnsupported', 'XYZ'],
    ['a setting that there is not', body({ configuration: { version: '1.0' } }), 'ServiceConfigUnsupported', 'version'],
    ['a value that is none', body({ configuration: { visibility: 'secret' } }), 'ServiceConfigInvalid', 'visibility'],
    ['a zoom that there is not', body({ configuration: { maxzoom: 40 } }), 'ServiceConfigInvalid', 'maxzoom'],
    ['zooms that leave nothing', body({ configuration: { minzoom: 9, maxzoom: 3 } }), 'ServiceConfigInvalid', 'minzoom'],
    ['a colormap that there is not', body({ configuration: { colormap: 'jet' } }), 'ServiceConfigInvalid', 'colormap'],
    ['a background that is no colour', body({ configuration: { background: 'blue' } }), 'ServiceConfigInvalid', 'background'],
    ['a band that the result lacks', body({ configuration: { bands: ['B99'] } }), 'ServiceConfigInvalid', 'bands'],
    ['limits the wrong way round', body({ configuration: { min: 5, max: 2 } }), 'ServiceConfigInvalid', 'max'],
    ['a colormap for three bands', body({ process: { process_graph: raw({ bands: ['B02', 'B08'] }) }, configuration: { colormap: 'viridis', bands: ['B02', 'B08'] } }), 'ServiceConfigInvalid', 'colormap'],
    ['no process', body({ process: undefined }), 'ProcessGraphMissing', 'process'],
    ['a process that is none', graph({ a: { process_id: 'nope', arguments: {}, result: true } }), 'ProcessUnsupported', 'nope'],
    ['a number', graph({ a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } }), 'ProcessGraphInvalid', 'data cube'],
    ['a collection that there is not', graph({ a: { process_id: 'load_collection', arguments: { id: 'NONE', spatial_extent: null, temporal_extent: null }, result: true } }), 'CollectionNotFound', 'NONE'],
    ['a parameter that nobody gives', body({ process: { process_graph: highest, parameters: [{ name: 'n', description: '', schema: {} }] } }), 'ProcessParameterRequired', '\'n\''],
    ['a title that is no text', body({ title: 7 }), 'ProcessParameterInvalid', 'title'],
  ])('%s', async (_, given, code, word) => {
    const [status, found, message] = await refusal(given);
    expect([found, status]).toEqual([code, code === 'CollectionNotFound' ? 404 : 400]);
    expect(message).toContain(word);
  });

  it('a map without x and y', async () => {
    const nodes = { load: load(), r: { process_id: 'reduce_spatial', arguments: { data: { from_node: 'load' }, reducer: { process_graph: { m: { process_id: 'mean', arguments: { data: { from_parameter: 'data' } }, result: true } } } }, result: true } };
    expect((await refusal(graph(nodes)))[1]).toBe('ProcessGraphInvalid');
  });
});

it('takes types in any case, no configuration in the form of an empty list, and both versions of the API', async () => {
  for (const [type, version] of [['wmts', '1.2'], ['TILEJSON', '1.3']] as const) {
    const created = await call('POST', '/services', { type, process: { process_graph: highest }, configuration: [], title: null, enabled: false }, ann, version);
    expect(created.status).toBe(201);
    const id = created.headers.get('openeo-identifier')!;
    const described = await (await call('GET', `/services/${id}`, undefined, ann, version)).json() as Json;
    expect(described).toMatchObject({ enabled: false, configuration: {}, type: type === 'wmts' ? 'WMTS' : 'TileJSON' });
    expect(String(described['url']).split('/').pop()).toBe(type === 'wmts' ? 'wmts' : 'tilejson.json');
  }
});

it('is published though no worker looks at it, and says so in its log', async () => {
  work(false);
  const created = await call('POST', '/services', { type: 'xyz', process: { process_graph: raw({ bands: ['B08'] }) } });
  expect(created.status).toBe(201);
  const { logs } = await (await call('GET', `/services/${created.headers.get('openeo-identifier')}/logs?level=warning`)).json() as { logs: Json[] };
  expect(logs).toMatchObject([{ level: 'warning', message: expect.stringContaining('could not be found out') as unknown }]);
});

it('lists page by page', async () => {
  const all = (await (await call('GET', '/services')).json() as { services: { id: string }[] }).services.map(({ id }) => id);
  const seen: string[] = [];
  let next: string | undefined = `${service.url}/openeo/1.3/services?limit=4`;
  while (next) {
    const page = await (await fetch(next, { headers: ann })).json() as { services: { id: string }[]; links: { rel: string; href: string }[] };
    expect(page.services.length).toBeLessThanOrEqual(4);
    seen.push(...page.services.map(({ id }) => id));
    next = page.links.find(({ rel }) => rel === 'next')?.href;
  }
  expect(seen).toEqual(all);
});

describe('GET /services/{service_id}/logs', () => {
  const element = { process_id: 'reduce_dimension', arguments: { data: { from_node: 'load' }, dimension: 't', reducer: { process_graph: { pick: { process_id: 'pick', arguments: { data: { from_parameter: 'data' } }, result: true } } } } };
  const store = (index: number) => call('PUT', '/process_graphs/pick', { parameters: [{ name: 'data', description: '', schema: {} }], process_graph: { element: { process_id: 'array_element', arguments: { data: { from_parameter: 'data' }, index }, result: true } } });

  it('tells what was changed and which tile failed, where and why, once', async () => {
    await store(1);
    const { id, url } = await publish({ load: load(), seventh: { ...element, result: true } });
    await store(7);
    await call('PATCH', `/services/${id}`, { title: 'New' });
    for (const column of [x, x + 1, x]) expect((await fetch(at(url, [z, column, y]))).status).toBe(400);
    const { logs, level } = await (await call('GET', `/services/${id}/logs`)).json() as { logs: { id: string; level: string; message: string }[]; level: string };
    expect(level).toBe('info');
    expect(logs).toMatchObject([
      { level: 'info', message: 'The XYZ service was created.' }, { level: 'info', message: '`title` changed.' },
      { level: 'error', code: 'ArrayElementNotAvailable', message: expect.stringContaining(`Tile ${z}/${x}/${y}`) as unknown, data: { z, x, y }, path: expect.arrayContaining([{ node_id: 'seventh', process_id: 'reduce_dimension' }]) as unknown },
    ]);
    const rest = await (await call('GET', `/services/${id}/logs?offset=${logs[0]!.id}`)).json() as { logs: Json[] };
    expect(rest.logs).toEqual(logs.slice(1));
    const errors = await (await call('GET', `/services/${id}/logs?level=error`)).json() as { logs: Json[]; level: string };
    expect([errors.level, errors.logs]).toEqual(['error', logs.slice(2)]);
    const first = await (await call('GET', `/services/${id}/logs?limit=1`)).json() as { logs: Json[]; links: { rel: string; href: string }[] };
    expect([first.logs.length, first.links[0]?.rel]).toEqual([1, 'next']);
    expect((await (await fetch(first.links[0]!.href, { headers: ann })).json() as { logs: Json[] }).logs).toEqual(logs.slice(1, 2));
    expect((await call('GET', `/services/${id}/logs?offset=x`)).status).toBe(400);
  });

  it('keeps what the process says with inspect, and leaves out what the service does not want to know', async () => {
    const inspected = { load: load(), look: { process_id: 'inspect', arguments: { data: { from_node: 'load' }, message: 'Here I am.', level: 'warning' }, result: true } };
    const { id, url } = await publish(inspected, grey, { log_level: 'warning' });
    for (const column of [x, x + 1]) await fetch(at(url, [z, column, y]));
    const { logs, level } = await (await call('GET', `/services/${id}/logs`)).json() as { logs: Json[]; level: string };
    expect([level, logs.map(({ message, code }) => [message, code])]).toEqual(['warning', [['Here I am.', 'User']]]);
  });
});

it('says when to come again for a tile that takes long', async () => {
  const { url } = await publish(highest);
  work(false);
  const late = await fetch(at(url, [z, x, y + 1]));
  expect([late.status, late.headers.get('retry-after')]).toEqual([503, '2']);
  expect(await late.json()).toMatchObject({ code: 'InfrastructureBusy' });
});
