/** Where the service's files are to be had: signed paths, which src/api/assets/route.ts answers. */
import type { Job } from '../../jobs/job.ts';
import type { LinkSigner, SignedPath } from './sign.ts';

/** Signed paths are below this one. */
export const assetsPath = '/assets';

export interface AssetAddress {
  readonly collection: string;
  readonly item: string;
  /** Key of the asset in the item. */
  readonly key: string;
  /** File name at the end of the path, for programs that look at endings. */
  readonly name?: string;
}

/**
 * The signed path of an asset whose stored href no client can use ('file:…', 'object:…'), to be put
 * behind the URL of the service. Whether there is such an asset is seen when somebody asks for it.
 */
export function signAsset(signer: LinkSigner, { collection, item, key, name }: AssetAddress): SignedPath {
  return signer.sign(pathOf('items', collection, item, key, ...(name === undefined ? [] : [name])));
}

/**
 * The signed path of a result's file; objects of results are named 'results/<job>/<run>/<name>'. Run and series
 * are part of it, so that starting the job again, or revoking its links, ends it.
 */
export function signResultFile(signer: LinkSigner, job: LinkedJob, objectKey: string): SignedPath {
  const [, , run, name] = objectKey.split('/') as [string, string, string, string];
  return signer.sign(pathOf('results', job.id, `${run}.${job.linkSeries}`, name));
}

/** The signed path of the STAC document of a job's results. It ends with the run that made them. */
export function signResultDocument(signer: LinkSigner, job: LinkedJob, partial: boolean): SignedPath {
  return signer.sign(pathOf('results', job.id, `${job.run}.${job.linkSeries}`, partial ? 'partial.json' : 'results.json', 'stac'));
}

/** The signed path of the item of one date among the results. */
export function signResultItem(signer: LinkSigner, job: LinkedJob, index: number): SignedPath {
  return signer.sign(pathOf('results', job.id, `${job.run}.${job.linkSeries}`, `item-${index}.json`, 'stac'));
}

/** What links to results depend on. */
export type LinkedJob = Pick<Job, 'id' | 'run' | 'linkSeries'>;

function pathOf(...segments: string[]): string {
  return [assetsPath, ...segments.map(encodeURIComponent)].join('/');
}
