/** Logs of batch jobs and of synchronous requests. */
import type { Request, Response } from 'express';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { logLevelOf } from '../../jobs/job.ts';
import type { StoredLogEntry } from '../../jobs/logs.ts';
import { severity, type LogLevel } from '../../log.ts';
import { queryChoice, queryLimit, queryString, queryText } from '../http/query.ts';
import { logLevels } from './definition.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';

/** GET /jobs/{job_id}/logs. */
export async function debugJob({ jobs, userId, url }: Context, request: Request, response: Response): Promise<void> {
  const job = await jobs.store.get(userId, pathVariable(request, 'job_id'));
  await sendLog(request, response, {
    operation: 'GET /jobs/{job_id}/logs', here: `${url(request)}/jobs/${job.id}/logs`, stored: logLevelOf(job), list: (page) => jobs.logs.list(job.id, page),
  });
}

/** A log that clients read in pages. */
export interface PagedLog {
  /** For messages. */
  readonly operation: string;
  /** URL of the log, without a query. */
  readonly here: string;
  /** The level from which on entries are stored. */
  readonly stored: LogLevel;
  readonly list: (page: { readonly offset?: string; readonly level: LogLevel; readonly limit?: number }) => Promise<readonly StoredLogEntry[]>;
}

/** Answers with the entries that the query asks for (`level`, `offset`, `limit`), and a link to the next ones. */
export async function sendLog(request: Request, response: Response, { operation, here, stored, list }: PagedLog): Promise<void> {
  const level = queryChoice(request, 'level', logLevels) ?? 'debug';
  const offset = queryText(request, 'offset');
  const limit = queryLimit(request);
  if (offset !== undefined && !/^\d{1,15}$/.test(offset)) throw invalidArgument(operation, 'offset', 'it must be the id of a log entry.');
  const entries = await list({ level, ...(offset === undefined ? {} : { offset }), ...(limit === undefined ? {} : { limit: limit + 1 }) });
  const page = entries.slice(0, limit);
  const next = page.length < entries.length
    ? [{ rel: 'next', href: `${here}${queryString({ offset: page.at(-1)!.id, level, limit: limit! })}`, type: 'application/json' }]
    : [];
  // What was not stored can't be shown: the stricter of both levels is the one that counts.
  response.json({ level: severity[level] > severity[stored] ? level : stored, logs: page.map(shownEntry), links: next });
}

/** The log of a POST /result, to which its header `Link` points. */
export async function debugRequest({ jobs, userId }: Context, request: Request, response: Response): Promise<void> {
  const id = pathVariable(request, 'request_id');
  const job = await jobs.store.find(id);
  if (job?.kind !== 'sync' || job.userId !== userId) throw new OpenEOError('NotFound', {}, { detail: 'Logs of synchronous requests are kept for a day.' });
  response.json({ level: logLevelOf(job), logs: (await jobs.logs.list(id)).map(shownEntry), links: [] });
}

/** openEO names the innermost node first; inside the service it is the other way round. */
export function shownEntry(entry: StoredLogEntry): StoredLogEntry {
  return entry.path === undefined ? entry : { ...entry, path: entry.path.toReversed() };
}
