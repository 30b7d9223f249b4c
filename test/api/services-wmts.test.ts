/** Published processes as WMTS and TileJSON. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Json, at, describeService, grey, publish, publishMaps, raw, service, x, y, z } from './published.ts';

publishMaps();

describe('WMTS', () => {
  const wmts = async (configuration: Json = grey) => {
    const { id } = await publish(raw(), configuration, { type: 'wmts', title: 'Two <dates>' });
    return { id, url: (await describeService(id)).url };
  };

  it('has capabilities with the days of the result and both tile matrix sets', async () => {
    const { id, url } = await wmts({ ...grey, minzoom: 4, maxzoom: 16 });
    expect(url).toBe(`${service.url}/services/${id}/wmts`);
    const kvp = await (await fetch(`${url}?service=wmts&request=GetCapabilities`)).text();
    expect(await (await fetch(`${url}/1.0.0/WMTSCapabilities.xml`)).text()).toBe(kvp);
    for (const part of ['<ows:Title>Two &lt;dates&gt;</ows:Title>', `<ows:Identifier>${id}</ows:Identifier>`, '<Value>2021-05-01</Value>', '<Value>2021-06-01</Value>', '<ows:Identifier>EPSG:3857</ows:Identifier>', '<ows:Identifier>WorldCRS84Quad</ows:Identifier>', '<ows:LowerCorner>4.4 50.4</ows:LowerCorner>']) expect(kvp).toContain(part);
    expect([...kvp.matchAll(/<TileMatrix>\s*<ows:Identifier>(\d+)/g)].map(([, zoom]) => Number(zoom)).slice(0, 13)).toEqual(Array.from({ length: 13 }, (_, i) => i + 4));
  });

  it('draws the same tiles as XYZ, by key-value pairs and by path, of the day that is asked for', async () => {
    const { id, url } = await wmts();
    const bytes = async (path: string) => {
      const answer = await fetch(path);
      if (answer.status !== 200) throw new Error(await answer.text());
      return Buffer.from(await answer.arrayBuffer());
    };
    const key = (time: string) => `${url}?SERVICE=WMTS&VERSION=1.0.0&REQUEST=GetTile&LAYER=${id}&STYLE=default&FORMAT=image/png&TILEMATRIXSET=EPSG:3857&TILEMATRIX=${z}&TILEROW=${y}&TILECOL=${x}${time}`;
    const rest = (time: string) => `${url}/${id}/1.0.0/default/${time}/EPSG:3857/${z}/${y}/${x}.png`;
    const xyz = at(`${service.url}/services/${id}/tiles/{z}/{x}/{y}.png`);
    const newestTile = await bytes(xyz);
    expect([await bytes(key('')), await bytes(rest('default'))].every((tile) => tile.equals(newestTile))).toBe(true);
    const may = await bytes(`${xyz}?datetime=2021-05-01`);
    expect(may.equals(newestTile)).toBe(false);
    expect([await bytes(key('&TIME=2021-05-01')), await bytes(rest('2021-05-01'))].every((tile) => tile.equals(may))).toBe(true);
    const degrees = await bytes(`${url}/${id}/1.0.0/default/default/WorldCRS84Quad/13/${Math.floor((90 - 50.5378) / (180 / 2 ** 13))}/${Math.floor((4.4255 + 180) / (180 / 2 ** 13))}.png`);
    expect((await sharp(degrees).stats()).channels[3]!.mean).toBeGreaterThan(10);
  });

  it.each([
    ['LAYER=other', 'InvalidParameterValue', 'LAYER'], ['STYLE=pretty', 'InvalidParameterValue', 'STYLE'], ['TILEMATRIX=17', 'InvalidParameterValue', 'TILEMATRIX'], ['TILEMATRIX=3', 'InvalidParameterValue', 'TILEMATRIX'],
    ['FORMAT=image/jpeg', 'InvalidParameterValue', 'FORMAT'], ['TILECOL=99999999', 'TileOutOfRange', 'TILECOL'], ['TIME=someday', 'InvalidParameterValue', 'TIME'], ['REQUEST=GetMap', 'InvalidParameterValue', 'REQUEST'],
  ])('says in the words of OWS what is wrong with %s', async (change, code, locator) => {
    const { id, url } = await wmts({ ...grey, minzoom: 4, maxzoom: 16 });
    const query = new URLSearchParams({ SERVICE: 'WMTS', VERSION: '1.0.0', REQUEST: 'GetTile', LAYER: id, STYLE: 'default', FORMAT: 'image/png', TILEMATRIXSET: 'EPSG:3857', TILEMATRIX: String(z), TILEROW: String(y), TILECOL: String(x) });
    query.set(...change.split('=') as [string, string]);
    const answer = await fetch(`${url}?${query.toString()}`);
    const report = await answer.text();
    expect([answer.status, report.includes(`exceptionCode="${code}"`), report.includes(`locator="${locator}"`)]).toEqual([400, true, true]);
  });
});

it('has a TileJSON that leads to its tiles', async () => {
  const created = await publish(raw(), { ...grey, visibility: 'private', minzoom: 3 }, { type: 'tilejson', title: 'T' });
  const document = await (await fetch(created.url)).json() as { tiles: string[] };
  expect(document).toMatchObject({ tilejson: '3.0.0', name: 'T', scheme: 'xyz', bounds: [4.4, 50.4, 4.6, 50.6], minzoom: 3, maxzoom: 18, 'lamina:days': ['2021-05-01', '2021-06-01'] });
  expect((await fetch(at(document.tiles[0]!))).status).toBe(200);
  expect((await fetch(at(document.tiles[0]!, [2, 0, 0]))).status).toBe(400);
});
