/**
 * How documents leave the service: JSON under its exact media type, an ETag by which clients keep their copy,
 * and packed with what the client understands. Process descriptions and catalogs shrink to a tenth.
 */
import { createHash } from 'node:crypto';
import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGzip, createZstdCompress, gzip, zstdCompress } from 'node:zlib';
import type { NextFunction, Request, Response } from 'express';
import { matches } from '../assets/send.ts';

/** Below this the headers weigh more than what is saved. */
const minBytes = 1024;

const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** Best first: about the same size, zstd in a third of the time. */
const encoders = {
  zstd: { pack: promisify(zstdCompress), stream: () => createZstdCompress() },
  br: { pack: (bytes: Buffer) => promisify(brotliCompress)(bytes, brotli), stream: () => createBrotliCompress(brotli) },
  gzip: { pack: promisify(gzip), stream: () => createGzip() },
} as const satisfies Record<string, { pack: (bytes: Buffer) => Promise<Buffer>; stream: () => Transform }>;

type Encoding = keyof typeof encoders;

/** Pictures and archives are packed already. */
const packable = /json|^text\/|xml|javascript/;

/**
 * Makes `response.json`, and `response.send` of a Buffer, answer 304 to a client that has the same already,
 * and pack what is worth it. An ETag that a route has set is left as it is; what must not be stored gets none.
 */
export function sendDocuments(request: Request, response: Response, next: NextFunction): void {
  const send = response.send.bind(response);
  response.json = (value: unknown) => {
    // Without the charset that express would add: JSON has none.
    if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', 'application/json');
    return response.send(Buffer.from(JSON.stringify(value)));
  };
  response.send = (body: unknown) => {
    if (!Buffer.isBuffer(body)) return send(body);
    const isPackable = packable.test(String(response.getHeader('Content-Type')));
    if (isPackable) response.vary('Accept-Encoding');
    tag(request, response, body);
    if (isKnown(request, response)) return notModified(response);
    const encoding = isPackable && body.length >= minBytes ? encodingFor(request) : null;
    if (encoding === null) return send(body);
    encoders[encoding].pack(body).then((packed) => send.call(response.set('Content-Encoding', encoding), packed), next);
    return response;
  };
  next();
}

/**
 * What packs a file on its way to the client; null when it goes as it is. Sets the headers that say so, and takes
 * away the length, which nobody knows then. The media type must be set.
 */
export function packerFor(request: Request, response: Response, sizeBytes: number): Transform | null {
  if (!packable.test(String(response.getHeader('Content-Type')))) return null;
  response.vary('Accept-Encoding');
  const encoding = sizeBytes >= minBytes ? encodingFor(request) : null;
  if (encoding === null) return null;
  response.set('Content-Encoding', encoding);
  response.removeHeader('Content-Length');
  return encoders[encoding].stream();
}

/** Weak: it is the same document however it is packed. */
function tag(request: Request, response: Response, body: Buffer): void {
  const isAsked = (request.method === 'GET' || request.method === 'HEAD') && response.statusCode === 200;
  if (!isAsked || response.hasHeader('ETag') || /no-store/.test(String(response.getHeader('Cache-Control')))) return;
  response.setHeader('ETag', `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`);
}

function isKnown(request: Request, response: Response): boolean {
  const etag = response.getHeader('ETag');
  return (request.method === 'GET' || request.method === 'HEAD') && response.statusCode === 200 && typeof etag === 'string' && matches(request.headers['if-none-match'], etag.replace(/^W\//, ''));
}

function notModified(response: Response): Response {
  for (const name of ['Content-Type', 'Content-Length']) response.removeHeader(name);
  response.status(304).end();
  return response;
}

/** The best one that the client names. One that says '*' can't unpack just anything, whatever it says. */
function encodingFor(request: Request): Encoding | null {
  const named = String(request.headers['accept-encoding'] ?? '').toLowerCase();
  return (Object.keys(encoders) as Encoding[]).find((encoding) => named.includes(encoding) && request.acceptsEncodings(encoding, 'identity') === encoding) ?? null;
}
