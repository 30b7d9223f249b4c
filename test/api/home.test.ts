import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHome } from '../../src/api/home.ts';
import type { StacCollection } from '../../src/catalog/types.ts';
import { layerCollection, rawCollection } from '../layers/service.ts';

const nasty: StacCollection = { ...rawCollection, id: 'a/b "c"', title: '<script>alert(1)</script> & \'more\'', extent: { spatial: { bbox: [[170, -10, 0, -170, 10, 100]] }, temporal: { interval: [[null, null]] } } };
let shown: StacCollection[];
let server: Server;
let url: string;

beforeAll(async () => {
  const app = express();
  app.use('/', createHome({ catalog: { collections: async () => shown }, baseUrl: () => url, title: 'Lamina', description: 'Layers & <more>.', version: '1.2.3' }));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => void (shown = [rawCollection, { ...layerCollection, extent: rawCollection.extent, gsd: 80 }, nasty]));
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const page = async () => (await fetch(`${url}/`, { headers: { Accept: browser } })).text();

describe('GET / for programs', () => {
  it.each(['*/*', 'application/json', 'image/png'])('answers %s with links as JSON', async (accept) => {
    const answer = await fetch(`${url}/`, { headers: { Accept: accept } });
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('vary')]).toEqual([200, expect.stringContaining('application/json') as unknown, 'Accept']);
    const { title, version, links } = await answer.json() as { title: string; version: string; links: { rel: string; href: string; title: string }[] };
    expect([title, version]).toEqual(['Lamina', '1.2.3']);
    const hrefs = (rel: string) => links.filter((link) => link.rel === rel).map((link) => link.href);
    expect(hrefs('self')).toEqual([`${url}/`]);
    expect(hrefs('version-history')).toEqual([`${url}/.well-known/openeo`]);
    expect(hrefs('service')).toEqual([`${url}/openeo/1.2/`, `${url}/openeo/1.3/`, `${url}/stac/`, `${url}/operators`, `${url}/v2`]);
    expect(hrefs('child')).toEqual([`${url}/stac/collections/RAW`, `${url}/stac/collections/LAYER`, `${url}/stac/collections/a%2Fb%20%22c%22`]);
    expect(hrefs('tilejson')[0]).toBe(`${url}/tiles/RAW/tilejson.json`);
  });
});

describe('GET / for browsers', () => {
  it('is a page that needs nothing from elsewhere and runs no script', async () => {
    const answer = await fetch(`${url}/`, { headers: { Accept: browser } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    const html = await answer.text();
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).not.toMatch(/<script|<img|<iframe|@import|url\(|\bsrc=|\son\w+=/i);
    for (const [, href] of html.matchAll(/href="([^"]*)"/g)) expect(href === 'data:,' || href!.startsWith(url)).toBe(true);
  });

  it('lists the addresses, the collections with their tiles, and how to connect', async () => {
    const html = await page();
    for (const text of [`href="${url}/stac/"`, `href="${url}/openeo/1.3/"`, `href="${url}/stac/collections/RAW"`, `href="${url}/tiles/LAYER/tilejson.json"`]) expect(html).toContain(text);
    expect(html).toContain('virtual layer');
    expect(html).toContain(`openeo.connect(&quot;${url}&quot;)`);
    expect(html).toContain('load_collection(&quot;LAYER&quot;, temporal_extent=[&quot;2021-05-01&quot;, &quot;2021-05-02&quot;])');
    // The middle of 4.4 to 4.6° E, 50.4 to 50.6° N.
    expect(html).toMatch(/tiles\/LAYER\/11\/1049\/690\.png"/);
    expect(html).toMatch(/tiles\/RAW\/10\/524\/345\.png"/);
  });

  it('escapes every text', async () => {
    const html = await page();
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#39;more&#39;');
    expect(html).toContain('a/b &quot;c&quot;</a>');
    expect(html).toContain('Layers &amp; &lt;more&gt;.');
    expect(html).toContain('Raw &lt;scenes&gt;');
    shown = [nasty];
    // Inside of the example it is a Python text inside of HTML.
    expect(await page()).toContain('load_collection(&quot;a/b \\&quot;c\\&quot;&quot;)');
  });

  it('finds the middle of a box across the antimeridian, with heights', async () => {
    expect(await page()).toContain('/tiles/a%2Fb%20%22c%22/5/0/16.png"');
  });

  it('has words for an empty catalog', async () => {
    shown = [];
    expect(await page()).toContain('lamina ingest');
  });
});

it('is at / only', async () => {
  expect((await fetch(`${url}/other`)).status).toBe(404);
});
