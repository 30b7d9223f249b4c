/**
 * The `lamina:upstream` object of a collection: whose catalog its items lie in, how its bands are called there,
 * and how its files are reached. It names secrets and never holds them: everybody may read it.
 */
import type { StacCollection } from '../catalog/types.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Where the items of a collection are. */
export interface Upstream {
  /** Landing page of a STAC API; or a static catalog, collection or item collection. */
  readonly url: string;
  /** Id of the collection there; of a static catalog: items of other collections are left out. */
  readonly collection: string;
  /** Headers of every request to the catalog: name → name of a secret. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest time of one request; default 10. */
  readonly timeout_seconds?: number;
  /** Band → where it lies in an item. Absent: bands are what the items say themselves. */
  readonly bands?: Readonly<Record<string, BandPlace>>;
  /** The offset that the samples of an item have, for bands with a `raster:offset`: the first rule that fits. Absent: what the items say. */
  readonly offset?: readonly OffsetRule[];
  /** How hrefs of assets are reached; the first whose prefix fits. Others are read as they are. */
  readonly access?: readonly Access[];
}

export interface BandPlace {
  /** Key of the asset. */
  readonly asset: string;
  /** Which of its bands, from 0; default 0. */
  readonly index?: number;
  /** Key in `alternate` of the asset, whose href is read instead. */
  readonly alternate?: string;
}

/** All conditions hold together; none: always. */
export interface OffsetRule {
  readonly when?: Readonly<Record<string, OffsetCondition>>;
  /** Added to the sample times the scale. */
  readonly offset: number;
}

/** Equal to a value; or, of texts such as '04.00', at least one. */
export type OffsetCondition = string | number | boolean | { readonly from: string };

export type Access = SasAccess | S3Access | SignedAccess;

interface AnyAccess {
  /** Beginning of the hrefs. */
  readonly prefix: string;
}

/** Azure blobs that are read with a token from a service of the provider. */
export interface SasAccess extends AnyAccess {
  readonly type: 'sas';
  /** Answers { token, msft:expiry }. */
  readonly token_url: string;
  /** Headers of the request for a token: name → name of a secret. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Hrefs that the catalog signs itself, as Lamina does: what stands in their query changes and says nothing of the file. */
export interface SignedAccess extends AnyAccess {
  readonly type: 'signed';
}

/** Objects of S3: `s3://bucket/…`, or their https form. */
export interface S3Access extends AnyAccess {
  readonly type: 's3';
  readonly region: string;
  /** Of another server than Amazon's, https://host. */
  readonly endpoint?: string;
  /** Name of a secret { access_key, secret_key }; absent: everybody may read them. */
  readonly credentials?: string;
  /** Who reads pays; needs credentials. */
  readonly requester_pays?: boolean;
}

/** What a collection says of its upstream; undefined where its items are our own. */
export function upstreamOf(collection: Fields | StacCollection): Upstream | undefined {
  return collection['lamina:upstream'] as Upstream | undefined;
}

/** Throws an Error that names the place in the object and what is expected there. */
export function checkUpstream(value: unknown): Upstream {
  for (const [path, isRight, expected] of rulesOf(value)) {
    if (!isRight) throw new Error(`/lamina:upstream${path} must be ${expected}`);
  }
  return value as Upstream;
}

/** Checks the definitions among collections from files. Throws an Error that names the file, the key of the map. */
export function checkUpstreams(files: ReadonlyMap<string, StacCollection>): void {
  for (const [file, collection] of files) {
    if (upstreamOf(collection) === undefined) continue;
    try {
      checkUpstream(upstreamOf(collection));
    } catch (error) {
      throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
    }
  }
}

type Rule = readonly [path: string, isRight: boolean, expected: string];

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTexts = (value: unknown) => isObject(value) && Object.values(value).every(isText);
const isAbsent = (value: unknown) => value === undefined;

/** A password in a URL would be shown to everybody. */
function isUrl(value: unknown): boolean {
  if (!isText(value) || !URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}

function unknownMember(value: Fields, known: readonly string[]): Rule {
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  return [unknown === undefined ? '' : `/${unknown}`, unknown === undefined, `one of ${known.join(', ')}`];
}

/** Checked in this order, so that a later rule may rely on an earlier one. */
function* rulesOf(value: unknown): Generator<Rule> {
  yield ['', isObject(value), 'an object'];
  const { url, collection, headers, timeout_seconds: timeout, bands, offset, access } = value as Fields;
  yield unknownMember(value as Fields, ['url', 'collection', 'headers', 'timeout_seconds', 'bands', 'offset', 'access']);
  yield ['/url', isUrl(url), 'a URL with http:// or https:// and without a password or a query'];
  yield ['/collection', isText(collection), 'the id of the collection in its catalog'];
  yield ['/headers', isAbsent(headers) || isTexts(headers), 'an object of header names, each with the name of a secret'];
  yield ['/timeout_seconds', isAbsent(timeout) || (typeof timeout === 'number' && timeout >= 0.1 && timeout <= 300), 'a number from 0.1 to 300'];
  yield ['/bands', isAbsent(bands) || isObject(bands), 'an object of bands'];
  for (const [name, place] of Object.entries((bands ?? {}) as Fields)) yield* bandRules(`/bands/${name}`, place);
  yield ['/offset', isAbsent(offset) || Array.isArray(offset), 'a list of rules'];
  for (const [i, rule] of ((offset ?? []) as unknown[]).entries()) yield* offsetRules(`/offset/${i}`, rule);
  yield ['/access', isAbsent(access) || Array.isArray(access), 'a list'];
  for (const [i, entry] of ((access ?? []) as unknown[]).entries()) yield* accessRules(`/access/${i}`, entry);
}

function* bandRules(path: string, place: unknown): Generator<Rule> {
  yield [path, isObject(place), 'an object such as {"asset": "red"}'];
  const { asset, index, alternate } = place as Fields;
  yield [`${path}/asset`, isText(asset), 'the key of an asset'];
  yield [`${path}/index`, isAbsent(index) || (Number.isInteger(index) && (index as number) >= 0), 'a whole number from 0'];
  yield [`${path}/alternate`, isAbsent(alternate) || isText(alternate), 'a key of alternate'];
}

function* offsetRules(path: string, rule: unknown): Generator<Rule> {
  yield [path, isObject(rule), 'an object such as {"when": {"s2:processing_baseline": {"from": "04.00"}}, "offset": -0.1}'];
  const { when, offset } = rule as Fields;
  yield [`${path}/offset`, typeof offset === 'number' && Number.isFinite(offset), 'a number'];
  yield [`${path}/when`, isAbsent(when) || isObject(when), 'an object of properties'];
  for (const [name, condition] of Object.entries((when ?? {}) as Fields)) {
    const isRight = ['string', 'number', 'boolean'].includes(typeof condition) || (isObject(condition) && isText(condition['from']));
    yield [`${path}/when/${name}`, isRight, 'a value, or {"from": "a text"}'];
  }
}

function* accessRules(path: string, entry: unknown): Generator<Rule> {
  yield [path, isObject(entry), 'an object'];
  const { type, prefix, token_url: tokenUrl, headers, region, endpoint, credentials, requester_pays: pays } = entry as Fields;
  yield [`${path}/type`, ['sas', 's3', 'signed'].includes(type as string), '\'sas\', \'s3\' or \'signed\''];
  const isPlace = isText(prefix) && (type === 's3' && prefix.startsWith('s3://') ? /^s3:\/\/[^/]+\//.test(prefix) : isUrl(prefix) && new URL(prefix).pathname.endsWith('/'));
  yield [`${path}/prefix`, isPlace, 'the beginning of hrefs with a slash at its end, https://host/container/ or s3://bucket/'];
  if (type === 'signed') return;
  if (type === 'sas') {
    yield [`${path}/token_url`, isUrl(tokenUrl), 'a URL'];
    yield [`${path}/headers`, isAbsent(headers) || isTexts(headers), 'an object of header names, each with the name of a secret'];
    return;
  }
  yield [`${path}/region`, isText(region) && /^[a-z0-9-]+$/.test(region), 'a region such as us-west-2'];
  yield [`${path}/endpoint`, isAbsent(endpoint) || isUrl(endpoint), 'a URL'];
  yield [`${path}/credentials`, isAbsent(credentials) || isText(credentials), 'the name of a secret'];
  yield [`${path}/requester_pays`, isAbsent(pays) || (typeof pays === 'boolean' && (!pays || isText(credentials))), 'true or false; true needs credentials'];
}
