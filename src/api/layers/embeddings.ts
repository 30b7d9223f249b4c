/** GET /layers/{layer}/{item}/embeddings.tif (data.tif of a layer without operator): the file of a layer's item, computed when somebody first asks for it. */
import { createHash } from 'node:crypto';
import { Router, type Request, type Response } from 'express';
import type { ItemSource } from '../../catalog/item-source.ts';
import type { StacItem } from '../../catalog/types.ts';
import type { Quantization } from '../../cube/cube.ts';
import { invalidArgument, isOpenEOError, OpenEOError } from '../../errors.ts';
import { withoutHeights } from '../../geo/bbox.ts';
import { WGS84 } from '../../geo/crs.ts';
import type { Jobs } from '../../jobs/service.ts';
import { COG_MEDIA_TYPE, SCALE_FILE, viewsOf } from '../../layers/describe.ts';
import { itemExtent } from '../../layers/item-extent.ts';
import { instantOf } from '../../layers/layer-trial.ts';
import type { BlockCatalog } from '../../layers/block-catalog.ts';
import type { Layer } from '../../layers/layer.ts';
import type { VirtualCatalog } from '../../layers/virtual-catalog.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { objectResource } from '../assets/resource.ts';
import { sendResource } from '../assets/send.ts';

export interface LayerFileDependencies {
  readonly virtual: VirtualCatalog;
  /** Finds out who asks; absent: everybody is a visitor. */
  readonly visitor?: (request: Request) => Promise<string | null>;
  /** Raw items. */
  readonly items: ItemSource;
  readonly jobs: Jobs;
  readonly objects: ObjectStore;
  readonly timeoutSeconds: number;
  /** Told which files there are and which are used. */
  readonly cache?: Pick<BlockCatalog, 'note' | 'touch'>;
}

/** In whose name files are computed for visitors without an account. */
const SERVICE_USER = 'lamina';

/** A file may be evicted between its computation and its sending: then it is computed again, so often. */
const MAX_ROUNDS = 3;

export function createLayerRouter(dependencies: LayerFileDependencies): Router {
  const router = Router();
  const running = new Map<string, Promise<void>>();
  for (const name of ['embeddings.tif', SCALE_FILE, 'data.tif']) router.get(`/:layer/:item/${name}`, (request, response) => sendFile(dependencies, running, request as Request<FileParameters>, response, name === SCALE_FILE));
  return router;
}

interface FileParameters {
  readonly [name: string]: string;
  readonly layer: string;
  readonly item: string;
}

async function sendFile(dependencies: LayerFileDependencies, running: Map<string, Promise<void>>, request: Request<FileParameters>, response: Response, isScale: boolean): Promise<void> {
  const { virtual, items, objects, visitor } = dependencies;
  const user = visitor ? await visitor(request as unknown as Request) : null;
  const layer = await virtual.layer(request.params.layer, user);
  if (!layer) throw new OpenEOError('CollectionNotFound', { identifier: request.params.layer });
  const raw = await virtual.rawItem(layer, request.params.item, items);
  if (!raw) throw new OpenEOError('NotFound', {}, { detail: `Layer '${layer.id}' has no item '${request.params.item}'.` });
  const file = { layer, raw, view: isScale ? scaledView(layer) : viewOf(request, layer) };
  const main = fileKey(file);
  const key = isScale ? scaleKey(main) : main;
  const owner = layer.definition.visibility === 'private' ? user : null;
  const sendStored = async () => {
    if (!(await objects.head(key))) await once(running, main, () => compute(dependencies, file, main, owner ?? SERVICE_USER));
    const resource = await objectResource(objects, key);
    if (!resource) throw new OpenEOError('NotFound', {});
    if (owner !== null) response.set('Cache-Control', 'private');
    await sendResource(request as unknown as Request, response, resource, { mediaType: COG_MEDIA_TYPE, name: `${layer.id}_${raw.id}${file.view === viewsOf(layer.definition)[0] ? '' : `_${file.view}`}${isScale ? '_scale' : ''}.tif` });
  };
  await unlessEvicted(sendStored, () => !response.headersSent);
}

/** Tries again when what was to be sent vanished meanwhile, as long as nothing has been sent. */
async function unlessEvicted(send: () => Promise<void>, mayRepeat: () => boolean): Promise<void> {
  for (let round = 1; ; round++) {
    try {
      return await send();
    } catch (error) {
      if (round === MAX_ROUNDS || !mayRepeat() || !isOpenEOError(error, 'NotFound')) throw error;
    }
  }
}

/** The view that has scales in a file of their own. Throws NotFound when the layer does not offer it. */
function scaledView({ id, definition }: Layer): Quantization {
  if (!viewsOf(definition).includes('int8_per_vector')) throw new OpenEOError('NotFound', {}, { detail: `Layer '${id}' has no view with a scale per vector.` });
  return 'int8_per_vector';
}

/** Which file: of what, and in which view. */
interface LayerFile {
  readonly layer: Layer;
  readonly raw: StacItem;
  readonly view: Quantization;
}

/** The view that was asked for. Throws ProcessParameterInvalid for one that the layer does not offer. */
function viewOf(request: Request<FileParameters>, { operator, definition }: Layer): Quantization {
  const offered = viewsOf(definition);
  const wanted = request.query['view'];
  if (wanted === undefined) return offered[0];
  const view = operator ? offered.find((name) => name === wanted) : undefined;
  if (!view) throw invalidArgument('layers', 'view', operator ? `the layer offers ${offered.join(', ')}` : 'the layer has no embeddings and so no views');
  return view;
}

/** Depends on everything the file depends on: a changed item or operator gives another file. */
function fileKey({ layer: { id, operator, definition }, raw, view }: LayerFile): string {
  const digest = createHash('sha256').update(JSON.stringify(['layer-file/2', id, operator?.digest, definition.process_graph, view, raw])).digest('hex');
  return `layer-files/${digest}.tif`;
}

function scaleKey(key: string): string {
  return key.replace(/\.tif$/, '_scale.tif');
}

function once(running: Map<string, Promise<void>>, key: string, make: () => Promise<void>): Promise<void> {
  const known = running.get(key);
  if (known) return known;
  const started = make().finally(() => running.delete(key));
  running.set(key, started);
  return started;
}

async function compute({ jobs, objects, timeoutSeconds, cache }: LayerFileDependencies, { layer, raw, view }: LayerFile, key: string, user: string): Promise<void> {
  const { crs, ...box } = itemExtent(raw);
  const quantized = view === 'float32' ? {} : { view: { process_id: 'embedding_quantize', arguments: { data: { from_node: 'load' }, quantization: view } } };
  const process_graph = {
    load: {
      process_id: 'load_collection',
      arguments: { id: layer.id, spatial_extent: { ...box, ...(crs === WGS84 ? {} : { crs }) }, temporal_extent: instantOf(raw) },
    },
    ...quantized,
    save: { process_id: 'save_result', arguments: { data: { from_node: view === 'float32' ? 'load' : 'view' }, format: 'GTiff', options: { filename_prefix: 'embeddings' } }, result: true },
  };
  const answer = await jobs.compute(user, { process: { process_graph }, title: `${layer.id}/${raw.id}` }, AbortSignal.timeout(timeoutSeconds * 1000));
  try {
    for (const [i, { objectKey }] of answer.files.entries()) {
      const to = i === 0 ? key : scaleKey(key);
      const stream = await objects.stream(objectKey);
      if (!stream) throw new OpenEOError('StorageFailure', {});
      const stored = await objects.put(to, stream, { contentType: COG_MEDIA_TYPE });
      cache?.note({ objectKey: to, kind: 'file', state: 'stored', layer: layer.id, operator: layer.operator?.reference ?? null, bytes: stored?.sizeBytes ?? 0, footprint: withoutHeights(raw.bbox) });
    }
  } finally {
    await answer.discard();
  }
}
