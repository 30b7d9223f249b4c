/** The STAC Item that describes the files of a job, with signed URLs. */
import { isUnderWay } from '../../jobs/job.ts';
import type { Job } from '../../jobs/job.ts';
import type { JobResult, StoredFile } from '../../jobs/results.ts';
import { signResultDocument, signResultFile } from '../assets/links.ts';
import { withoutHeights } from '../../geo/bbox.ts';
import type { LinkSigner, SignedPath } from '../assets/sign.ts';

const timestampsExtension = 'https://stac-extensions.github.io/timestamps/v1.1.0/schema.json';
const fileExtension = 'https://stac-extensions.github.io/file/v2.1.0/schema.json';

export interface DocumentSettings {
  /** URL of the service. */
  readonly base: string;
  readonly signer: LinkSigner;
  /** True when the results are those of a job that has not finished. */
  readonly partial: boolean;
  /** Where the document is to be had with a token. */
  readonly self?: string;
  /** Days that results are kept; absent or 0: for ever. */
  readonly resultDays?: number | undefined;
}

const DAY_MS = 24 * 3600 * 1000;

/** The field `unpublished`: until when the files of a job are kept. Links to them end earlier, see `expires`. */
export function unpublishedOf({ status, updated, result }: Job, resultDays = 0): { unpublished?: string } {
  if (resultDays === 0 || result === null || isUnderWay(status)) return {};
  return { unpublished: new Date(Date.parse(updated) + resultDays * DAY_MS).toISOString() };
}

interface Link {
  readonly rel: string;
  readonly href: string;
  readonly [key: string]: unknown;
}

/** The STAC Item of all files of a job, with links signed anew. */
export function resultItem(job: Job, result: JobResult, settings: DocumentSettings): Record<string, unknown> {
  const { canonical, state } = stateOf(job, settings);
  return itemOf(job, result, { links: linksOf(result, canonical, settings, 'application/geo+json'), properties: state.fields, assets: assetsOf(job, result.files, settings) });
}

/** The same document to lie beside its files, as in a tar archive. */
export function enclosedDocument(job: Job, result: JobResult, base: string): Record<string, unknown> {
  return itemOf(job, result, {
    links: sourceLinks(result, base),
    properties: {},
    assets: Object.fromEntries(result.files.map((file) => [file.name, assetOf(file, `./${encodeURIComponent(file.name)}`)])),
  });
}

/** What a document says of the job at this moment. */
interface State {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly times: Readonly<Record<string, string>>;
}

/** Signs the canonical link, and gathers what is true while it holds. */
export function stateOf(job: Job, { signer, partial, resultDays }: DocumentSettings): { canonical: SignedPath; state: State } {
  const canonical = signResultDocument(signer, job, partial);
  const fields = { expires: canonical.expires, ...unpublishedOf(job, resultDays), ...(partial ? { 'openeo:status': partialStatus(job) } : {}) };
  return { canonical, state: { fields, times: timesOf(job) } };
}

/** Links of the whole result; `type` is that of the document itself. */
export function linksOf(result: JobResult, canonical: SignedPath, { base, partial, self }: DocumentSettings, type: string): Link[] {
  return [
    { rel: 'canonical', href: base + canonical.path, type, title: 'This document, without a login' },
    ...(self === undefined ? [] : [{ rel: 'self', href: partial ? `${self}?partial=true` : self, type }]),
    ...sourceLinks(result, base),
  ];
}

/** Links to what a result was made of. */
export function sourceLinks({ links }: JobResult, base: string): Link[] {
  return links.map((link) => ({ ...link, href: sourceUrl(link.href, base) }));
}

/** The files by their names, with signed links. */
export function assetsOf(job: Job, files: readonly StoredFile[], { base, signer }: DocumentSettings): Record<string, unknown> {
  return Object.fromEntries(files.map((file) => [file.name, assetOf(file, base + signResultFile(signer, job, file.objectKey).path)]));
}

/** A file as an asset. */
export function assetOf(file: StoredFile, href: string): Record<string, unknown> {
  return {
    href,
    type: file.mediaType,
    title: file.name,
    roles: file.roles,
    'file:size': file.sizeBytes,
    ...(file.datetime === undefined ? {} : { datetime: file.datetime }),
    ...file.metadata,
  };
}

interface Parts {
  readonly links: readonly Link[];
  readonly properties: Readonly<Record<string, unknown>>;
  readonly assets: Readonly<Record<string, unknown>>;
}

/** An item over the place and time of a result. */
export function itemOf(job: Job, result: JobResult, { links, properties, assets }: Parts): Record<string, unknown> {
  const { title, description } = job.definition;
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: extensionsOf(result, 'expires' in properties || 'unpublished' in properties),
    id: job.id,
    geometry: result.bbox === null ? null : result.geometry ?? rectangle(result.bbox),
    ...(result.bbox === null ? {} : { bbox: result.bbox }),
    properties: {
      // A result that says nothing of its own time is of the time when it was made.
      datetime: job.finished ?? job.updated,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      created: job.created,
      updated: job.updated,
      ...timesOf(job),
      ...result.properties,
      ...properties,
    },
    links,
    assets,
  };
}

function timesOf({ queued, started }: Job): Record<string, string> {
  return { ...(queued === null ? {} : { queued }), ...(started === null ? {} : { started }) };
}

/** Schemas that a document of the result follows; `hasExpiry`: it has `expires` or `unpublished` among the properties of an item. */
export function extensionsOf({ stacExtensions, files }: JobResult, hasExpiry: boolean): string[] {
  return [...new Set([...stacExtensions, ...(hasExpiry ? [timestampsExtension] : []), ...(files.length > 0 ? [fileExtension] : [])])];
}

/** While it is queued, nothing is known that differs from a job that runs. */
function partialStatus({ status }: Job): string {
  return status === 'queued' ? 'running' : status;
}

/** Workers write 'item:<collection>/<item>' for the items that a result was made of. */
function sourceUrl(href: string, base: string): string {
  if (!href.startsWith('item:')) return href;
  const path = href.slice('item:'.length);
  const slash = path.lastIndexOf('/');
  return `${base}/stac/collections/${encodeURIComponent(path.slice(0, slash))}/items/${encodeURIComponent(path.slice(slash + 1))}`;
}

function rectangle(bbox: readonly number[]): { type: string; coordinates: unknown } {
  const [west, south, east, north] = withoutHeights(bbox);
  return { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] };
}
