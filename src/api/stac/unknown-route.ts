/** What no route of the STAC API took: 404, or 405 where other methods would have been right. */
import type { RequestHandler } from 'express';
import { operations } from './openapi.ts';
import { StacRequestError } from './respond.ts';

/** The last handler of the router but one: no route took the request. */
export const unknownRoute: RequestHandler = (request, response, next) => {
  const allowed = operations().filter(([, path]) => new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+').replace('.', '\\.')}/?$`).test(request.path)).map(([method]) => method.toUpperCase());
  if (allowed.length === 0) return next(new StacRequestError(404, 'NotFound', `There is nothing at ${request.path}.`));
  response.set('Allow', allowed.join(', '));
  next(new StacRequestError(405, 'MethodNotAllowed', `${request.path} has ${allowed.join(', ')} only.`));
};
