/** Lists in pages, as openEO has them: `limit` says how many, links say where the others are. */
import type { Request } from 'express';
import { invalidArgument } from '../../errors.ts';
import { queryLimit, queryString, queryText } from './query.ts';

/** What a client asks for. Without a limit it is everything. */
export interface PageRequest {
  readonly limit?: number;
  /** Id of the last entry of the page before. */
  readonly after?: string;
}

export interface PageLink {
  readonly rel: 'next' | 'prev' | 'first';
  readonly href: string;
  readonly type: 'application/json';
}

/** Reads `limit` and `after`. Throws ProcessParameterInvalid for a limit that is no whole number of at least 1. */
export function pageOf(request: Request): PageRequest {
  const [limit, after] = [queryLimit(request), queryText(request, 'after')];
  return { ...(limit === undefined ? {} : { limit }), ...(after === undefined ? {} : { after }) };
}

/**
 * The link to the next page; none on the last one.
 *
 * @param here URL of the list, without a query
 * @param next id of the last entry of this page; null when nothing comes after it
 * @param kept other parameters of the request that hold on the next page too
 */
export function nextPage(here: string, { limit }: PageRequest, next: string | null, kept: Readonly<Record<string, string | number>> = {}): PageLink[] {
  return next === null || limit === undefined ? [] : [link('next', here, { ...kept, limit, after: next })];
}

/**
 * One page of a list that is at hand as a whole, with links to the next, the previous and the first page.
 *
 * @param kept other parameters of the request that hold on the other pages too
 * @throws ProcessParameterInvalid for an `after` that names no entry
 */
export function pageOfList<T>(request: Request, here: string, list: readonly T[], idOf: (entry: T) => string, kept: Readonly<Record<string, string>> = {}): { entries: readonly T[]; links: PageLink[] } {
  const { limit, after } = pageOf(request);
  const start = after === undefined ? 0 : list.findIndex((entry) => idOf(entry) === after) + 1;
  if (after !== undefined && start === 0) throw invalidArgument(`GET ${request.path}`, 'after', 'it must be that of a link to another page, and names nothing that is there.');
  if (limit === undefined) return { entries: list.slice(start), links: [] };
  const before = start - limit;
  return {
    entries: list.slice(start, start + limit),
    links: [
      ...(start + limit < list.length ? nextPage(here, { limit }, idOf(list[start + limit - 1]!), kept) : []),
      ...(start > 0 ? [link('prev', here, before > 0 ? { ...kept, limit, after: idOf(list[before - 1]!) } : { ...kept, limit }), link('first', here, { ...kept, limit })] : []),
    ],
  };
}

function link(rel: PageLink['rel'], here: string, query: Readonly<Record<string, string | number>>): PageLink {
  return { rel, href: here + queryString(query), type: 'application/json' };
}
