/** Request bodies: JSON objects of bounded size. */
import { isUtf8 } from 'node:buffer';
import express from 'express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import { isDeeperThan, MAX_JSON_DEPTH } from '../../graph/json-depth.ts';

/** The largest known process graphs have some hundred kilobytes, polygons included. */
export const maxBodyBytes = 8 * 1024 * 1024;

const types = ['application/json', 'application/*+json'];
const parse = express.json({ limit: maxBodyBytes, type: types, strict: false, verify: requireUtf8 });

/**
 * Reads the body, which must be a JSON object, into request.body.
 *
 * @throws ContentTypeInvalid for another media type, ProcessInvalid for a missing, broken or too large body
 */
export const jsonBody: RequestHandler = (request: Request, response: Response, next: NextFunction) => {
  if (!hasBody(request)) return next(new OpenEOError('ProcessInvalid', {}, { detail: 'The request has no body.' }));
  if (!request.is(types)) return next(new OpenEOError('ContentTypeInvalid', { types: 'application/json' }));
  parse(request, response, (error?: unknown) => {
    if (error) return next(error);
    const body = request.body as unknown;
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return next(new OpenEOError('ProcessInvalid', {}, { detail: 'The request body must be a JSON object.' }));
    if (isDeeperThan(body, MAX_JSON_DEPTH)) return next(new OpenEOError('ProcessInvalid', {}, { detail: `The request body is nested more than ${MAX_JSON_DEPTH} deep.` }));
    next();
  });
};

/**
 * JSON is UTF-8; a reader that puts signs of its own in place of broken ones would change what was sent. For
 * express.json, as `verify`.
 */
export function requireUtf8(_request: unknown, _response: unknown, bytes: Buffer, encoding: string): void {
  if (encoding !== 'utf-8') throw Object.assign(new Error(`The charset is ${encoding}.`), { type: 'charset.unsupported' });
  if (!isUtf8(bytes)) throw Object.assign(new Error('The body is not valid UTF-8.'), { type: 'entity.utf8.invalid' });
}

function hasBody(request: Request): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}
