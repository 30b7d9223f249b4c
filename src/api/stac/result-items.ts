/** How results of a batch job look in the catalog: an item, or one for each date where every file is of one of several. */
import { flatBox } from '../../catalog/item-search.ts';
import { unionBox } from '../../catalog/ingest/collection.ts';
import { intervalOfItem, unionInterval } from '../../catalog/interval.ts';
import type { StacCollection, StacItem } from '../../catalog/types.ts';
import type { Job } from '../../jobs/job.ts';
import type { JobResult, StoredFile } from '../../jobs/results.ts';
import { RESULT_COLLECTION } from '../../layers/layer.ts';
import { versions } from '../openeo/endpoint.ts';
import { filesByDate, isSeries } from '../openeo/result-collection.ts';
import { assetOf, itemOf, sourceLinks, unpublishedOf } from '../openeo/result-document.ts';
import { documentType } from '../openeo/results-served.ts';
import { JSON_TYPE } from './respond.ts';

/** Items of a job that has results. Assets are named by the keys of their objects, links by paths of the service. */
export function resultItems(job: Job, resultDays?: number): StacItem[] {
  const result = job.result!;
  if (!isSeries(result)) return [itemFor(job, result, job.id, resultDays)];
  const { start_datetime: _, end_datetime: __, ...properties } = result.properties;
  return filesByDate(result.files).map(([datetime, files], i) => itemFor(job, { ...result, files, properties: { ...properties, datetime } }, `${job.id}-${i}`, resultDays));
}

function itemFor(job: Job, result: JobResult, id: string, resultDays: number | undefined): StacItem {
  const item = itemOf(job, result, {
    links: [...linksOf(job), ...sourceLinks(result, '')],
    properties: { 'lamina:job': job.id, ...unpublishedOf(job, resultDays) },
    assets: Object.fromEntries(keysOf(result.files).map((key, i) => [key, assetOf(result.files[i]!, result.files[i]!.objectKey)])),
  });
  return { ...(item as unknown as StacItem), id, collection: RESULT_COLLECTION };
}

/**
 * Keys of the files of an item: their names, without the date where they have one. Items of all dates of a job have
 * the same keys then, without which clients can't load them together.
 */
function keysOf(files: readonly StoredFile[]): string[] {
  const names = files.map(({ name }) => name);
  const undated = names.map((name) => name.replace(/[_-]?\d{4}-\d\d-\d\d(T\d{6}(\.\d+)?Z)?/, ''));
  return new Set(undated).size === names.length && undated.every((name) => /^\w/.test(name)) ? undated : names;
}

function linksOf({ id, result }: Job): StacItem['links'] {
  const job = `${versions['1.3.0']}/jobs/${encodeURIComponent(id)}`;
  return [
    { rel: 'via', href: `${job}/results`, type: documentType(result!), title: 'All results of the job' },
    { rel: 'processing-execution', href: job, type: JSON_TYPE, title: 'The job that made it' },
  ];
}

/** The collection of all items (at least one) of a user's results. */
export function resultCollection(items: readonly StacItem[], owner: string): StacCollection {
  const boxes = items.filter(({ geometry }) => geometry !== null).map(({ bbox }) => flatBox(bbox));
  const interval = items.map(intervalOfItem).reduce(unionInterval);
  const codes = [...new Set(items.map(({ properties }) => properties['proj:code']))].filter((code) => typeof code === 'string').toSorted();
  return {
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: [],
    id: RESULT_COLLECTION,
    title: 'Results of your jobs',
    description: 'Results of your batch jobs that have finished: an item for each job, or for each of its dates. Nobody else sees them, and they go when the job is deleted, started again, or kept for long enough. `lamina:job` names the job.',
    keywords: ['results', 'processed'],
    license: 'other',
    extent: { spatial: { bbox: [boxes.length === 0 ? [-180, -90, 180, 90] : unionBox(boxes)] }, temporal: { interval: [interval] } },
    summaries: codes.length === 0 ? {} : { 'proj:code': codes },
    'cube:dimensions': {},
    'lamina:files': { owner, visibility: 'private' },
    links: [],
  };
}
