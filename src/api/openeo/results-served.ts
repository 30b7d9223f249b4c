/** Which STAC document describes the results of a job. */
import type { Response } from 'express';
import type { Job } from '../../jobs/job.ts';
import type { JobResult } from '../../jobs/results.ts';
import { collectionDocument, isSeries } from './result-collection.ts';
import { resultItem, type DocumentSettings } from './result-document.ts';

/** Media type of the document that `resultDocument` gives. */
export function documentType(result: JobResult, asItem = false): string {
  return !asItem && isSeries(result) ? 'application/json' : 'application/geo+json';
}

/** A Collection for files of several dates, else an Item; an Item for who can read nothing but GeoJSON. */
export function resultDocument(job: Job, result: JobResult, settings: DocumentSettings, asItem = false): Record<string, unknown> {
  return !asItem && isSeries(result) ? collectionDocument(job, result, settings) : resultItem(job, result, settings);
}

/** Sends the document with its media type. */
export function sendDocument(response: Response, job: Job, result: JobResult, settings: DocumentSettings, asItem = false): void {
  response.setHeader('Content-Type', documentType(result, asItem));
  response.json(resultDocument(job, result, settings, asItem));
}
