/** One line per request, when it is over. Queries stay out: they may hold signatures. */
import type { NextFunction, Request, Response } from 'express';
import type { Log } from '../../log.ts';
import { requestIdOf } from './request-id.ts';

/** Server errors and slow answers stand out; the rest is for debugging. */
export function logRequests(log: Log): (request: Request, response: Response, next: NextFunction) => void {
  return (request, response, next) => {
    const started = performance.now();
    const { method, path } = request;
    response.once('close', () => {
      const ms = Math.round(performance.now() - started);
      const level = response.statusCode >= 500 ? 'warning' : 'debug';
      log[level](`${method} ${path} ${response.writableFinished ? response.statusCode : 'broken off'} ${ms} ms`, { data: { request_id: requestIdOf(response) } });
    });
    next();
  };
}
