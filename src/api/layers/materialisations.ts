/**
 * /layers/{layer}/materialisations: areas and times of a layer that are written to ordinary files.
 *
 * POST asks for one, GET lists them or tells how far one is, DELETE stops one and deletes its files. Files
 * that are links of STAC items are signed like all others; a Zarr store is a folder, whose objects are
 * below the materialisation's own path for everybody who may see the layer.
 */
import { Router, type Request, type Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { Materialisation } from '../../catalog/materialisations.ts';
import type { Layer } from '../../layers/layer.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { objectResource } from '../assets/resource.ts';
import { sendResource } from '../assets/send.ts';
import { bearerUser, visitorOf } from '../auth/authenticate.ts';
import type { Shared } from '../dependencies.ts';
import { jsonBody } from '../http/json-body.ts';
import type { Materialiser } from './materialiser.ts';
import { readRequest } from './materialisation-request.ts';

export interface MaterialisationDependencies {
  readonly materialiser: Materialiser;
  /** The layer, for who may see it. Throws CollectionNotFound. */
  readonly layerFor: (id: string, user: string | null) => Promise<Layer>;
  readonly objects: ObjectStore;
  /** Who may have layers written that are not their own. */
  readonly editors: ReadonlySet<string>;
  readonly shared: Shared;
}

type One = Request<{ layer: string; id: string }>;

export function createMaterialisationRouter(dependencies: MaterialisationDependencies): Router {
  const router = Router();
  router.get('/:layer/materialisations', (request, response) => list(dependencies, request, response));
  router.post('/:layer/materialisations', jsonBody, (request, response) => create(dependencies, request, response));
  router.get('/:layer/materialisations/:id', async (request, response) => void response.json(describe(await recordOf(dependencies, request), dependencies.shared.baseUrl(request))));
  router.delete('/:layer/materialisations/:id', (request, response) => remove(dependencies, request, response));
  router.get('/:layer/materialisations/:id/*path', (request, response) => sendFile(dependencies, request, response));
  return router;
}

async function list({ materialiser, layerFor, shared }: MaterialisationDependencies, request: Request<{ layer: string }>, response: Response): Promise<void> {
  const layer = await layerFor(request.params.layer, await visitorOf(request, shared.authentication));
  const base = shared.baseUrl(request);
  response.json({ materialisations: (await materialiser.store.list(layer.id)).map((record) => describe(record, base)), links: [] });
}

async function create({ materialiser, layerFor, editors, shared }: MaterialisationDependencies, request: Request, response: Response): Promise<void> {
  const user = await bearerUser(request, shared.authentication);
  const layer = await layerFor(String(request.params['layer']), user);
  admit(layer, user, editors);
  const record = await materialiser.request(readRequest(layer, request.body as Record<string, unknown>), user);
  const described = describe(record, shared.baseUrl(request));
  response.status(201).set('Location', String(described['href'])).json(described);
}

async function remove(dependencies: MaterialisationDependencies, request: One, response: Response): Promise<void> {
  const { materialiser, layerFor, editors, shared } = dependencies;
  const user = await bearerUser(request, shared.authentication);
  const record = await recordOf(dependencies, request);
  if (record.user !== user) admit(await layerFor(record.layer, user), user, editors);
  await materialiser.delete(record);
  response.status(204).end();
}

/** Files are for everybody who sees the layer, and take room for good: its owner decides, or who looks after the service. */
function admit({ id, definition }: Layer, user: string, editors: ReadonlySet<string>): void {
  if (definition.owner === user || editors.has(user)) return;
  throw new OpenEOError('PermissionsInsufficient', {}, { detail: `Layer '${id}' is materialised by its owner and by the users that the setting LAMINA_EDITORS names; a batch job gives you files of your own.` });
}

async function recordOf({ materialiser, layerFor, shared }: MaterialisationDependencies, request: Request<{ layer: string; id: string }>): Promise<Materialisation> {
  const layer = await layerFor(request.params.layer, await visitorOf(request, shared.authentication));
  const record = await materialiser.store.find(request.params.id);
  if (record?.layer !== layer.id) throw new OpenEOError('NotFound', {}, { detail: `Layer '${layer.id}' has no materialisation '${request.params.id}'.` });
  return record;
}

/** Objects of a store, for clients that open a folder by its address. */
async function sendFile(dependencies: MaterialisationDependencies, request: Request<{ layer: string; id: string; path: string[] }>, response: Response): Promise<void> {
  const record = await recordOf(dependencies, request as unknown as One);
  const path = request.params.path;
  // Only the store: everything else is had by signed links, and what is not listed is nobody's business.
  const isStore = path[0]?.endsWith('.zarr') === true && path.every((part) => part !== '' && part !== '.' && part !== '..');
  const resource = isStore ? await objectResource(dependencies.objects, `materialised/${record.id}/${path.join('/')}`) : null;
  if (!resource) throw new OpenEOError('NotFound', {}, { detail: `There is no ${path.join('/')}.` });
  const name = path.at(-1)!;
  await sendResource(request, response, resource, { mediaType: name.endsWith('.json') ? 'application/json' : 'application/octet-stream', name });
}

function describe({ id, layer, files, status, progress, message, created, updated, bbox, interval, formats, view }: Materialisation, base: string): Record<string, unknown> {
  const items = formats.length > 0 ? [{ rel: 'items', href: `${base}/stac/collections/${encodeURIComponent(files)}/items`, type: 'application/geo+json', title: 'The files' }] : [];
  return {
    id, layer, status, progress,
    ...(message === null ? {} : { message }),
    created: created.toISOString(), updated: updated.toISOString(),
    bbox, datetime: interval && interval.map((bound) => bound ?? '..').join('/'), formats, view,
    href: `${base}/layers/${encodeURIComponent(layer)}/materialisations/${id}`,
    links: [...items, { rel: 'collection', href: `${base}/stac/collections/${layer}`, type: 'application/json', title: layer }],
  };
}
