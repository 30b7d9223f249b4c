/** GET /services/{service_id}/logs. */
import type { Request, Response } from 'express';
import { invalidArgument } from '../../errors.ts';
import { severity } from '../../log.ts';
import { logLevelOf } from '../../services/service.ts';
import { queryChoice, queryLimit, queryString, queryText } from '../http/query.ts';
import { logLevels } from './definition.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';
import { shownEntry } from './logs.ts';
import { partsOf } from './services.ts';

export async function debugService(context: Context, request: Request, response: Response): Promise<void> {
  const { store, logs } = partsOf(context);
  const service = await store.get(context.userId, pathVariable(request, 'service_id'));
  const level = queryChoice(request, 'level', logLevels) ?? 'debug';
  const offset = queryText(request, 'offset');
  const limit = queryLimit(request);
  if (offset !== undefined && !/^\d{1,15}$/.test(offset)) throw invalidArgument('GET /services/{service_id}/logs', 'offset', 'it must be the id of a log entry.');
  const entries = await logs.list(service.id, { level, ...(offset === undefined ? {} : { offset }), ...(limit === undefined ? {} : { limit: limit + 1 }) });
  const page = entries.slice(0, limit);
  const next = page.length < entries.length
    ? [{ rel: 'next', href: `${context.url(request)}/services/${service.id}/logs${queryString({ offset: page.at(-1)!.id, level, limit: limit! })}`, type: 'application/json' }]
    : [];
  // What was not stored can't be shown: the stricter of both levels is the one that counts.
  const stored = logLevelOf(service);
  response.json({ level: severity[level] > severity[stored] ? level : stored, logs: page.map(shownEntry), links: next });
}
