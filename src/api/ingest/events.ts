/**
 * POST /ingest/events: takes the event notifications of object stores and answers at once; what follows
 * from them is looked up by the workers. Absent without a token.
 */
import { createHash } from 'node:crypto';
import express, { Router, type Request, type RequestHandler } from 'express';
import { parseEvents, type ObjectEvent } from '../../catalog/ingest/object-events.ts';
import { OpenEOError } from '../../errors.ts';
import type { TaskQueues } from '../../jobs/queue.ts';
import { equalTexts } from '../auth/passwords.ts';

export interface EventDependencies {
  readonly queues: TaskQueues;
  /** null: there is no such route. */
  readonly token: string | null;
}

/** Amazon sends one record at a time, MinIO up to some hundred. */
const MAX_EVENTS = 1000;
const MAX_BODY = '2mb';

/** A router for '/ingest'. */
export function createEventRouter(dependencies: EventDependencies): Router {
  const router = Router();
  if (dependencies.token === null) return router;
  // MinIO sends no content type that one could rely on.
  router.post('/events', authenticated(dependencies.token), express.json({ type: () => true, limit: MAX_BODY }), receive(dependencies.queues));
  return router;
}

/** Before the body is read: nobody else may keep the service busy. */
function authenticated(token: string): RequestHandler {
  return (request, response, next) => {
    const given = tokenOf(request);
    if (given === null) response.set('WWW-Authenticate', 'Bearer realm="Lamina events"');
    if (given === null) return next(new OpenEOError('AuthenticationRequired', {}));
    if (!equalTexts(given, token)) return next(new OpenEOError('TokenInvalid', {}));
    next();
  };
}

/** MinIO sends the token as it is configured, with or without the word 'Bearer'. */
function tokenOf({ headers }: Request): string | null {
  const given = headers.authorization?.trim().replace(/^bearer\s+/i, '') ?? '';
  return given === '' ? null : given;
}

function receive(queues: TaskQueues): RequestHandler {
  return async (request, response) => {
    const events = parseEvents(request.body);
    if (events === null) throw new OpenEOError('ProcessInvalid', {}, { detail: 'The body is no event notification of S3: it has no `Records`.' });
    if (events.length > MAX_EVENTS) throw new OpenEOError('ProcessInvalid', {}, { detail: `A notification may have ${MAX_EVENTS} records.` });
    for (const event of events) await queues.add('backfill', { id: taskId(event), payload: { kind: 'object', payload: { bucket: event.bucket, key: event.key } } });
    response.status(202).json({ accepted: events.length });
  };
}

/** An event that is delivered twice makes one task; every other event of the same object makes its own. */
function taskId({ bucket, key, kind, mark }: ObjectEvent): string {
  return `object-${createHash('sha256').update(JSON.stringify([bucket, key, kind, mark])).digest('hex').slice(0, 40)}`;
}
