/** GET /assets/…: files of items and of job results, and the documents of results, for whoever has a signed link. */
import { Router } from 'express';
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { ApiDependencies, Shared } from '../dependencies.ts';
import { resultDocument } from '../openeo/result-document.ts';
import { fileResource, objectResource } from './resource.ts';
import type { Resource } from './resource.ts';
import { sendResource } from './send.ts';

export function assetRouter(dependencies: ApiDependencies, shared: Shared): Router {
  const router = Router();
  router.use((request, _response, next) => {
    shared.signer.check(request.baseUrl + request.path, request.query);
    next();
  });
  router.get('/results/:job/:run/:name', (request, response) => sendResultFile(dependencies, request, response));
  router.get('/results/:job/:document', (request, response) => sendResultDocument(dependencies, shared, request, response));
  router.get('/items/:collection/:item/:key{/:name}', (request, response) => sendItemAsset(dependencies, request, response));
  return router;
}

async function sendResultFile({ jobs, objects }: ApiDependencies, request: Request<{ job: string; run: string; name: string }>, response: Response): Promise<void> {
  const { job: jobId, run, name } = request.params;
  const job = await jobs.store.find(jobId);
  // Not there: the job was deleted, or started again, which gives its files another run number.
  const file = job?.result?.files.find((each) => each.objectKey === `results/${jobId}/${run}/${name}`);
  if (file === undefined) throw new OpenEOError('NotFound', {});
  await sendResource(request, response, found(await objectResource(objects, file.objectKey)), file);
}

async function sendResultDocument({ jobs }: ApiDependencies, shared: Shared, request: Request<{ job: string; document: string }>, response: Response): Promise<void> {
  const { job: jobId, document } = request.params;
  const job = await jobs.store.find(jobId);
  if (!job?.result || !['results.json', 'partial.json'].includes(document)) throw new OpenEOError('NotFound', {});
  const partial = document === 'partial.json';
  if (!partial && job.status !== 'finished') throw new OpenEOError('NotFound', {});
  response.setHeader('Content-Type', 'application/geo+json');
  response.json(resultDocument(job, job.result, { base: shared.baseUrl(request), signer: shared.signer, partial }));
}

async function sendItemAsset({ catalog, objects }: ApiDependencies, request: Request<{ collection: string; item: string; key: string; name?: string }>, response: Response): Promise<void> {
  const { collection, item: itemId, key, name } = request.params;
  const item = await catalog.item(collection, itemId);
  const asset = item !== null && Object.hasOwn(item.assets, key) ? item.assets[key] : undefined;
  if (asset === undefined) throw new OpenEOError('NotFound', {});
  const resource = asset.href.startsWith('file:') ? await fileResource(asset.href)
    : asset.href.startsWith('object:') ? await objectResource(objects, asset.href.slice('object:'.length)) : null;
  await sendResource(request, response, found(resource), { mediaType: asset.type ?? 'application/octet-stream', name: name ?? key });
}

function found(resource: Resource | null): Resource {
  if (resource === null) throw new OpenEOError('NotFound', {}, { detail: 'The file is not there any more.' });
  return resource;
}
