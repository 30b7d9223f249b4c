/** The maps of services: XYZ tiles, TileJSON and WMTS of one published process. */
import { Router, type Request, type Response } from 'express';
import { invalidArgument, isOpenEOError, OpenEOError } from '../../errors.ts';
import type { Billing } from '../../jobs/billing.ts';
import type { Log } from '../../log.ts';
import { readConfiguration, tileBackground, tileFormat } from '../../services/configuration.ts';
import type { ServiceLogs } from '../../services/logs.ts';
import type { Service } from '../../services/service.ts';
import { serviceTaskId, serviceTileKey, type MapFacts, type ServiceTile } from '../../services/task.ts';
import { blankTile, emptyTile } from './empty-tile.ts';
import type { MapDescription, Visitor } from './map-catalog.ts';
import { serveDrawn, type Drawing } from './serve-tile.ts';
import type { ServiceMaps } from './service-maps.ts';
import { urlsAt } from './service-links.ts';
import { refuseOverBudget } from './service-costs.ts';
import { zoomOf } from './tile-json.ts';
import { parseView } from './tile-request.ts';
import { placeOf, readKvp, type WmtsTile } from './wmts.ts';
import { capabilitiesDocument, type TileKind } from './wmts-capabilities.ts';
import { answerOws, OwsError } from './wmts-error.ts';

export interface ServiceRouterParts extends Drawing {
  readonly maps: ServiceMaps;
  readonly logs: ServiceLogs;
  readonly log: Log;
  readonly publicUrl: (request: Request) => string;
  /** Absent: maps are free. */
  readonly billing?: Billing;
  /** Finds out who asks. */
  readonly visitor: Visitor;
}

type Place = Pick<ServiceTile, 'z' | 'x' | 'y' | 'matrixSet' | 'interval'>;

export function createServiceRouter(parts: ServiceRouterParts): Router {
  const router = Router();
  router.get('/:address/tilejson.json', (request, response) => sendTileJson(parts, request, response));
  router.get('/:address/tiles/:z/:x/:y{.:ending}', (request, response) => sendXyz(parts, request, response));
  router.use('/:address/wmts', wmts(parts));
  return router;
}

const shownTo = ({ maps, visitor }: ServiceRouterParts, address: string, request: Request) => maps.shown(address, () => visitor(request));

async function sendXyz(parts: ServiceRouterParts, request: Request<{ address: string; z: string; x: string; y: string; ending?: string }>, response: Response): Promise<void> {
  const service = await shownTo(parts, request.params.address, asRequest(request));
  checkEnding(service, request.params.ending);
  const { z, x, y, interval, matrixSet = 'WebMercatorQuad' } = parseView({ collection: service.id, z: request.params.z, x: request.params.x, y: request.params.y, query: { datetime: request.query['datetime'] ?? request.query['time'] } });
  const { minZoom, maxZoom } = readConfiguration(service.definition.configuration);
  if (z < minZoom || z > maxZoom) throw invalidArgument('tiles', 'z', `this map has the zooms ${minZoom} to ${maxZoom}, not ${z}`);
  await sendTile(parts, service, asRequest(request), response, { z, x, y, matrixSet, interval });
}

/** A tile may be asked for without an ending, but not with that of another format. Throws NotFound. */
function checkEnding({ definition }: Service, ending: string | undefined): void {
  const endings = tileFormat(definition) === 'jpeg' ? ['jpg', 'jpeg'] : ['png'];
  if (ending !== undefined && !endings.includes(ending)) throw new OpenEOError('NotFound', {}, { detail: `The tiles of this map end in .${endings[0]}.` });
}

/** The tile, or an empty one: some clients take an answer without a picture for an error. What fails goes to the log of the service. */
async function sendTile(parts: ServiceRouterParts, service: Service, request: Request, response: Response, place: Place): Promise<void> {
  const { visibility, tileSize } = readConfiguration(service.definition.configuration);
  const mediaType = tileFormat(service.definition) === 'jpeg' ? 'image/jpeg' : 'image/png';
  try {
    const { z, x, y, matrixSet, interval } = place;
    const tile: ServiceTile = { service: service.id, revision: service.revision, state: await parts.maps.state(service), z, x, y, matrixSet, interval };
    const isSent = await serveDrawn(parts, request, response, { id: serviceTaskId({ tile }), payload: { tile }, objectKey: serviceTileKey(tile), mediaType, isPrivate: visibility !== 'public', admit: () => refuseOverBudget(service, parts.billing) });
    if (!isSent) response.status(200).type(mediaType).set('Lamina-Cache', 'empty').send(mediaType === 'image/png' ? await emptyTile(tileSize) : await blankTile(tileSize, tileBackground(service.definition)));
  } catch (error) {
    await noteFailure(parts, service, place, error);
    throw error;
  }
}

/** Each failure once a minute: a map client asks for dozens of tiles at once. */
async function noteFailure({ logs, log }: ServiceRouterParts, service: Service, { z, x, y, matrixSet }: Place, error: unknown): Promise<void> {
  if (!isOpenEOError(error)) return;
  const { code, message, path } = error;
  const place = `${z}/${x}/${y}${matrixSet === 'WebMercatorQuad' ? '' : ` of ${matrixSet}`}`;
  const level = code === 'InfrastructureBusy' ? 'warning' : 'error';
  const entry = { level, time: new Date().toISOString(), code, message: `Tile ${place}: ${message}`, ...(path.length > 0 ? { path } : {}), data: { z, x, y } } as const;
  await logs.appendOnce(service, `${code} ${message}`, entry).catch((cause: unknown) => log.warning(`The log of service ${service.id} could not be written: ${(cause as Error).message}`));
}

async function sendTileJson(parts: ServiceRouterParts, request: Request<{ address: string }>, response: Response): Promise<void> {
  const service = await shownTo(parts, request.params.address, asRequest(request));
  const { minZoom, maxZoom, tileSize, visibility } = readConfiguration(service.definition.configuration);
  const { bounds: [west, south, east, north], days } = await parts.maps.facts(service);
  if (visibility !== 'public') response.set('Cache-Control', 'private');
  response.json({
    tilejson: '3.0.0',
    ...namesOf(service),
    scheme: 'xyz',
    tiles: [urlsAt(request.params.address, service.definition, parts.publicUrl(asRequest(request))).xyz],
    bounds: [west, south, east, north],
    center: [(west + east) / 2, (south + north) / 2, Math.min(maxZoom, Math.max(minZoom, zoomOf(west, east)))],
    minzoom: minZoom,
    maxzoom: maxZoom,
    'lamina:id': service.id,
    'lamina:tile_size': tileSize,
    'lamina:days': days,
  });
}

function namesOf({ id, definition: { title, description } }: Service): { readonly name: string; readonly description: string } {
  return { name: title ?? id, description: description ?? '' };
}

function wmts(parts: ServiceRouterParts): Router {
  const router = Router({ mergeParams: true });
  const shown = (request: Request) => shownTo(parts, String(request.params['address']), request);
  router.get('/1.0.0/WMTSCapabilities.xml', async (request: Request, response: Response) => sendCapabilities(parts, await shown(request), request, response));
  router.get('/:layer/1.0.0/:style/:time/:matrixSet/:matrix/:row/:column.:ending', async (request, response) => {
    const { params } = request;
    await sendWmtsTile(parts, await shown(asRequest(request)), asRequest(request), response, params);
  });
  router.get('/', async (request: Request, response: Response) => {
    const service = await shown(request);
    const tile = readKvp(request, kindOf(service).mediaType);
    await (tile === null ? sendCapabilities(parts, service, request, response) : sendWmtsTile(parts, service, request, response, tile));
  });
  router.use(answerOws);
  return router;
}

async function sendCapabilities({ maps, publicUrl }: ServiceRouterParts, service: Service, request: Request, response: Response): Promise<void> {
  const { wmts: url } = urlsAt(String(request.params['address']), service.definition, publicUrl(request));
  const layer = layerOf(service, await maps.facts(service));
  const document = capabilitiesDocument({ title: layer.title, url, tilesUrl: url, layers: [layer], tiles: kindOf(service) });
  response.set('Cache-Control', 'no-cache').type('application/xml').send(document);
}

function layerOf(service: Service, { bounds, days }: MapFacts): MapDescription {
  const { name: title, description } = namesOf(service);
  return { id: service.id, title, description, bounds, styles: ['default'], days, isVirtual: true, cellMetres: null };
}

function kindOf({ definition }: Service): TileKind {
  const { tileSize: size, minZoom, maxZoom } = readConfiguration(definition.configuration);
  return { size, minZoom, maxZoom, mediaType: tileFormat(definition) === 'jpeg' ? 'image/jpeg' : 'image/png' };
}

async function sendWmtsTile(parts: ServiceRouterParts, service: Service, request: Request, response: Response, tile: WmtsTile): Promise<void> {
  if (tile.layer !== service.id) throw new OwsError('InvalidParameterValue', 'LAYER', `There is no layer '${tile.layer}' here, only '${service.id}'.`);
  if (tile.style !== 'default') throw new OwsError('InvalidParameterValue', 'STYLE', `There is no style '${tile.style}', only 'default'.`);
  const { minZoom, maxZoom } = kindOf(service);
  if (Number(tile.matrix) < minZoom || Number(tile.matrix) > maxZoom) throw new OwsError('InvalidParameterValue', 'TILEMATRIX', `There is no tile matrix '${tile.matrix}'; there are ${minZoom} to ${maxZoom}.`);
  const place = placeOf(tile);
  const query = /^(default|current)$/.test(tile.time) ? {} : { datetime: tile.time };
  const { z, x, y, interval } = parseView({ collection: service.id, ...place, query });
  await sendTile(parts, service, request, response, { z, x, y, matrixSet: place.matrixSet, interval });
}

/** Express types each route's request by its path. */
const asRequest = (request: unknown): Request => request as Request;
