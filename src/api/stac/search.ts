/** GET and POST /search: items of all collections. */
import type { RequestHandler } from 'express';
import type { StacLink } from '../../catalog/types.ts';
import type { StacContext } from './dependencies.ts';
import { parseFieldChoice, parseFieldChoiceBody, parseSearchBody, parseSearchQuery } from './parse-query.ts';
import { nextLink, presentPage, selfUrl } from './present.ts';
import { sendPage } from './page-forms.ts';
import { GEOJSON_TYPE } from './respond.ts';

export function searchByQuery(context: StacContext): RequestHandler {
  return async (request, response) => {
    const fields = parseFieldChoice(request.query);
    const page = await context.items.search({ ...parseSearchQuery(request.query), user: context.user });
    const self = selfUrl(context, request.originalUrl, '/search');
    await sendPage(request, response, presentPage(page, self, nextLink(self, page.next), context, fields));
  };
}

/** The body has been parsed by express.json(). */
export function searchByBody(context: StacContext): RequestHandler {
  return async (request, response) => {
    const body = (request.body === undefined ? {} : request.body) as unknown;
    const query = parseSearchBody(body);
    const fields = parseFieldChoiceBody(body as Readonly<Record<string, unknown>>);
    const page = await context.items.search({ ...query, user: context.user });
    const self = `${context.baseUrl}/search`;
    // The whole body is repeated, so a client need not know how to merge.
    const next: StacLink[] = page.next === null ? [] : [{ rel: 'next', href: self, type: GEOJSON_TYPE, method: 'POST', body: { ...(body as object), token: page.next }, merge: false }];
    await sendPage(request, response, presentPage(page, self, next, context, fields));
  };
}
