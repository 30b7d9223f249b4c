/** Browsers of any origin may use the service: tokens travel in headers, never in cookies. */
import type { NextFunction, Request, Response } from 'express';

/** Without those that scripts may read anyway, which the standard wants left out. */
const exposed = [
  'Link', 'Location', 'OpenEO-Costs', 'OpenEO-Identifier', 'Accept-Ranges', 'Allow', 'Content-Disposition', 'Content-Encoding', 'Content-Range', 'ETag', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id',
  'Lamina-Cache', 'Lamina-Blocks-Cached', 'Lamina-Blocks-Computed',
].join(', ');

/** Puts the headers on every answer, errors included, and answers OPTIONS. */
export function cors(request: Request, response: Response, next: NextFunction): void {
  response.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': exposed, 'X-Content-Type-Options': 'nosniff' });
  if (request.method !== 'OPTIONS') return next();
  response.set({
    'Access-Control-Allow-Methods': 'OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE',
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, Range, If-Range, If-Match, If-None-Match, If-Modified-Since, X-Request-Id',
    'Access-Control-Max-Age': '86400',
    // RFC 9110: an answer without a body has no type; openEO's clients look for it all the same.
    'Content-Type': 'application/json',
  });
  response.status(204).end();
}

/** Clients that join a base URL with a slash at its end and a path get the same answer. */
export function collapseSlashes(request: Request, _response: Response, next: NextFunction): void {
  const [path, ...query] = request.url.split('?');
  request.url = [path!.replace(/\/{2,}/g, '/'), ...query].join('?');
  next();
}
