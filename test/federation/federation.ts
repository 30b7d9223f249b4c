/** For tests: a catalog with collections that lie in another catalog, and items for it. */
import { FederatedCatalog, type FederationOptions } from '../../src/federation/federated-catalog.ts';
import { Unreadable } from '../../src/catalog/remote/download.ts';
import { guardedFetch } from '../../src/catalog/remote/guarded-fetch.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import type { Upstream } from '../../src/federation/definition.ts';
import { createLog, type LogEntry } from '../../src/log.ts';
import type { Database } from '../../src/database/connection.ts';
import { startFreshDatabase } from '../database/fresh-database.ts';

export interface Federation {
  readonly catalog: FederatedCatalog;
  readonly log: LogEntry[];
  stop(): Promise<void>;
}

/**
 * @param host 'host:port' that may be asked
 * @param database one that is there; it is left without collections. Absent: a new one
 */
export async function startFederation(host: string, options: Partial<FederationOptions> = {}, database?: Database): Promise<Federation> {
  const fresh = database ? { database, stop: () => database.query('delete from collections').then(() => undefined) } : await startFreshDatabase();
  const log: LogEntry[] = [];
  const catalog = new FederatedCatalog(fresh.database, { fetch: guardedFetch({ allowedHosts: [host], refuse: (reason) => new Unreadable(reason) }), secrets: {}, log: createLog((entry) => log.push(entry)), definitionsMs: 0, freshMs: 0, ...options });
  return { catalog, log, stop: () => fresh.stop() };
}

/** A collection of ours whose items lie elsewhere. */
export function federated(id: string, upstream: Upstream, more: Partial<StacCollection> = {}): StacCollection {
  return { ...plain(id), ...more, 'lamina:upstream': upstream };
}

/** A collection of ours. */
export function plain(id: string): StacCollection {
  return {
    type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id, description: id, license: 'other', summaries: {}, links: [],
    extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [['2015-06-23T00:00:00Z', null]] } },
    'cube:dimensions': { x: {}, y: {}, t: {}, bands: { type: 'bands', values: ['B04'] } },
  };
}

/** A square of one degree. */
export function square(collection: string, id: string, datetime: string, west: number, south: number, properties: Record<string, unknown> = {}): StacItem {
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id, collection, bbox: [west, south, west + 1, south + 1],
    geometry: { type: 'Polygon', coordinates: [[[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]] },
    properties: { datetime, ...properties }, links: [],
    assets: { red: { href: 'https://example.org/red.tif', type: 'image/tiff; application=geotiff' } },
  };
}

/** Squares with places, days and clouds that differ; some have no `eo:cloud_cover`, some the same time. */
export function squares(collection: string, count: number): StacItem[] {
  return Array.from({ length: count }, (_, i) => {
    const day = new Date(Date.UTC(2024, 0, 1 + Math.floor(i / 3))).toISOString();
    const clouds = i % 7 === 0 ? {} : { 'eo:cloud_cover': (i * 37) % 100 };
    return square(collection, `item-${String(i).padStart(3, '0')}`, day, (i % 12) * 2 - 10, ((i * 5) % 20) * 2 - 20, { ...clouds, platform: i % 2 === 0 ? 'sentinel-2a' : 'sentinel-2b', title: `Été ${i % 4}` });
  });
}
