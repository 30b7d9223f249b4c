/** The one place where errors become answers. */
import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { maxBodyBytes } from './json-body.ts';
import { requestIdOf } from './request-id.ts';

/** Errors that express and its body parser make. */
interface HttpError extends Error {
  readonly type?: string;
  readonly status?: number;
  readonly limit?: number;
  readonly code?: string;
}

export interface ErrorBody {
  readonly id: string;
  readonly code: string;
  readonly message: string;
  readonly links: readonly never[];
}

/** The body of an error: the same everywhere, also in POST /validation. */
export function errorBody(error: OpenEOError, id: string = randomUUID()): ErrorBody {
  return { id, code: error.code, message: messageWithPlace(error), links: [] };
}

/** Says in which node it happened, because the body of an error has no field for it. */
function messageWithPlace({ message, path }: OpenEOError): string {
  const place = path.map((node) => (node.process_id === undefined ? `'${node.node_id}'` : `'${node.node_id}' (${node.process_id})`)).join(' → ');
  return place === '' || message.includes(`'${path.at(-1)!.node_id}'`) ? message : `${message} (At node ${place}.)`;
}

/** Express's last handler. Unforeseen errors are told as Internal with an id; the rest stands in the log. */
export function answerErrors(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const id = requestIdOf(response);
    const told = toOpenEO(error, request, id, log);
    if (response.headersSent) {
      // Too late for an answer: a broken connection tells the client at least that something is missing.
      log.warning(`The answer to ${request.method} ${request.path} broke off: ${told.message}`, { data: { error_id: id } });
      response.destroy();
      return;
    }
    send(response, told, id).catch(next);
  };
}

async function send(response: Response, error: OpenEOError, id: string): Promise<void> {
  for (const name of ['Content-Type', 'Content-Length', 'Content-Encoding', 'Content-Disposition', 'ETag', 'Last-Modified']) response.removeHeader(name);
  // What is not there now may be there the next time.
  response.set('Cache-Control', 'no-store');
  if (error.retryAfterSeconds !== null && !response.hasHeader('Retry-After')) response.set('Retry-After', String(error.retryAfterSeconds));
  response.status(error.status).json(errorBody(error, id));
}

function toOpenEO(error: unknown, request: Request, id: string, log: Log): OpenEOError {
  if (error instanceof OpenEOError && error.code !== 'Internal') return error;
  const known = error instanceof OpenEOError ? error : fromHttp(error as HttpError);
  const cause = error instanceof Error ? error.stack ?? error.message : String(error);
  if (known === null || known.code === 'Internal') log.error(`${request.method} ${request.path}: ${cause}`, { data: { error_id: id } });
  return known ?? new OpenEOError('Internal', { message: `an unforeseen error, logged with id ${id}.` });
}

/** null for an error that is not the client's. */
function fromHttp(error: HttpError): OpenEOError | null {
  switch (error.type) {
    case 'entity.parse.failed': return new OpenEOError('ProcessInvalid', {}, { detail: `The request body is not valid JSON: ${error.message}` });
    case 'entity.too.large': return new OpenEOError('BodyTooLarge', { limit: error.limit ?? maxBodyBytes });
    case 'encoding.unsupported':
    case 'charset.unsupported': return new OpenEOError('ContentTypeInvalid', { types: 'application/json in UTF-8' });
    case 'entity.utf8.invalid': return new OpenEOError('ProcessInvalid', {}, { detail: 'The request body is not valid UTF-8.' });
    case 'request.aborted':
    case 'request.size.invalid': return new OpenEOError('ProcessInvalid', {}, { detail: 'The request body is incomplete.' });
    case undefined:
    default:
      if (error.code?.startsWith('Z_')) return new OpenEOError('ProcessInvalid', {}, { detail: 'The request body can\'t be unpacked.' });
      // Broken percent-encoding in the path.
      return error instanceof URIError || error.status === 400 ? new OpenEOError('NotFound', {}, { detail: 'The path is not valid.' }) : null;
  }
}
