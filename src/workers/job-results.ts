/**
 * Loads what batch jobs have written, for load_result. Results are STAC, so they are read as load_stac
 * reads those of others; only that documents come from the job store and files from the object store.
 */
import type { Cube } from '../cube/cube.ts';
import { OpenEOError } from '../errors.ts';
import type { RasterOpener } from '../catalog/read-asset.ts';
import { RemoteStac, type RemoteLoad } from '../catalog/remote/remote-stac.ts';
import type { LoadStacRequest } from '../graph/scope.ts';
import type { Job } from '../jobs/job.ts';
import type { JobResult, StoredFile } from '../jobs/results.ts';
import type { JobStore } from '../jobs/store.ts';

/** No host has such a name (RFC 2606): these URLs never leave the process. */
const BASE = 'https://results.invalid/';

export class JobResults {
  readonly #store: Pick<JobStore, 'get' | 'find'>;
  readonly #stac: RemoteStac;

  /** @param rasters opens 'object:…' */
  constructor(store: Pick<JobStore, 'get' | 'find'>, rasters: RasterOpener) {
    this.#store = store;
    this.#stac = new RemoteStac({
      // A job may be started again at any time.
      freshMs: 0,
      fetch: async (url) => this.#document(new URL(url)),
      rasters: { open: (href) => rasters.open(`object:${decodeURIComponent(new URL(href).pathname.slice(1))}`) },
    });
  }

  /**
   * The cube of a job's results. `user` is who asks; null: the service itself, which may read all.
   *
   * @throws JobNotFound, JobNotFinished, and what load_stac throws
   */
  async load(user: string | null, jobId: string, request: LoadStacRequest, run: RemoteLoad): Promise<Cube> {
    const job = user === null ? await this.#store.find(jobId) : await this.#store.get(user, jobId);
    if (!job) throw new OpenEOError('JobNotFound', { identifier: jobId });
    if (job.status !== 'finished' || job.result === null) throw new OpenEOError('JobNotFinished', {});
    const cube = await this.#stac.load({ ...request, url: `${BASE}${encodeURIComponent(jobId)}` }, run);
    // What the results were made of is known; where they were read from is nobody's business.
    const sources = job.result.links.filter(({ rel }) => rel === 'derived_from').map(({ href }) => href.replace(/^item:/, ''));
    return cube.with({ attributes: { ...cube.attributes, sources }, ...(cube.regrid && { regrid: cube.regrid }) });
  }

  async #document(url: URL): Promise<Response> {
    const job = await this.#store.find(decodeURIComponent(url.pathname.slice(1)));
    return job?.result ? Response.json(itemsOf(job, job.result)) : new Response(null, { status: 404 });
  }
}

/** An item per date. Only the box is looked at; STAC wants a geometry beside it. */
function itemsOf(job: Job, result: JobResult): Record<string, unknown> {
  const bbox = result.bbox ?? [-180, -90, 180, 90];
  const dates = Map.groupBy(result.files, ({ datetime }) => datetime ?? null);
  const features = [...dates].map(([datetime, files], i) => ({
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: result.stacExtensions,
    id: `${job.id}-${i}`,
    bbox,
    geometry: { type: 'Point', coordinates: bbox.slice(0, 2) },
    properties: { datetime: job.finished ?? job.updated, ...result.properties, ...(datetime === null ? {} : { datetime }) },
    links: [],
    assets: Object.fromEntries(files.map((file) => [file.name, assetOf(file)])),
  }));
  return { type: 'FeatureCollection', features };
}

function assetOf({ objectKey, mediaType, roles, metadata }: StoredFile): Record<string, unknown> {
  return { ...metadata, href: `${BASE}${encodeURIComponent(objectKey)}`, type: mediaType, roles };
}
