/**
 * WMTS 1.0.0 (OGC 07-057r7), key-value pairs and REST: /wmts has every collection as a layer,
 * /wmts/{collection} one of them and the sources that it is made of.
 */
import { Router, type Request, type Response } from 'express';
import { isOpenEOError } from '../../errors.ts';
import { emptyTile } from './empty-tile.ts';
import { tileCounts } from '../../layers/tile-grid.ts';
import { shownCollection, type MapCollection, type MapDescription } from './map-catalog.ts';
import { wmtsPath } from './map-links.ts';
import { serveTile, type TileService } from './serve-tile.ts';
import { MAX_ZOOM, parseView } from './tile-request.ts';
import { capabilitiesDocument, matrixSets } from './wmts-capabilities.ts';
import { answerOws, OwsError } from './wmts-error.ts';

/** One tile as the WMTS names it. */
export interface WmtsTile {
  readonly layer: string;
  readonly style: string;
  readonly time: string;
  readonly matrixSet: string;
  readonly matrix: string;
  readonly row: string;
  readonly column: string;
}

type BaseUrl = (request: Request) => string;

export function wmtsRouter(service: TileService, baseUrl: BaseUrl): Router {
  const router = Router({ mergeParams: true });
  const capabilities = async (request: Request, response: Response) => sendCapabilities(service, baseUrl(request), request, response);
  router.get(['/1.0.0/WMTSCapabilities.xml', '/:collection/1.0.0/WMTSCapabilities.xml'], capabilities);
  router.get('/:layer/1.0.0/:style/:time/:matrixSet/:matrix/:row/:column.png', (request, response) => sendTile(service, request as unknown as Request, response, request.params));
  router.get(['/', '/:collection'], (request: Request, response: Response) => answerKvp(service, baseUrl(request), request, response));
  router.use(answerOws);
  return router;
}

/** The parameters of a request, by their names in capitals: they mean the same in upper and lower case. */
function parameters(request: Request): (name: string) => string | undefined {
  const values = new Map(Object.entries(request.query).map(([name, value]) => [name.toUpperCase(), value]));
  return (name) => {
    const value = values.get(name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
}

/** What a KVP request asks for: null for the capabilities, else a tile. Throws OwsError. */
export function readKvp(request: Request, format: 'image/png' | 'image/jpeg' = 'image/png'): WmtsTile | null {
  const given = parameters(request);
  const need = (name: string) => {
    const value = given(name);
    if (value === undefined) throw new OwsError('MissingParameterValue', name, `The parameter ${name} is missing.`);
    return value;
  };
  if (need('SERVICE').toUpperCase() !== 'WMTS') throw new OwsError('InvalidParameterValue', 'SERVICE', `This is a WMTS, not '${given('SERVICE')}'.`);
  const operation = need('REQUEST').toLowerCase();
  if (operation === 'getcapabilities') {
    const versions = given('ACCEPTVERSIONS')?.split(',');
    if (versions && !versions.includes('1.0.0')) throw new OwsError('VersionNegotiationFailed', 'ACCEPTVERSIONS', 'There is version 1.0.0.');
    return null;
  }
  if (operation === 'getfeatureinfo') throw new OwsError('OperationNotSupported', 'GetFeatureInfo', 'Values at a place are what openEO is for: load_collection of the layer.');
  if (operation !== 'gettile') throw new OwsError('InvalidParameterValue', 'REQUEST', `There is no operation '${given('REQUEST')}'; there are GetCapabilities and GetTile.`);
  if (need('VERSION') !== '1.0.0') throw new OwsError('InvalidParameterValue', 'VERSION', 'There is version 1.0.0.');
  if (need('FORMAT') !== format) throw new OwsError('InvalidParameterValue', 'FORMAT', `Tiles are ${format}.`);
  return { layer: need('LAYER'), style: given('STYLE') ?? 'default', time: given('TIME') ?? 'default', matrixSet: need('TILEMATRIXSET'), matrix: need('TILEMATRIX'), row: need('TILEROW'), column: need('TILECOL') };
}

async function answerKvp(service: TileService, base: string, request: Request, response: Response): Promise<void> {
  const tile = readKvp(request);
  if (tile === null) return sendCapabilities(service, base, request, response);
  await checkLayer(service, request, tile.layer);
  await sendTile(service, request, response, tile);
}

/** Who asks for what they may not see is told the same as for what there is not. */
const visitorOf = ({ visitor }: TileService, request: Request) => async () => (visitor ? visitor(request) : null);

/** Below /wmts/{collection} there are only the collection and its sources. */
async function checkLayer(service: TileService, request: Request, layer: string): Promise<void> {
  const id = request.params['collection'];
  if (id === undefined || id === layer) return;
  const sources = await service.maps.sources(await shownCollection(service.maps, String(id), visitorOf(service, request)));
  if (!sources.some(({ stored }) => stored.id === layer)) throw new OwsError('InvalidParameterValue', 'LAYER', `There is no layer '${layer}' here, only '${String(id)}' and what it is made of.`);
}

async function sendCapabilities(service: TileService, base: string, request: Request, response: Response): Promise<void> {
  const id = request.params['collection'];
  const { maps } = service;
  const found = id === undefined ? null : await shownCollection(maps, String(id), visitorOf(service, request));
  const wanted = found ? [found, ...(await maps.sources(found))] : await maps.all();
  const layers = await describeShown(service, wanted, request);
  const url = `${base}${found ? wmtsPath(found.stored.id) : '/wmts'}`;
  const document = capabilitiesDocument({ title: found ? layers[0]!.title : 'Collections and layers', url, tilesUrl: `${base}/wmts`, layers });
  response.set('Cache-Control', 'no-cache').type('application/xml').send(document);
}

/** What a visitor may not see, or whose source is gone, is left out. */
async function describeShown(service: TileService, wanted: readonly MapCollection[], request: Request): Promise<MapDescription[]> {
  const all = await Promise.all(wanted.map(async ({ stored }) => {
    try {
      return await service.maps.describe(await shownCollection(service.maps, stored.id, visitorOf(service, request)));
    } catch (error) {
      if (isOpenEOError(error, 'CollectionNotFound', 'TokenInvalid')) return null;
      throw error;
    }
  }));
  return all.filter((each) => each !== null);
}

async function sendTile(service: TileService, request: Request, response: Response, tile: WmtsTile): Promise<void> {
  const found = await shownCollection(service.maps, tile.layer, visitorOf(service, request));
  const { styles } = await service.maps.describe(found);
  const isDefault = tile.style === 'default' || tile.style === styles[0];
  if (!isDefault && !styles.includes(tile.style)) throw new OwsError('InvalidParameterValue', 'STYLE', `Layer '${tile.layer}' has no style '${tile.style}'; it has ${styles.slice(0, 8).join(', ')}${styles.length > 8 ? ' …' : ''}.`);
  const query = { ...(isDefault ? {} : { bands: tile.style }), ...(/^(default|current)$/.test(tile.time) ? {} : { datetime: tile.time }) };
  const view = parseView({ collection: tile.layer, ...placeOf(tile), query });
  // Map clients take an empty answer for an error, so what there is nothing of is a transparent tile.
  if (!await serveTile(service, request, response, view)) response.status(200).type('image/png').send(await emptyTile());
}

/** Where a tile is. Throws OwsError for a matrix set, matrix, row or column that there is not. */
export function placeOf({ matrixSet, matrix, row, column }: Pick<WmtsTile, 'matrixSet' | 'matrix' | 'row' | 'column'>): { z: string; x: string; y: string; matrixSet: (typeof matrixSets)[string]['set'] } {
  const set = Object.hasOwn(matrixSets, matrixSet) ? matrixSets[matrixSet] : undefined;
  if (!set) throw new OwsError('InvalidParameterValue', 'TILEMATRIXSET', `There is no tile matrix set '${matrixSet}'; there are ${Object.keys(matrixSets).join(', ')}.`);
  if (!/^\d{1,2}$/.test(matrix) || Number(matrix) > MAX_ZOOM) throw new OwsError('InvalidParameterValue', 'TILEMATRIX', `There is no tile matrix '${matrix}'; there are 0 to ${MAX_ZOOM}.`);
  const { columns, rows } = tileCounts(Number(matrix), set.set);
  for (const [name, value, count] of [['TILEROW', row, rows], ['TILECOL', column, columns]] as const) {
    if (!/^-?\d{1,9}$/.test(value)) throw new OwsError('InvalidParameterValue', name, `'${value}' is no whole number.`);
    if (Number(value) < 0 || Number(value) >= count) throw new OwsError('TileOutOfRange', name, `${name} is 0 to ${count - 1} in tile matrix ${matrix}, not ${value}.`);
  }
  return { z: matrix, x: column, y: row, matrixSet: set.set };
}
