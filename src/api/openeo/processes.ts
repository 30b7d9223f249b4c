/** GET /processes: the predefined processes, exactly as they are supported. */
import type { Request, Response } from 'express';
import { pageOfList } from '../http/page.ts';
import type { Context } from './endpoint.ts';

/** The version of the openEO processes that the descriptions follow. */
const processesVersion = '2.0.0-rc.2';

export function listProcesses({ registry, url }: Context, request: Request, response: Response): void {
  const here = `${url(request)}/processes`;
  const { entries, links } = pageOfList(request, here, [...registry.values()].map((process) => process.description), ({ id }) => id);
  response.json({
    version: processesVersion,
    processes: entries,
    links: [{ rel: 'self', href: here, type: 'application/json' }, ...links],
  });
}
