/**
 * Requests to URLs that a user or another catalog gave. The name is resolved once, every address it has is checked, and
 * the connection goes to a checked address: a name that resolves to something else a moment later
 * (DNS rebinding) gains nothing. Redirects are followed here, each one checked like the first URL.
 */
import { lookup as resolveName } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Fetch } from '../../formats/http-source.ts';
import { hostOf, isAllowedHost, isPublicAddress } from './address.ts';
import { badUrl } from './documents.ts';

export interface GuardOptions {
  /** 'host' or 'host:port' of servers that may be read although their addresses are internal. */
  readonly allowedHosts: readonly string[];
  /** Makes the error for a URL that may not be read; default ProcessParameterInvalid of load_stac. */
  readonly refuse?: Refusal;
  /** Replaces the resolver of the system, for tests. */
  readonly resolve?: typeof resolveName;
}

const LARGEST_REDIRECT_CHAIN = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Those after which a POST is sent again as it was. */
const REPEATING = new Set([307, 308]);
const EMPTY = new Set([204, 205, 304]);
/** Headers that hold no secret. */
const HARMLESS = new Set(['accept', 'range', 'accept-encoding', 'if-none-match']);

/**
 * A fetch that reaches public addresses and allowed hosts only. It throws what `refuse` makes for everything
 * else, and rejects like fetch when there is no answer. What was sent to one server (a key in a header, a
 * body) is not sent to another one that it redirects to.
 */
export function guardedFetch(options: GuardOptions): Fetch {
  const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) };
  const refused = options.refuse ?? badUrl;
  return async (start, init = {}) => {
    let url = parseUrl(start, refused);
    const { method = 'GET', body } = init;
    let { headers = {} } = init;
    for (let hops = 0; hops <= LARGEST_REDIRECT_CHAIN; hops++) {
      const lookup = lookupFor(url, options, refused);
      const agent = agents[url.protocol as keyof typeof agents];
      const message = await send(url, { method, agent, lookup, headers: { 'user-agent': 'lamina', 'accept-encoding': 'identity', ...headers }, ...(init.signal ? { signal: init.signal } : {}) }, body);
      const next = REDIRECTS.has(message.statusCode!) ? message.headers.location : undefined;
      if (next === undefined) return responseOf(message, url);
      message.destroy();
      const target = parseUrl(URL.canParse(next, url.href) ? new URL(next, url.href).href : next, refused);
      const isElsewhere = target.origin !== url.origin;
      if (body !== undefined && (isElsewhere || !REPEATING.has(message.statusCode!))) throw refused(`'${hostOf(url)}' redirects a request that is not sent again`);
      if (isElsewhere) headers = harmless(headers);
      url = target;
    }
    throw refused(`'${hostOf(url)}' redirects more than ${LARGEST_REDIRECT_CHAIN} times`);
  };
}

type Refusal = (reason: string) => Error;

function parseUrl(text: string, refused: Refusal): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw refused(`'${url === null ? text.slice(0, 100) : `${url.protocol}…`}' is not a URL that begins with http:// or https://`);
}

/** The resolver for one request. Throws at once where the host is an internal address itself: those are never looked up. */
function lookupFor(url: URL, { allowedHosts, resolve = resolveName }: GuardOptions, refused: Refusal): LookupFunction {
  const host = hostOf(url);
  const isAllowed = isAllowedHost(url, allowedHosts);
  if (!isAllowed && isIP(host) !== 0 && !isPublicAddress(host)) throw internalHost(host, refused);
  return (name, wish, done) => {
    resolve(name, { all: true, family: wish.family ?? 0 }, (error, addresses) => {
      if (error) return done(error, []);
      if (!isAllowed && !addresses.every(({ address }) => isPublicAddress(address))) return done(internalHost(host, refused), []);
      return wish.all === true ? done(null, addresses) : done(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

// The address itself is not told: what names mean inside is nobody's business.
function internalHost(host: string, refused: Refusal): Error {
  return refused(`'${host}' is not a public address; the operator of this service can allow a host with LAMINA_ALLOWED_HOSTS`);
}

const harmless = (headers: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name.toLowerCase())));

function send(url: URL, options: https.RequestOptions, body: string | undefined): Promise<http.IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((done, fail) => {
    request(url, options).on('response', done).on('error', fail).end(body);
  });
}

function responseOf(message: http.IncomingMessage, url: URL): Response {
  const status = message.statusCode!;
  const headers = new Headers();
  for (const [name, values] of Object.entries(message.headersDistinct)) for (const value of values ?? []) headers.append(name, value);
  const hasBody = !EMPTY.has(status);
  if (!hasBody) message.resume();
  const response = new Response(hasBody ? (Readable.toWeb(decoded(message)) as ReadableStream<Uint8Array>) : null, { status, headers });
  // Relative references are relative to where the redirects led.
  return Object.defineProperty(response, 'url', { value: url.href });
}

/** Object stores send files that were stored compressed as they are, whatever was asked for. */
function decoded(message: http.IncomingMessage): Readable {
  const make = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress }[message.headers['content-encoding'] ?? ''];
  if (!make) return message;
  const decoder = make();
  message.on('error', (error) => decoder.destroy(error));
  return message.pipe(decoder);
}
