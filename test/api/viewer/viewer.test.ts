/** The viewer page: what it is made of, and that nothing in it comes from elsewhere. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerErrors } from '../../../src/api/http/error-response.ts';
import { createViewer } from '../../../src/api/viewer/viewer.ts';
import { silentLog } from '../../../src/log.ts';
import { rawCollection } from '../../layers/service.ts';

let server: Server;
let url: string;
beforeAll(async () => {
  const app = express();
  app.use(createViewer({ collection: async (id, { headers }) => (id === 'RAW' || headers.authorization === 'Bearer ann' ? { ...rawCollection, id } : null), baseUrl: () => `${url}` }));
  app.use(answerErrors(silentLog));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => {
  server.closeAllConnections();
  server.close(resolve);
}));

describe('GET /view/{collection}', () => {
  it('is a page that needs nothing from elsewhere, with its title escaped', async () => {
    const answer = await fetch(`${url}/view/RAW`);
    const html = await answer.text();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(html).toContain('<title>Raw &lt;scenes&gt;</title>');
    expect(html).toContain(`data-tilejson="${url}/tiles/RAW/tilejson.json"`);
    const addresses = [...html.matchAll(/(?:src|href)="(http[^"]+)"/g)].map((m) => m[1]!);
    expect(addresses.every((address) => address.startsWith(url))).toBe(true);
  });

  it('is made of parts that are served as what they are', async () => {
    const html = await (await fetch(`${url}/view/RAW`)).text();
    const parts = [...html.matchAll(/"(http[^"]+\/view\/parts\/[^"]+)"/g)].map((m) => m[1]!);
    const types = await Promise.all(parts.map(async (part) => {
      const answer = await fetch(part);
      expect((await answer.text()).length).toBeGreaterThan(200);
      return [answer.status, answer.headers.get('content-type')?.split(';')[0], part.split('/').pop()];
    }));
    expect(types).toEqual([[200, 'text/css', 'leaflet.css'], [200, 'text/css', 'viewer.css'], [200, 'text/javascript', 'leaflet.js'], [200, 'text/javascript', 'viewer.js']]);
  });

  it('knows no other collections and no other files', async () => {
    expect((await fetch(`${url}/view/SECRET`)).status).toBe(404);
    expect((await fetch(`${url}/view/SECRET`, { headers: { Authorization: 'Bearer ann' } })).status).toBe(200);
    for (const name of ['viewer.ts', 'constructor', '..%2Fviewer.ts', '%2Fetc%2Fpasswd']) expect((await fetch(`${url}/view/parts/${name}`)).status, name).toBe(404);
  });
});
