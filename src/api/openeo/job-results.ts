/** Results of batch jobs: start, stop, list. */
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import { choosePlan, freeBilling } from '../../jobs/billing.ts';
import type { Billing } from '../../jobs/billing.ts';
import { isUnderWay } from '../../jobs/job.ts';
import type { Job, JobDefinition } from '../../jobs/job.ts';
import { noResult } from '../../jobs/results.ts';
import { queryFlag } from '../http/query.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';
import { shownEntry } from './logs.ts';
import { sendDocument } from './results-served.ts';

/** POST /jobs/{job_id}/results. */
export async function startJob({ jobs, userId, billing = freeBilling, identity }: Context, request: Request, response: Response): Promise<void> {
  const job = await jobs.store.get(userId, pathVariable(request, 'job_id'));
  if (!isUnderWay(job.status)) checkPayment(job.definition, billing, identity?.groups ?? []);
  await jobs.start(userId, job.id);
  response.status(202).end();
}

/** Throws BillingPlanInvalid when the plan is not there any more, and PaymentRequired for a budget that even beginning exceeds. */
export function checkPayment({ plan: name, budget }: JobDefinition, billing: Billing, groups: readonly string[]): void {
  const { prices } = choosePlan(billing, name, groups);
  if (billing.currency !== null && budget !== undefined && (prices.job ?? 0) > budget) {
    throw new OpenEOError('PaymentRequired', {}, { detail: `Each run costs ${prices.job} ${billing.currency}, and the budget is ${budget}.` });
  }
}

/** DELETE /jobs/{job_id}/results. */
export async function stopJob({ jobs, userId }: Context, request: Request, response: Response): Promise<void> {
  await jobs.cancel(userId, pathVariable(request, 'job_id'));
  response.status(204).end();
}

/** GET /jobs/{job_id}/results. */
export async function listResults({ jobs, userId, baseUrl, url, signer, resultDays, billing }: Context, request: Request, response: Response): Promise<void> {
  const job = await jobs.store.get(userId, pathVariable(request, 'job_id'));
  const partial = queryFlag(request, 'partial');
  if (job.status === 'error' && !(partial && job.result !== null)) {
    const error = await jobs.logs.lastError(job.id);
    const fallback = { id: '0', level: 'error' as const, code: 'Internal', message: 'The job failed without a word.', time: job.updated };
    response.status(424).json(shownEntry(error ?? fallback));
    return;
  }
  requireResults(job, partial);
  const isUnfinished = job.status !== 'finished';
  const settings = { base: baseUrl(request), self: `${url(request)}/jobs/${job.id}/results`, signer, partial: partial && isUnfinished, resultDays };
  // Downloads are free for the owner, who is the only one who gets here.
  if (typeof billing?.currency === 'string') response.set('OpenEO-Costs', '0');
  // openEO lets clients force GeoJSON, which a Collection is not.
  sendDocument(response, job, job.result ?? noResult, settings, request.accepts(['application/json', 'application/geo+json']) === 'application/geo+json');
}

/** DELETE /jobs/{job_id}/results/links, an addition to the standard: ends the links to the results that were given out. */
export async function revokeLinks({ jobs, userId }: Context, request: Request, response: Response): Promise<void> {
  await jobs.store.revokeLinks(userId, pathVariable(request, 'job_id'));
  response.status(204).end();
}

function requireResults({ status, result }: Job, partial: boolean): void {
  if (status === 'finished' && result === null) throw new OpenEOError('ResultLinkExpired', {}, { detail: 'The results were kept for as long as the service keeps them; start the job again to have them anew.' });
  if (status === 'created') throw new OpenEOError('JobNotStarted', {});
  if (partial || status === 'finished') return;
  const detail = status === 'canceled' ? 'It was canceled; what it had computed is to be had with `partial=true`.' : undefined;
  if (isUnderWay(status) || status === 'canceled') throw new OpenEOError('JobNotFinished', {}, detail === undefined ? {} : { detail });
}
