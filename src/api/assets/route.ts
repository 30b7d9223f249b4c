/** GET /assets/…: files of items and of job results, and the documents of results, for whoever has a signed link. */
import { Router } from 'express';
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import { resultFolder } from '../../jobs/job.ts';
import type { Job } from '../../jobs/job.ts';
import { noResult } from '../../jobs/results.ts';
import type { ApiDependencies, Shared } from '../dependencies.ts';
import { seriesItem } from '../openeo/result-collection.ts';
import { sendDocument } from '../openeo/results-served.ts';
import { fileResource, objectResource } from './resource.ts';
import type { Resource } from './resource.ts';
import { sendResource } from './send.ts';

export function assetRouter(dependencies: ApiDependencies, shared: Shared): Router {
  const router = Router();
  router.use((request, _response, next) => {
    shared.signer.check(request.baseUrl + request.path, request.query);
    next();
  });
  router.get('/results/:job/:edition/:name', (request, response) => sendResultFile(dependencies, request, response));
  router.get('/results/:job/:edition/:document/stac', (request, response) => sendResultDocument(dependencies, shared, request, response));
  router.get('/items/:collection/:item/:key{/:name}', (request, response) => sendItemAsset(dependencies, request, response));
  return router;
}

/** '<run>.<series>': both must still be those of the job. */
interface Edition {
  readonly job: string;
  readonly edition: string;
}

/** A link of ours that names what is not there any more: the job was deleted or started again, or its links were revoked. */
function revoked(): OpenEOError {
  return new OpenEOError('ResultLinkExpired', {});
}

async function jobOf({ jobs }: ApiDependencies, { job: jobId, edition }: Edition): Promise<{ job: Job; run: string }> {
  const [run = '', series] = edition.split('.');
  const job = await jobs.store.find(jobId);
  if (!job || String(job.linkSeries) !== series) throw revoked();
  return { job, run };
}

async function sendResultFile(dependencies: ApiDependencies, request: Request<{ job: string; edition: string; name: string }>, response: Response): Promise<void> {
  const { job, run } = await jobOf(dependencies, request.params);
  const file = job.result?.files.find((each) => each.objectKey === `${resultFolder(job.id, Number(run))}${request.params.name}`);
  if (file === undefined) throw revoked();
  const resource = await objectResource(dependencies.objects, file.objectKey);
  if (resource === null) throw revoked();
  await sendResource(request, response, resource, file);
}

async function sendResultDocument(dependencies: ApiDependencies, shared: Shared, request: Request<{ job: string; edition: string; document: string }>, response: Response): Promise<void> {
  const { job, run } = await jobOf(dependencies, request.params);
  const { document } = request.params;
  const isPartial = document === 'partial.json' || (job.status !== 'finished' && document !== 'results.json');
  if (String(job.run) !== run || (!isPartial && (job.result === null || job.status !== 'finished'))) throw revoked();
  const result = job.result ?? noResult;
  const settings = { base: shared.baseUrl(request), signer: shared.signer, partial: isPartial, resultDays: dependencies.resultDays };
  if (['results.json', 'partial.json'].includes(document)) return sendDocument(response, job, result, settings);
  const [, index] = /^item-(\d{1,6})\.json$/.exec(document) ?? [];
  const item = index === undefined ? null : seriesItem(job, result, Number(index), settings);
  if (item === null) throw revoked();
  response.setHeader('Content-Type', 'application/geo+json');
  response.json(item);
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
