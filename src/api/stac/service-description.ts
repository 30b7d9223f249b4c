/** GET /api (OpenAPI 3.0, for programs) and GET /api.html (for people). */
import type { RequestHandler } from 'express';
import { escapeHtml } from '../http/html.ts';
import type { StacContext } from './dependencies.ts';
import { openApiDocument, operations } from './openapi.ts';
import { OPENAPI_TYPE, sendJson } from './respond.ts';

export function serviceDescription({ baseUrl, title, description }: StacContext): RequestHandler {
  return (_request, response) => sendJson(response, openApiDocument(baseUrl, title, description), OPENAPI_TYPE);
}

export function serviceDocumentation({ baseUrl, title, description }: StacContext): RequestHandler {
  const rows = operations().map(([method, path, summary]) => `<tr><td>${method.toUpperCase()}</td><td><code>${escapeHtml(path)}</code></td><td>${escapeHtml(summary)}</td></tr>`);
  const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}td{padding:.2rem 1rem .2rem 0;vertical-align:top}</style></head>
<body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(description)}</p>
<p>This is a STAC API (STAC 1.1.0). Its root is <a href="${escapeHtml(baseUrl)}/">${escapeHtml(baseUrl)}/</a>; programs find the same description as <a href="${escapeHtml(baseUrl)}/api">OpenAPI 3.0</a>.</p>
<table>${rows.join('\n')}</table></body></html>
`;
  return (_request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.send(Buffer.from(page));
  };
}
