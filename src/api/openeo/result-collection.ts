/** Results of several dates as a STAC Collection with an item for each: so that whoever loads them knows which file is of when. */
import type { Job } from '../../jobs/job.ts';
import type { JobResult, StoredFile } from '../../jobs/results.ts';
import { signResultItem } from '../assets/links.ts';
import { assetsOf, extensionsOf, itemOf, linksOf, stateOf, type DocumentSettings } from './result-document.ts';

/** True for results whose files are each of one of several dates, somewhere on the globe. */
export function isSeries({ files, bbox }: JobResult): boolean {
  return bbox !== null && files.every(({ datetime }) => datetime !== undefined) && datesOf(files).length > 1;
}

function datesOf(files: readonly StoredFile[]): string[] {
  return [...new Set(files.map(({ datetime }) => datetime!))].sort();
}

/** The files of each date, the earliest first. */
export function filesByDate(files: readonly StoredFile[]): (readonly [datetime: string, files: readonly StoredFile[]])[] {
  return datesOf(files).map((date) => [date, files.filter(({ datetime }) => datetime === date)]);
}

/** The collection. All assets are in it too, because clients of openEO look for them here. */
export function collectionDocument(job: Job, result: JobResult, settings: DocumentSettings): Record<string, unknown> {
  const { title, description } = job.definition;
  const { datetime: _, start_datetime: __, end_datetime: ___, ...properties } = result.properties;
  const dates = datesOf(result.files);
  const { canonical, state } = stateOf(job, settings);
  return {
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: extensionsOf(result, false),
    id: job.id,
    ...(title === undefined ? {} : { title }),
    // STAC demands a text.
    description: description || title || 'Results of a batch job.',
    license: 'other',
    extent: { spatial: { bbox: [result.bbox] }, temporal: { interval: [[dates[0], dates.at(-1)]] } },
    created: job.created,
    updated: job.updated,
    ...state.times,
    ...state.fields,
    // What an item has as properties, a collection summarises.
    summaries: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, [value]])),
    links: [
      ...linksOf(result, canonical, settings, 'application/json'),
      ...dates.map((date, i) => ({ rel: 'item', href: settings.base + signResultItem(settings.signer, job, i).path, type: 'application/geo+json', title: date })),
    ],
    assets: assetsOf(job, result.files, settings),
  };
}

/** The item of a date; null when there are not so many. */
export function seriesItem(job: Job, result: JobResult, index: number, settings: DocumentSettings): Record<string, unknown> | null {
  const found = isSeries(result) ? filesByDate(result.files)[index] : undefined;
  if (found === undefined) return null;
  const [date, files] = found;
  const { start_datetime: _, end_datetime: __, ...properties } = result.properties;
  const { canonical, state } = stateOf(job, settings);
  const parent = { href: settings.base + canonical.path, type: 'application/json' };
  return {
    ...itemOf(job, { ...result, files, properties: { ...properties, datetime: date } }, {
      links: [
        { rel: 'self', href: settings.base + signResultItem(settings.signer, job, index).path, type: 'application/geo+json' },
        ...['collection', 'parent', 'root'].map((rel) => ({ rel, ...parent })),
      ],
      properties: state.fields,
      assets: assetsOf(job, files, settings),
    }),
    id: `${job.id}-${index}`,
    collection: job.id,
  };
}
