/** Where assets are to be had: hrefs as they are stored become URLs of the service. */
import type { LinkSigner, SignedPath } from './sign.ts';

/** Signed paths are below this one; src/api/assets/route.ts answers them. */
export const assetsPath = '/assets';

/**
 * The URL of an item's asset, as clients see it.
 *
 * Files ('file:…') and objects ('object:…') are served by the service under a signed URL; http(s) URLs
 * stay as they are. `base` is the URL of the service.
 */
export function signAsset(signer: LinkSigner, base: string, asset: { readonly collection: string; readonly item: string; readonly key: string; readonly href: string }): string {
  if (!isServed(asset.href)) return asset.href;
  const name = asset.href.split(/[/:]/).pop()!;
  return base + signer.sign(pathOf('items', asset.collection, asset.item, asset.key, decodeSafely(name))).path;
}

/** True for stored hrefs that no client can use and that the service answers for. */
export function isServed(href: string): boolean {
  return href.startsWith('file:') || href.startsWith('object:');
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

/** A file name out of a file: URL is encoded already. */
function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
