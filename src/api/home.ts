/** GET /: where to go from here. A page for browsers, the same links as JSON for programs. */
import { Router, type Request } from 'express';
import type { StacCollection } from '../catalog/types.ts';
import { tileAt } from '../layers/tile-grid.ts';
import { farthestZoom } from '../layers/tile-zoom.ts';
import type { ShownCatalog } from './dependencies.ts';
import { homePage, homeStyle } from './home-page.ts';
import { versions } from './openeo/endpoint.ts';
import { pageHeaders, policyFor } from './pages/layout.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { tilesPath, viewPath, wmtsPath } from './tiles/map-links.ts';

export interface HomeDependencies {
  readonly catalog: Pick<ShownCatalog, 'collections'>;
  /** URL of the service, without a slash at its end. */
  readonly baseUrl: (request: Request) => string;
  readonly title: string;
  readonly description: string;
  readonly version: string;
}

/** A collection as the home page shows it. */
export interface Entry {
  readonly id: string;
  readonly title: string;
  /** Computed on demand. */
  readonly isVirtual: boolean;
  readonly href: string;
  readonly tileJson: string;
  readonly wmts: string;
  /** A page with its map. */
  readonly view: string;
  /** A map tile in the middle of its extent. */
  readonly preview: string;
  /** First day, as YYYY-MM-DD; null when its time is open. */
  readonly firstDay: string | null;
}

export interface Home {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly base: string;
  /** Version of the openEO API → its URL. */
  readonly openeo: Readonly<Record<string, string>>;
  readonly stac: string;
  readonly collections: readonly Entry[];
}

export function createHome({ catalog, baseUrl, title, description, version }: HomeDependencies): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    const base = baseUrl(request);
    const collections = (await catalog.collections()).map((collection) => entryOf(collection, base));
    const openeo = Object.fromEntries(Object.entries(versions).map(([api, path]) => [api, `${base}${path}/`]));
    const home: Home = { title, description, version, base, openeo, stac: `${base}/stac/`, collections };
    response.vary('Accept').set('Cache-Control', 'no-cache');
    // Programs that take anything get what they can read.
    if (request.accepts(['application/json', 'text/html']) !== 'text/html') return void response.json(homeDocument(home));
    response.set({ ...pageHeaders, 'Content-Security-Policy': policyFor(homeStyle) });
    response.send(Buffer.from(homePage(home)));
  });
  return router;
}

function homeDocument({ title, description, version, base, openeo, stac, collections }: Home): object {
  const json = 'application/json';
  return {
    title,
    description,
    version,
    links: [
      { rel: 'self', href: `${base}/`, type: json, title },
      { rel: 'alternate', href: `${base}/`, type: 'text/html', title },
      { rel: 'version-history', href: `${base}/.well-known/openeo`, type: json, title: 'Versions of the openEO API' },
      ...Object.entries(openeo).map(([api, href]) => ({ rel: 'service', href, type: json, title: `openEO API ${api}` })),
      { rel: 'service', href: stac, type: json, title: 'STAC API' },
      { rel: 'data', href: `${stac}collections`, type: json, title: 'Collections' },
      { rel: 'service', href: `${base}/operators`, type: json, title: 'Operators' },
      { rel: 'service', href: `${base}/v2`, type: json, title: 'Operators as models (Open Inference Protocol)' },
      { rel: 'wmts', href: `${base}/wmts`, type: 'image/png', title: 'WMTS of all collections', 'wmts:layer': collections.map(({ id }) => id) },
      ...collections.flatMap(({ href, tileJson, view, title: name }) => [
        { rel: 'child', href, type: json, title: name },
        { rel: 'tilejson', href: tileJson, type: json, title: `Map tiles of ${name}` },
        { rel: 'preview', href: view, type: 'text/html', title: `${name} on a map` },
      ]),
    ],
  };
}

function entryOf(collection: StacCollection, base: string): Entry {
  const { id, title, extent } = collection;
  const isVirtual = 'lamina:layer' in collection;
  const tiles = `${base}${tilesPath(id)}`;
  const start = extent.temporal.interval[0]?.[0] ?? null;
  return {
    id,
    title: title ?? id,
    isVirtual,
    href: `${base}/stac/collections/${encodeURIComponent(id)}`,
    tileJson: `${tiles}/tilejson.json`,
    wmts: `${base}${wmtsPath(id)}/1.0.0/WMTSCapabilities.xml`,
    view: `${base}${viewPath(id)}`,
    preview: `${tiles}/${middleTile(extent.spatial.bbox[0]!, isVirtual ? farthestZoom(Number(collection['gsd'] ?? 10)) : 5).join('/')}.png`,
    firstDay: start?.slice(0, 10) ?? null,
  };
}

/** [z, x, y] of the tile in the middle of a box, about as wide as the box. */
function middleTile(bbox: readonly number[], minZoom: number): [number, number, number] {
  const [west, south, east, north] = withoutHeights(bbox);
  const width = Math.max(west <= east ? east - west : east - west + 360, 1e-6);
  const z = Math.min(14, Math.max(minZoom, Math.floor(Math.log2(360 / width))));
  const longitude = ((west + width / 2 + 540) % 360) - 180;
  const { x, y } = tileAt(longitude, (south + north) / 2, z);
  return [z, x, y];
}
