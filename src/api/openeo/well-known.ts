/** GET /.well-known/openeo: which versions there are, and where. */
import type { Request, Response } from 'express';
import { versions } from './endpoint.ts';

export function listVersions(baseUrl: (request: Request) => string): (request: Request, response: Response) => void {
  return (request, response) => {
    const base = baseUrl(request);
    response.json({
      versions: Object.entries(versions).map(([version, path]) => ({ url: `${base}${path}/`, api_version: version, production: false })),
    });
  };
}
