/** GET /processes: the predefined processes, exactly as they are supported. */
import type { Request, Response } from 'express';
import type { Context } from './endpoint.ts';

/** The version of the openEO processes that the descriptions follow. */
const processesVersion = '2.0.0-rc.2';

export function listProcesses({ registry, url }: Context, request: Request, response: Response): void {
  response.json({
    version: processesVersion,
    processes: [...registry.values()].map((process) => process.description),
    links: [{ rel: 'self', href: `${url(request)}/processes`, type: 'application/json' }],
  });
}
