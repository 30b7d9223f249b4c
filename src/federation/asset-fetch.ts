/**
 * Reads files of other catalogs where they are: with a token of the provider, or signed for a bucket whose
 * reader pays. Hrefs stay as they are everywhere else; what is added to them goes to their server only.
 */
import { AwsClient } from 'aws4fetch';
import { Unreadable } from '../catalog/remote/download.ts';
import { unreadable } from '../formats/byte-source.ts';
import type { Fetch, FetchOptions } from '../formats/http-source.ts';
import type { Access, S3Access } from './definition.ts';
import { SasTokens } from './sas-tokens.ts';
import { keysOf, type Secrets } from './secrets.ts';

/** How files of a collection are reached. */
export interface AssetAccess {
  readonly collection: string;
  readonly access: Access;
}

export interface AssetFetchOptions {
  /** Reaches only what may be reached (guardedFetch, which throws Unreadable for the rest). */
  readonly fetch: Fetch;
  readonly secrets: Secrets;
  readonly accesses: () => Promise<readonly AssetAccess[]>;
  /** For tests. */
  readonly now?: () => number;
}

/**
 * A fetch for hrefs of assets. Throws FileContentInvalid for addresses that must not be read, and UpstreamError
 * for files whose token or key can't be had.
 */
export function assetFetch(options: AssetFetchOptions): Fetch {
  const tokens = new SasTokens(options);
  return async (href, init = {}) => {
    // As it will be asked for: 'scenes/../private' begins like what may be read, and is something else.
    const url = URL.canParse(href) ? new URL(href).href : href;
    const spelt = inOneSpelling(url);
    const found = (await options.accesses()).find(({ access }) => spelt.startsWith(httpPrefix(access)));
    try {
      if (!found) return await options.fetch(url, init);
      const { access, collection } = found;
      switch (access.type) {
        case 'sas': return await tokens.fetch(url, init, access, collection);
        case 's3': return await options.fetch(url, await signed(url, init, access, collection, options.secrets));
        case 'signed': return await options.fetch(url, init);
      }
    } catch (error) {
      if (error instanceof Unreadable) throw unreadable({ id: url }, error.message, error);
      throw error;
    }
  };
}

/** The https form of an object of S3. */
export function objectUrl({ region, endpoint }: Pick<S3Access, 'region' | 'endpoint'>, bucket: string, path: string): string {
  return endpoint === undefined ? `https://${bucket}.s3.${region}.amazonaws.com/${path}` : `${endpoint.replace(/\/+$/, '')}/${bucket}/${path}`;
}

/** 'year=2024' and 'year%3D2024' are one name to a server, and clients write either. A slash that is escaped stays part of a name. */
function inOneSpelling(href: string): string {
  if (!URL.canParse(href)) return href;
  const url = new URL(href);
  url.pathname = url.pathname.split('/').map(respelt).join('/');
  return url.href;
}

function respelt(name: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(name));
  } catch {
    // No UTF-8: it has no other spelling.
    return name;
  }
}

/** Where the https form of hrefs begins, in that spelling. */
function httpPrefix(access: Access): string {
  const [, bucket, rest] = /^s3:\/\/([^/]+)\/(.*)$/.exec(access.prefix) ?? [];
  return inOneSpelling(access.type === 's3' && bucket !== undefined ? objectUrl(access, bucket, rest!) : access.prefix);
}

async function signed(url: string, init: FetchOptions, access: S3Access, collection: string, secrets: Secrets): Promise<FetchOptions> {
  if (access.credentials === undefined) return init;
  const { access_key: accessKeyId, secret_key: secretAccessKey, session_token: sessionToken } = keysOf(access.credentials, secrets, collection);
  const client = new AwsClient({ accessKeyId, secretAccessKey, service: 's3', region: access.region, ...(sessionToken === undefined ? {} : { sessionToken }) });
  const payer = access.requester_pays === true ? { 'x-amz-request-payer': 'requester' } : {};
  const request = await client.sign(url, { method: init.method ?? 'GET', headers: { ...init.headers, ...payer } });
  return { ...init, headers: Object.fromEntries(request.headers) };
}
