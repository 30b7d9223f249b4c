/** Sends a resource over HTTP: GET, HEAD, one byte range, ETag (RFC 9110). */
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { ByteRange } from '../../storage/object-store.ts';
import type { Resource } from './resource.ts';

export interface Presentation {
  readonly mediaType: string;
  /** What a browser calls the file when it saves it. */
  readonly name: string;
  /** Whether a browser may show it; default inline. */
  readonly disposition?: 'inline' | 'attachment';
}

/** Answers with the resource, a part of it (206) or 304. Throws RangeNotSatisfiable, and NotFound when it vanishes meanwhile. */
export async function sendResource(request: Request, response: Response, resource: Resource, { mediaType, name, disposition = 'inline' }: Presentation): Promise<void> {
  const etag = `"${resource.etag}"`;
  response.set({
    'Accept-Ranges': 'bytes',
    ETag: etag,
    'Last-Modified': new Date(resource.modified).toUTCString(),
    'Cache-Control': 'private, max-age=300',
  });
  if (matches(request.headers['if-none-match'], etag)) return void response.status(304).end();
  const range = requestedRange(request, etag, resource.sizeBytes);
  if (range === 'unsatisfiable') {
    response.set('Content-Range', `bytes */${resource.sizeBytes}`);
    throw new OpenEOError('RangeNotSatisfiable', { size: resource.sizeBytes });
  }
  // Not response.set for the type: it would add a charset to some.
  response.setHeader('Content-Type', mediaType);
  response.set('Content-Disposition', `${disposition}; filename*=UTF-8''${encodeURIComponent(name)}`);
  const length = range === null ? resource.sizeBytes : range.last - range.first + 1;
  response.set('Content-Length', String(length));
  if (range !== null) response.status(206).set('Content-Range', `bytes ${range.first}-${range.last}/${resource.sizeBytes}`);
  if (request.method === 'HEAD' || length === 0) return void response.end();
  const stream = await resource.stream(range ?? undefined);
  if (stream === null) throw new OpenEOError('NotFound', {});
  await pipeline(stream, response).catch((error: NodeJS.ErrnoException) => {
    // A client that stops reading has what it wanted.
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
}

/** True when an If-None-Match header names the ETag: the client has a copy. */
export function matches(header: string | undefined, etag: string): boolean {
  return header !== undefined && header.split(',').some((each) => ['*', etag].includes(each.trim().replace(/^W\//, '')));
}

/** The asked-for part; null for the whole: without a range, with several, or when the object is another one by now. */
function requestedRange(request: Request, etag: string, sizeBytes: number): ByteRange | 'unsatisfiable' | null {
  const condition = request.headers['if-range'];
  if (request.headers.range === undefined || (condition !== undefined && condition !== etag)) return null;
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range.replace(/\s/g, '')) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return null;
  // 'bytes=-5' means the last five.
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  return start >= sizeBytes || (first === '' && Number(last) === 0) ? 'unsatisfiable' : { first: start, last: end };
}
