/** Every request has a name: it stands in the answer, in the error object and in the log. */
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const header = 'X-Request-Id';

/** Takes over the name that a client or proxy gave, when it is one that can stand in a header and in a log. */
export function nameRequests(request: Request, response: Response, next: NextFunction): void {
  const given = request.headers['x-request-id'];
  response.setHeader(header, typeof given === 'string' && /^[\w.:=@+/-]{1,128}$/.test(given) ? given : randomUUID());
  next();
}

/** The name of the request that is answered. */
export function requestIdOf(response: Response): string {
  const name = response.getHeader(header);
  return typeof name === 'string' ? name : randomUUID();
}
