/** How STAC answers look: JSON with an exact media type, and errors as { code, description }. */
import type { NextFunction, Request, Response } from 'express';
import { isOpenEOError } from '../../errors.ts';
import { LayerInvalid, type LayerFault } from '../../layers/layer-faults.ts';
import type { Log } from '../../log.ts';
import { requestIdOf } from '../http/request-id.ts';
import { downgraded } from './downgrade.ts';

export const JSON_TYPE = 'application/json';
export const GEOJSON_TYPE = 'application/geo+json';
export const SCHEMA_TYPE = 'application/schema+json';
export const OPENAPI_TYPE = 'application/vnd.oai.openapi+json;version=3.0';

/** A request that can't be answered; the description is for the caller. */
export class StacRequestError extends Error {
  override readonly name = 'StacRequestError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

/** A parameter has a value that the standard does not allow. */
export function invalidParameter(name: string, reason: string): StacRequestError {
  return new StacRequestError(400, 'InvalidParameterValue', `The parameter '${name}' is invalid: ${reason}.`);
}

export function notFound(kind: 'collection' | 'item', id: string): StacRequestError {
  return new StacRequestError(404, 'NotFound', `There is no ${kind} '${id}'.`);
}

/** Sends JSON under exactly this media type (express would add a charset, which JSON does not have). */
export function sendJson(response: Response, body: unknown, type: string = JSON_TYPE): void {
  response.setHeader('Content-Type', type);
  response.send(Buffer.from(JSON.stringify(inVersion(response, body))));
}

/** A document in the version in which the answer is wanted. */
export function inVersion(response: Response, body: unknown): unknown {
  return response.locals[VERSION] === OLD_VERSION ? downgraded(body) : body;
}

/** Where an answer remembers in which version of STAC it is wanted. */
const VERSION = 'stacVersion';
/** The version that older clients ask for, and the path under which they find everything in it. */
export const OLD_VERSION = '1.0.0';

/** Answers that are sent with sendJson come as STAC 1.0. */
export function answerInOldVersion(response: Response): void {
  response.locals[VERSION] = OLD_VERSION;
}

/** A path parameter of the route. */
export function pathParameter(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
}

/** The last handler of the router: every error becomes an answer, and what is ours to mend goes to the log. */
export function errorHandler(log: Log) {
  // express knows error handlers by their four parameters.
  return (error: unknown, _request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const { status, code, description, ...more } = describeError(error);
    const id = requestIdOf(response);
    if (code === 'Internal') log.error(`STAC request failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, { data: { error_id: id } });
    if (isOpenEOError(error) && error.retryAfterSeconds !== null) response.set('Retry-After', String(error.retryAfterSeconds));
    response.status(status).set('Cache-Control', 'no-store');
    // STAC's names and openEO's, so that the clients of both can read it.
    sendJson(response, { id, code, description, message: description, links: [], ...more });
  };
}

function describeError(error: unknown): { status: number; code: string; description: string; faults?: readonly LayerFault[] } {
  if (error instanceof StacRequestError) return { status: error.status, code: error.code, description: error.message };
  if (error instanceof LayerInvalid) {
    // One fault has a code of its own; of several only that the layer is not valid.
    const [only, ...more] = error.faults;
    return { status: error.status, code: only && more.length === 0 ? only.code : error.code, description: error.message, faults: error.faults };
  }
  if (isOpenEOError(error) && error.code !== 'Internal') return { status: error.status, code: error.code, description: error.message };
  const { type, status } = error as { type?: string; status?: number };
  if (type === 'entity.parse.failed') return { status: 400, code: 'InvalidBody', description: 'The body is not valid JSON.' };
  if (type === 'entity.utf8.invalid' || type === 'charset.unsupported') return { status: 400, code: 'InvalidBody', description: 'The body is not JSON in UTF-8.' };
  if (type === 'entity.too.large') return { status: 413, code: 'BodyTooLarge', description: 'The body is larger than is read here (1 MB; items: 8 MB).' };
  // Malformed percent-encoding in the path, unsupported charset and the like.
  if (typeof status === 'number' && status >= 400 && status < 500) return { status, code: 'InvalidRequest', description: 'The request is malformed.' };
  return { status: 500, code: 'Internal', description: 'The server failed to answer this request.' };
}
