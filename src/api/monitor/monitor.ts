/**
 * GET /monitor/{job_id}: a page on which a job is followed. The page itself says nothing of the job and is open to all; its script asks the
 * API in the name of whoever looks, with a token that stays in the tab.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Router, type Request, type Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import { versions } from '../openeo/endpoint.ts';
import { monitorPage } from './monitor-page.ts';

export interface MonitorDependencies {
  /** URL of the service, without a slash at its end. */
  readonly baseUrl: (request: Request) => string;
  /** Whether people log in with name and password. */
  readonly isBasicOn: boolean;
}

/** Scripts and styles of this service only. */
const policy = 'default-src \'none\'; script-src \'self\'; style-src \'self\'; img-src data:; connect-src \'self\'; base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\'';

const own = fileURLToPath(new URL('page/', import.meta.url));
const parts: ReadonlySet<string> = new Set(['monitor.js', 'stages.js', 'monitor.css']);

export function createMonitor({ baseUrl, isBasicOn }: MonitorDependencies): Router {
  const router = Router();
  router.get('/monitor/parts/:name', sendPart);
  router.get('/monitor/:job_id', (request, response) => {
    const base = baseUrl(request as unknown as Request);
    response.set({ 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy, 'Referrer-Policy': 'no-referrer', 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache' });
    response.send(Buffer.from(monitorPage({ base, api: base + versions['1.3.0'], jobId: request.params.job_id, isBasicOn })));
  });
  return router;
}

function sendPart(request: Request<{ name: string }>, response: Response): void {
  const { name } = request.params;
  if (!parts.has(name)) throw new OpenEOError('NotFound', {}, { detail: 'The page has no such part.' });
  response.sendFile(join(own, name), { maxAge: '1h' });
}
