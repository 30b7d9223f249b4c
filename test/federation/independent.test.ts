/**
 * Collections that lie in servers that others wrote: rustac (Rust, no extensions) and stac-fastapi over pgstac
 * (Python; the server of the Planetary Computer). They come from the Python index into a venv of their own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFilter } from '../../src/catalog/cql2/filter.ts';
import type { ItemPage, ItemQuery } from '../../src/catalog/item-query.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { debianPostgres, startPostgres } from '../system/debian-services.ts';
import { freePort, start, until, type Started } from '../system/processes.ts';
import { federated, plain, squares, startFederation, type Federation } from './federation.ts';

const bin = resolve('.venv-federation/bin');
const items = squares('scenes', 90);

/** A server with the items; its parts are ended in turn. */
interface Server {
  readonly url: string;
  readonly parts: readonly Started[];
}

async function answering(url: string, started: Started): Promise<void> {
  await until(async () => ((await fetch(url).catch(() => null))?.ok ? true : null), url, 60_000, started);
}

async function startRustac(folder: string): Promise<Server> {
  const file = join(folder, 'items.json');
  await writeFile(file, JSON.stringify({ type: 'FeatureCollection', features: items.map((item) => ({ ...item, stac_version: '1.0.0' })) }));
  const address = `127.0.0.1:${await freePort()}`;
  const server = start(join(bin, 'rustac'), ['serve', '--create-collections', '--addr', address, file]);
  await answering(`http://${address}/`, server);
  return { url: `http://${address}`, parts: [server] };
}

async function startPgstac(folder: string): Promise<Server> {
  const postgres = await startPostgres(join(folder, 'postgres'));
  const { port, username } = new URL(postgres.url);
  const environment = { PGHOST: '127.0.0.1', PGPORT: port, PGUSER: username, PGPASSWORD: 'x', PGDATABASE: 'lamina' };
  const pypgstac = (...args: string[]) => execFileSync(join(bin, 'pypgstac'), args, { env: { ...process.env, ...environment }, stdio: 'pipe' });
  pypgstac('migrate');
  const [collections, features] = [join(folder, 'collections.ndjson'), join(folder, 'items.ndjson')];
  await writeFile(collections, `${JSON.stringify({ ...plain('scenes'), 'cube:dimensions': undefined })}\n`);
  await writeFile(features, items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  pypgstac('load', 'collections', collections);
  pypgstac('load', 'items', features);
  const at = await freePort();
  const server = start(join(bin, 'python'), ['-m', 'uvicorn', 'stac_fastapi.pgstac.app:create_app', '--factory', '--host', '127.0.0.1', '--port', String(at)], { ...environment, PATH: process.env['PATH']! });
  await answering(`http://127.0.0.1:${at}/`, server);
  return { url: `http://127.0.0.1:${at}`, parts: [server, postgres] };
}

const hasPostgis = ['15', '16', '17', '18'].some((version) => existsSync(`/usr/share/postgresql/${version}/extension/postgis.control`));
const servers: readonly { readonly name: string; readonly begin: (folder: string) => Promise<Server>; readonly lacks: string | null }[] = [
  { name: 'rustac', begin: startRustac, lacks: existsSync(join(bin, 'rustac')) ? null : 'rustac is not in .venv-federation (test/federation/requirements.txt)' },
  { name: 'stac-fastapi-pgstac', begin: startPgstac, lacks: !existsSync(join(bin, 'pypgstac')) ? 'pypgstac is not in .venv-federation (test/federation/requirements.txt)' : debianPostgres() === null || !hasPostgis ? 'PostgreSQL with PostGIS is not installed (apt: postgresql-postgis)' : null },
];

const cql = (text: string) => readFilter(text, 'cql2-text');
const queries: Record<string, Partial<ItemQuery>> = {
  everything: {},
  'a box': { bbox: [-10, -20, 3, 2] },
  'a time': { datetime: ['2024-01-05T00:00:00Z', '2024-01-09T12:00:00Z'] },
  ids: { ids: ['item-003', 'item-050', 'nobody'] },
  'a polygon': { intersects: { type: 'Polygon', coordinates: [[[-10, -20], [10, -20], [-10, 20], [-10, -20]]] } },
  'a property': { where: [{ property: 'eo:cloud_cover', comparison: 'lt', value: 30 }] },
  'cql2: and, or, not': { filter: cql("eo:cloud_cover < 50 AND (platform = 'sentinel-2a' OR NOT (eo:cloud_cover > 10))") },
  'cql2: missing': { filter: cql('eo:cloud_cover IS NULL') },
  'cql2: like, between, in': { filter: cql("platform LIKE 'sentinel%' AND eo:cloud_cover BETWEEN 10 AND 60 AND title IN ('Été 1','Été 2')") },
  'cql2: letters': { filter: cql("CASEI(ACCENTI(title)) = CASEI('ETE 2')") },
  'cql2: space and time': { filter: cql("S_INTERSECTS(geometry, BBOX(-12,-22,4,4)) AND T_AFTER(datetime, TIMESTAMP('2024-01-03T00:00:00Z'))") },
};

const isWanted = process.env['LAMINA_TEST_FEDERATION'] === '1';

describe.each(servers)('$name', ({ begin, lacks }) => {
  if (!isWanted || lacks !== null) {
    it.skip(`skipped: ${lacks ?? 'it starts other servers; .ci/run does it, and LAMINA_TEST_FEDERATION=1'}`);
    return;
  }
  let folder: string;
  let server: Server;
  let federation: Federation;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamina-independent-'));
    server = await begin(folder);
    federation = await startFederation(new URL(server.url).host);
    const { catalog } = federation;
    await catalog.putCollection(federated('away', { url: server.url, collection: 'scenes' }));
    await catalog.putCollection(plain('twin'));
    await catalog.putItems('twin', items.map((item) => ({ ...item, collection: 'twin' })));
  }, 180_000);
  afterAll(async () => {
    await federation?.stop();
    for (const part of server?.parts ?? []) await part.end();
    await rm(folder, { recursive: true, force: true });
  });

  async function walk(collection: string, query: Partial<ItemQuery>): Promise<StacItem[]> {
    const found: StacItem[] = [];
    for (let token: string | undefined, pages = 0; pages < 100; pages++) {
      const page: ItemPage = await federation.catalog.search({ limit: 11, ...query, collections: [collection], ...(token === undefined ? {} : { token }) });
      found.push(...page.items);
      if (page.next === null) return found;
      token = page.next;
    }
    throw new Error('there are more than 100 pages');
  }

  it.each(Object.entries(queries))('finds what is stored: %s', async (_, query) => {
    const [away, twin] = [await walk('away', query), await walk('twin', query)];
    expect(away.map(({ id }) => id).toSorted()).toEqual(twin.map(({ id }) => id).toSorted());
    expect(twin.length).toBeGreaterThan(0);
  });

  it.each([
    [[{ property: 'datetime', direction: 'asc' }]], [[{ property: 'datetime', direction: 'desc' }]], [[{ property: 'id', direction: 'desc' }]],
    [[{ property: 'eo:cloud_cover', direction: 'asc' }]], [[{ property: 'eo:cloud_cover', direction: 'desc' }, { property: 'datetime', direction: 'asc' }]],
  ] as const)('comes in the order of stored items by %j', async (sortby) => {
    expect((await walk('away', { sortby })).map(({ id }) => id)).toEqual((await walk('twin', { sortby })).map(({ id }) => id));
  });

  it('gives single items, and what is loaded of a place and time', async () => {
    expect(await federation.catalog.get('away', 'item-004')).toMatchObject({ id: 'item-004', collection: 'away' });
    expect(await federation.catalog.get('away', 'nobody')).toBeNull();
    const query = { bbox: [-10, -20, 3, 2], interval: ['2024-01-03T00:00:00Z', '2024-01-20T00:00:00Z'] } as const;
    const [away, twin] = [await federation.catalog.items({ collection: 'away', ...query }), await federation.catalog.items({ collection: 'twin', ...query })];
    expect(away.map(({ id }) => id)).toEqual(twin.map(({ id }) => id));
  });
});
