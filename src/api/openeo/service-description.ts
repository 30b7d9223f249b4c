/** GET /api (OpenAPI 3.0, for programs) and GET /api.html (for people): all that is served, listed by the standard or not. */
import type { Request, Response } from 'express';
import { layout, pageHeaders } from '../pages/layout.ts';
import { operationsPage } from '../pages/operations-page.ts';
import type { Context, Endpoint } from './endpoint.ts';
import { openApiDocument, openApiType } from './openapi.ts';

/** The endpoints with those that describe them. */
export function described(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const all: readonly Endpoint[] = [
    ...endpoints,
    { method: 'get', path: '/api', access: 'open', isListed: false, handle: (context, request, response) => describeService(all, context, request, response) },
    { method: 'get', path: '/api.html', access: 'open', isListed: false, handle: (context, request, response) => documentService(all, context, request, response) },
  ];
  return all;
}

function describeService(endpoints: readonly Endpoint[], { url, version, apiVersion }: Context, request: Request, response: Response): void {
  response.setHeader('Content-Type', openApiType);
  response.json(openApiDocument(endpoints, { url: url(request), version, apiVersion }));
}

function documentService(endpoints: readonly Endpoint[], { url, version, apiVersion, baseUrl }: Context, request: Request, response: Response): void {
  const api = url(request);
  const page = operationsPage(openApiDocument(endpoints, { url: api, version, apiVersion }), `${api}/api`);
  response.set(pageHeaders);
  response.send(Buffer.from(layout({ ...page, trail: [{ text: 'Lamina', href: `${baseUrl(request)}/` }, { text: `openEO ${apiVersion}`, href: `${api}/` }], json: `${api}/api` })));
}
