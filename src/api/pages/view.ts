/** Pages for browsers, made from the very JSON that programs get: there is no second source of what they say. */
import type { Request, RequestHandler } from 'express';
import { layout, pageHeaders, type Page } from './layout.ts';
import type { Fields } from './parts.ts';

/** Where a page is shown. */
export interface Place {
  /** URL of the document, without a query. */
  readonly here: string;
}

/** A document as a page. */
export type View = (document: Fields, place: Place) => Pick<Page, 'title' | 'body'>;

export interface ViewOptions {
  /** URL of the service, without a slash at its end. */
  readonly baseUrl: (request: Request) => string;
  /** The pages above this one; their paths are from the root of the service. */
  readonly trail: readonly { readonly text: string; readonly path: string }[];
}

/**
 * Answers with a page where a browser asks (its Accept header likes text/html better than JSON, or `?f=html`).
 * Errors stay JSON.
 */
export function asPage(view: View, { baseUrl, trail }: ViewOptions): RequestHandler {
  return (request, response, next) => {
    response.vary('Accept');
    if (!likesPages(request)) return next();
    const send = response.send.bind(response);
    response.send = (body: unknown) => {
      if (response.statusCode !== 200 || !Buffer.isBuffer(body) || !/json/.test(String(response.getHeader('Content-Type')))) return send(body);
      const base = baseUrl(request);
      const [path] = request.originalUrl.split('?');
      const page = view(JSON.parse(body.toString()) as Fields, { here: base + path!.replace(/\/+$/, '') });
      response.set(pageHeaders);
      return send(Buffer.from(layout({ ...page, trail: trail.map((each) => ({ text: each.text, href: base + each.path })), json: jsonAddress(request) })));
    };
    next();
  };
}

/** Sends browsers that come without a token to a page that asks for one; programs go on. */
export function toPage(pathOf: (request: Request) => string, baseUrl: (request: Request) => string): RequestHandler {
  return (request, response, next) => {
    response.vary('Accept');
    if (request.headers.authorization !== undefined || !likesPages(request)) return next();
    response.redirect(303, baseUrl(request) + pathOf(request));
  };
}

function likesPages(request: Request): boolean {
  if (request.query['f'] === 'html' || request.query['f'] === 'json') return request.query['f'] === 'html';
  // Programs that take anything get what they can read.
  return request.accepts(['application/json', 'text/html']) === 'text/html';
}

/** The same address for programs, relative to the page. */
function jsonAddress(request: Request): string {
  const query = new URLSearchParams(request.originalUrl.split('?')[1] ?? '');
  query.set('f', 'json');
  return `?${query.toString()}`;
}
