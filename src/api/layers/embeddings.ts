/** GET /layers/{layer}/{item}/embeddings.tif: the file of a layer's item, computed when somebody first asks for it. */
import { createHash } from 'node:crypto';
import { Router, type Request, type Response } from 'express';
import type { ItemSource } from '../../catalog/item-source.ts';
import type { StacItem } from '../../catalog/types.ts';
import { OpenEOError } from '../../errors.ts';
import type { Jobs } from '../../jobs/service.ts';
import { COG_MEDIA_TYPE } from '../../layers/describe.ts';
import type { Layer } from '../../layers/layer.ts';
import type { VirtualCatalog } from '../../layers/virtual-catalog.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { objectResource } from '../assets/resource.ts';
import { sendResource } from '../assets/send.ts';

export interface LayerFileDependencies {
  readonly virtual: VirtualCatalog;
  /** Raw items. */
  readonly items: ItemSource;
  readonly jobs: Jobs;
  readonly objects: ObjectStore;
  readonly timeoutSeconds: number;
}

/** In whose name files are computed for visitors without an account. */
const SERVICE_USER = 'lamina';

export function createLayerRouter(dependencies: LayerFileDependencies): Router {
  const router = Router();
  const running = new Map<string, Promise<void>>();
  router.get('/:layer/:item/embeddings.tif', (request, response) => sendFile(dependencies, running, request, response));
  return router;
}

async function sendFile(dependencies: LayerFileDependencies, running: Map<string, Promise<void>>, request: Request<{ layer: string; item: string }>, response: Response): Promise<void> {
  const { virtual, items, objects } = dependencies;
  const layer = await virtual.layer(request.params.layer);
  if (!layer) throw new OpenEOError('CollectionNotFound', { identifier: request.params.layer });
  const raw = await items.get(layer.definition.sources[0]!, request.params.item);
  if (!raw) throw new OpenEOError('NotFound', {}, { detail: `Layer '${layer.id}' has no item '${request.params.item}'.` });
  const key = fileKey(layer, raw);
  if (!(await objects.head(key))) await once(running, key, () => compute(dependencies, layer, raw, key));
  const resource = await objectResource(objects, key);
  if (!resource) throw new OpenEOError('NotFound', {});
  await sendResource(request, response, resource, { mediaType: COG_MEDIA_TYPE, name: `${layer.id}_${raw.id}.tif` });
}

/** Depends on everything the file depends on: a changed item or operator gives another file. */
function fileKey({ id, operator, definition }: Layer, raw: StacItem): string {
  const digest = createHash('sha256').update(JSON.stringify([id, operator?.digest, definition.process_graph, raw])).digest('hex');
  return `layer-files/${digest}.tif`;
}

function once(running: Map<string, Promise<void>>, key: string, make: () => Promise<void>): Promise<void> {
  const known = running.get(key);
  if (known) return known;
  const started = make().finally(() => running.delete(key));
  running.set(key, started);
  return started;
}

async function compute({ jobs, objects, timeoutSeconds }: LayerFileDependencies, layer: Layer, raw: StacItem, key: string): Promise<void> {
  const [west, south, east, north] = (raw.bbox.length === 6 ? [0, 1, 3, 4] : [0, 1, 2, 3]).map((i) => raw.bbox[i]!);
  const instant = new Date(raw.properties.datetime ?? String(raw.properties['start_datetime']));
  const process_graph = {
    load: {
      process_id: 'load_collection',
      arguments: { id: layer.id, spatial_extent: { west, south, east, north }, temporal_extent: [instant.toISOString(), new Date(instant.getTime() + 1).toISOString()] },
    },
    save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
  };
  const answer = await jobs.compute(SERVICE_USER, { process: { process_graph }, title: `${layer.id}/${raw.id}` }, AbortSignal.timeout(timeoutSeconds * 1000));
  try {
    const stream = await objects.stream(answer.files[0]!.objectKey);
    if (!stream) throw new OpenEOError('StorageFailure', {});
    await objects.put(key, stream, { contentType: COG_MEDIA_TYPE });
  } finally {
    await answer.discard();
  }
}
