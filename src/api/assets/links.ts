/** Where the service's files are to be had: signed paths, which src/api/assets/route.ts answers. */
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

/** The signed path of a result's file; objects of results are named 'results/<job>/<run>/<name>'. */
export function signResultFile(signer: LinkSigner, objectKey: string): SignedPath {
  return signer.sign(pathOf(...objectKey.split('/')));
}

/** The signed path of the STAC document of a job's results. */
export function signResultDocument(signer: LinkSigner, jobId: string, partial: boolean): SignedPath {
  return signer.sign(pathOf('results', jobId, partial ? 'partial.json' : 'results.json'));
}

function pathOf(...segments: string[]): string {
  return [assetsPath, ...segments.map(encodeURIComponent)].join('/');
}
