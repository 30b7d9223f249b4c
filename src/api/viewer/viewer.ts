/** GET /view/{collection}: a page with the map of a collection and of its source, under a swipe. Nothing in it comes from elsewhere. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Router, type Request, type Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { StacCollection } from '../../catalog/types.ts';
import { tilesPath } from '../tiles/map-links.ts';
import { viewerPage } from './viewer-page.ts';

export interface ViewerDependencies {
  /** The collection as the visitor may see it; null when there is none. */
  readonly collection: (id: string, request: Request) => Promise<StacCollection | null>;
  /** URL of the service, without a slash at its end. */
  readonly baseUrl: (request: Request) => string;
}

/** Scripts, styles and pictures of this service only; map libraries set styles of elements by script. */
const policy = 'default-src \'none\'; script-src \'self\'; style-src \'self\'; img-src \'self\' data:; connect-src \'self\'; base-uri \'none\'; form-action \'none\'; frame-ancestors \'self\'';

const leaflet = dirname(createRequire(import.meta.url).resolve('leaflet/dist/leaflet.js'));
const own = fileURLToPath(new URL('page/', import.meta.url));

/** What the page is made of: name in the URL → file. */
const parts: Readonly<Record<string, string>> = {
  'leaflet.js': join(leaflet, 'leaflet.js'),
  'leaflet.css': join(leaflet, 'leaflet.css'),
  'viewer.js': join(own, 'viewer.js'),
  'viewer.css': join(own, 'viewer.css'),
};

export function createViewer({ collection, baseUrl }: ViewerDependencies): Router {
  const router = Router();
  router.get('/view/parts/:name', sendPart);
  router.get('/view/:collection', async (request, response) => {
    const found = await collection(request.params.collection, request as unknown as Request);
    if (!found) throw new OpenEOError('CollectionNotFound', { identifier: request.params.collection });
    const base = baseUrl(request as unknown as Request);
    response.set({ 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy, 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-cache' });
    response.send(Buffer.from(viewerPage({ title: found.title ?? found.id, base, tileJson: `${base}${tilesPath(found.id)}/tilejson.json` })));
  });
  return router;
}

function sendPart(request: Request<{ name: string }>, response: Response): void {
  const { name } = request.params;
  const path = Object.hasOwn(parts, name) ? parts[name] : undefined;
  if (path === undefined) throw new OpenEOError('NotFound', {}, { detail: 'The viewer has no such part.' });
  response.sendFile(path, { maxAge: '1h' });
}
