/** GET /jobs/{job_id}/estimate: what a batch job will cost, how long it will take, and how large its files will be. */
import type { Request, Response } from 'express';
import { findPlan, freeBilling } from '../../jobs/billing.ts';
import { isoDuration } from '../../jobs/estimate.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';

/** Planning takes seconds; who waits for longer is told that it can't be told. */
const TIMEOUT_MS = 30_000;
/** What is cached and what others do changes all the time. */
const HOLDS_MS = 15 * 60 * 1000;

export async function estimateJob({ jobs, userId, billing = freeBilling }: Context, request: Request, response: Response): Promise<void> {
  const job = await jobs.store.get(userId, pathVariable(request, 'job_id'));
  const { plan: name } = job.definition;
  const plan = billing.currency === null ? null : findPlan(billing, name ?? billing.defaultPlan ?? '') ?? null;
  const client = new AbortController();
  response.once('close', () => client.abort(new Error('The client went away.')));
  const { costs, seconds, sizeBytes } = await jobs.estimate(job, plan, AbortSignal.any([client.signal, AbortSignal.timeout(TIMEOUT_MS)]));
  response.json({
    ...(costs === null ? {} : { costs }),
    ...(seconds === null ? {} : { duration: isoDuration(seconds) }),
    size: sizeBytes,
    expires: new Date(Date.now() + HOLDS_MS).toISOString(),
  });
}
