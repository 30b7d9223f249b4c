/** GET /api (OpenAPI 3.0, for programs) and GET /api.html (for people). */
import type { RequestHandler } from 'express';
import { layout, pageHeaders } from '../pages/layout.ts';
import { operationsPage } from '../pages/operations-page.ts';
import type { StacContext } from './dependencies.ts';
import { openApiDocument } from './openapi.ts';
import { serviceUrl } from './present.ts';
import { OPENAPI_TYPE, sendJson } from './respond.ts';

export function serviceDescription({ baseUrl, title, description }: StacContext): RequestHandler {
  return (_request, response) => sendJson(response, openApiDocument(baseUrl, title, description), OPENAPI_TYPE);
}

export function serviceDocumentation({ baseUrl, title, description }: StacContext): RequestHandler {
  const page = operationsPage(openApiDocument(baseUrl, title, description), `${baseUrl}/api`);
  return (_request, response) => {
    response.set(pageHeaders);
    response.send(Buffer.from(layout({ ...page, trail: [{ text: 'Lamina', href: `${serviceUrl(baseUrl)}/` }, { text: 'STAC', href: `${baseUrl}/` }], json: `${baseUrl}/api` })));
  };
}
