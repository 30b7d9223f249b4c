/** GET /processes: the predefined processes, exactly as they are supported. */
import type { Request, Response } from 'express';
import { queryLimit } from '../http/query.ts';
import type { Context } from './endpoint.ts';

/** The version of the openEO processes that the descriptions follow. */
const processesVersion = '2.0.0-rc.2';

/**
 * All of them, whatever limit is given: pages are optional in the standard, and openEO's JavaScript client, which
 * the Web Editor is built on, asks for fifty and reads no further.
 */
export function listProcesses({ registry, url }: Context, request: Request, response: Response): void {
  // A limit that is none is refused as everywhere.
  queryLimit(request);
  response.json({
    version: processesVersion,
    processes: [...registry.values()].map((process) => process.description),
    links: [{ rel: 'self', href: `${url(request)}/processes`, type: 'application/json' }],
  });
}
