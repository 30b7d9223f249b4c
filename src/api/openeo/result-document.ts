/** The STAC Item that describes the files of a job, with signed URLs. */
import { isUnderWay } from '../../jobs/job.ts';
import type { Job } from '../../jobs/job.ts';
import type { JobResult, StoredFile } from '../../jobs/results.ts';
import { signResultDocument, signResultFile } from '../assets/links.ts';
import { withoutHeights } from '../../geo/bbox.ts';
import type { LinkSigner } from '../assets/sign.ts';

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

/** Assembles the document; every call signs anew. */
export function resultDocument(job: Job, result: JobResult, { base, signer, partial, self, resultDays }: DocumentSettings): Record<string, unknown> {
  const canonical = signResultDocument(signer, job, partial);
  const links: Link[] = [
    { rel: 'canonical', href: base + canonical.path, type: 'application/geo+json', title: 'This document, without a login' },
    ...(self === undefined ? [] : [{ rel: 'self', href: partial ? `${self}?partial=true` : self, type: 'application/geo+json' }]),
    ...result.links.map((link) => ({ ...link, href: sourceUrl(link.href, base) })),
  ];
  const properties = { expires: canonical.expires, ...unpublishedOf(job, resultDays), ...(partial ? { 'openeo:status': partialStatus(job) } : {}) };
  return itemOf(job, result, { links, properties, hrefOf: (file) => base + signResultFile(signer, job, file.objectKey).path });
}

/** The same document to lie beside its files, as in a tar archive. */
export function enclosedDocument(job: Job, result: JobResult, base: string): Record<string, unknown> {
  return itemOf(job, result, {
    links: result.links.map((link) => ({ ...link, href: sourceUrl(link.href, base) })),
    properties: {},
    hrefOf: (file) => `./${encodeURIComponent(file.name)}`,
  });
}

interface Parts {
  readonly links: readonly Link[];
  readonly properties: Readonly<Record<string, unknown>>;
  readonly hrefOf: (file: StoredFile) => string;
}

function itemOf(job: Job, result: JobResult, { links, properties, hrefOf }: Parts): Record<string, unknown> {
  const { title, description } = job.definition;
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: [...new Set([...result.stacExtensions, ...('expires' in properties ? [timestampsExtension] : []), fileExtension])],
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
      ...(job.queued === null ? {} : { queued: job.queued }),
      ...(job.started === null ? {} : { started: job.started }),
      ...result.properties,
      ...properties,
    },
    links,
    assets: Object.fromEntries(result.files.map((file) => [file.name, {
      href: hrefOf(file),
      type: file.mediaType,
      title: file.name,
      roles: file.roles,
      'file:size': file.sizeBytes,
      ...(file.datetime === undefined ? {} : { datetime: file.datetime }),
      ...file.metadata,
    }])),
  };
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
