/** For tests: the STAC API over a real database, on a free port. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createStacRouter } from '../../../src/api/stac/router.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import type { StacCollection, StacItem } from '../../../src/catalog/types.ts';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import { createLog, type LogEntry } from '../../../src/log.ts';
import { startFreshDatabase } from '../../database/fresh-database.ts';

export interface Service {
  readonly url: string;
  readonly store: CatalogStore;
  readonly log: readonly LogEntry[];
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

// Tests look into answers freely; what they find is compared, not computed with.
export type Json = { readonly [key: string]: Json } & Iterable<Json> & string;

/** The members of an array in an answer. */
export const list = (value: Json): Json[] => Array.from(value as Iterable<Json>);

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Json;
  readonly text: string;
}

export async function startService(): Promise<Service> {
  const fresh = await startFreshDatabase();
  const store = new CatalogStore(fresh.database);
  const app = express();
  const server = app.listen(0, '127.0.0.1');
  server.keepAliveTimeout = 60_000;
  await new Promise((done) => server.once('listening', done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log: LogEntry[] = [];
  app.use('/stac', createStacRouter({
    baseUrl: `${origin}/stac`, title: 'Test catalog', description: 'For tests & nothing <else>.', collections: store, items: store,
    signAsset: (collection, item, key) => `/assets/${collection}.${item}.${key}`, log: createLog((entry) => log.push(entry)),
  }));
  const answer = async (response: Response): Promise<Answer> => {
    const text = await response.text();
    return { status: response.status, type: response.headers.get('content-type'), text, body: (text.startsWith('{') ? JSON.parse(text) : null) as Json };
  };
  const absolute = (path: string) => (path.startsWith('http') ? path : `${origin}/stac${path}`);
  return {
    url: `${origin}/stac`,
    store,
    log,
    get: async (path, headers = {}) => answer(await fetch(absolute(path), { headers })),
    post: async (path, body) => answer(await fetch(absolute(path), { method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) })),
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await fresh.stop();
    },
  };
}

/** A scene of one degree; the assets lie where clients must never see it. */
export function scene(collection: string, id: string, datetime: string, west = 5, south = 50): StacItem {
  return {
    type: 'Feature', stac_version: '1.1.0',
    stac_extensions: ['https://stac-extensions.github.io/projection/v2.0.0/schema.json', 'https://stac-extensions.github.io/eo/v2.0.0/schema.json'],
    id, collection, bbox: [west, south, west + 1, south + 1],
    geometry: { type: 'Polygon', coordinates: [[[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]] },
    properties: { datetime, gsd: 10, 'proj:code': 'EPSG:4326' },
    links: [{ rel: 'via', href: 'https://example.org/source', type: 'application/json' }, { rel: 'self', href: 'file:///secret/self.json' }],
    assets: {
      data: {
        href: 'file:///secret/data.tif', type: 'image/tiff; application=geotiff; profile=cloud-optimized', roles: ['data'], data_type: 'uint16',
        'proj:shape': [100, 100], 'proj:transform': [0.01, 0, west, 0, -0.01, south + 1], bands: [{ name: 'B04', 'eo:common_name': 'red', 'eo:center_wavelength': 0.665 }],
      },
      stored: { href: 'object:results/a b.tif', type: 'image/tiff; application=geotiff', roles: ['data'] },
      public: { href: 'https://example.org/preview.png', type: 'image/png', roles: ['thumbnail'] },
    },
  };
}

/** Twelve scenes in 'MONTHS', one each in 'EAST' and 'AWAY', and an empty collection with an awkward id. */
export async function fill(store: CatalogStore): Promise<void> {
  const months = Array.from({ length: 12 }, (_, i) => scene('MONTHS', `m${String(i + 1).padStart(2, '0')}`, `2020-${String(i + 1).padStart(2, '0')}-15T10:00:00Z`));
  const groups: readonly [string, readonly StacItem[]][] = [['MONTHS', months], ['EAST', [scene('EAST', 'e1', '2020-06-01T00:00:00Z', 100, 0)]], ['AWAY', [scene('AWAY', 'a1', '2019-06-01T00:00:00Z', -100, -40)]]];
  for (const [id, items] of groups) {
    await store.putCollection(deriveCollection(id, items, { title: `The ${id}` }, null));
    await store.putItems(id, items);
  }
  const empty: StacCollection = { ...deriveCollection('empty one', months, {}, null), id: 'empty one' };
  await store.putCollection(empty);
}
