/** Map tiles of collections: XYZ PNGs, their TileJSON, and the same tiles as WMTS. */
import { Router, type Request, type Response } from 'express';
import type { VirtualCatalog } from '../../layers/virtual-catalog.ts';
import { MapCatalog, shownCollection, type MapStore } from './map-catalog.ts';
import { Admission, serveTile, type TileService } from './serve-tile.ts';
import { tileJson } from './tile-json.ts';
import { parseView } from './tile-request.ts';
import { wmtsRouter } from './wmts.ts';

export interface TileDependencies extends Omit<TileService, 'maps' | 'admission'> {
  readonly catalog: MapStore;
  readonly virtual: VirtualCatalog;
  readonly publicUrl: (request: Request) => string;
  /** How long what the catalog says of a collection is believed; default a second. */
  readonly believedMs?: number;
}

type TileRequest = Request<{ collection: string; z: string; x: string; y: string }>;

export function createTileRouter({ catalog, virtual, publicUrl, believedMs, ...rest }: TileDependencies): Router {
  const service = { ...rest, admission: new Admission(), maps: new MapCatalog(catalog, virtual, believedMs === undefined ? {} : { believedMs }) };
  const router = Router();
  router.get('/tiles/:collection/tilejson.json', (request, response) => sendTileJson(service, publicUrl(request), request, response));
  router.get('/tiles/:collection/:z/:x/:y.png', (request, response) => tile(service, request, response));
  router.use('/wmts', wmtsRouter(service, publicUrl));
  return router;
}

async function tile(service: TileService, request: TileRequest, response: Response): Promise<void> {
  const view = parseView({ ...request.params, query: request.query });
  // 204 is what map clients draw as nothing.
  if (!await serveTile(service, request as unknown as Request, response, view)) response.status(204).end();
}

async function sendTileJson({ maps, visitor }: TileService, base: string, request: Request<{ collection: string }>, response: Response): Promise<void> {
  const who = async () => (visitor ? visitor(request as unknown as Request) : null);
  const found = await shownCollection(maps, request.params.collection, who);
  if (found.isPrivate) response.set('Cache-Control', 'private');
  const sources = await Promise.all((await maps.sources(found)).map(async ({ stored }) => shownCollection(maps, stored.id, who).catch(() => null)));
  const described = await Promise.all(sources.filter((source) => source !== null).map((source) => maps.describe(source)));
  response.json(tileJson(await maps.describe(found), described, base));
}
