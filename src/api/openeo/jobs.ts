/** Batch jobs: create, list, describe, change, delete. */
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import { logLevelOf } from '../../jobs/job.ts';
import type { Job, JobDefinition } from '../../jobs/job.ts';
import { nextPage, pageOf } from '../http/page.ts';
import { checkProcess, checkProperties, withPlan } from './definition.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';
import { monitorPath } from '../monitor/monitor-path.ts';
import { stagesOf } from './job-stages.ts';
import { linked } from './linked.ts';
import { checkParameters, readProcessing } from './processing-parameters.ts';
import { unpublishedOf } from './result-document.ts';
import { documentType } from './results-served.ts';

/** POST /jobs. */
export async function createJob(context: Context, request: Request, response: Response): Promise<void> {
  const { jobs, userId, url } = context;
  const definition = await readProcessing('job', 'POST /jobs', context, request.body as Record<string, unknown>);
  const { id } = await jobs.store.create(userId, withPlan(definition, context));
  response.status(201).set({ Location: `${url(request)}/jobs/${id}`, 'OpenEO-Identifier': id }).end();
}

/** GET /jobs: newest first, without the processes. */
export async function listJobs({ jobs, userId, url }: Context, request: Request, response: Response): Promise<void> {
  const asked = pageOf(request);
  const page = await jobs.store.list(userId, asked);
  response.json({ jobs: page.jobs.map(summary), links: nextPage(`${url(request)}/jobs`, asked, page.next) });
}

/** GET /jobs/{job_id}. */
export async function describeJob({ jobs, userId, url, baseUrl, resultDays }: Context, request: Request, response: Response): Promise<void> {
  const job = await jobs.store.get(userId, pathVariable(request, 'job_id'));
  const here = `${url(request)}/jobs/${job.id}`;
  response.json({
    // What the client sent comes first: it can't hide what the service knows.
    ...job.definition,
    ...summary(job),
    process: job.definition.process,
    log_level: logLevelOf(job),
    ...(job.usage === null ? {} : { usage: job.usage }),
    'lamina:stages': stagesOf(job),
    ...unpublishedOf(job, resultDays),
    links: [
      { rel: 'monitor', href: `${here}/logs`, type: 'application/json', title: 'Log' },
      { rel: 'monitor', href: baseUrl(request) + monitorPath(job.id), type: 'text/html', title: 'Its stages, for people' },
      ...(job.result === null ? [] : [{ rel: 'result', href: `${here}/results`, type: documentType(job.result), title: 'Results' }]),
    ],
  });
}

function summary(job: Job): Record<string, unknown> {
  const { title, description, plan, budget } = job.definition;
  return {
    id: job.id,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    status: job.status,
    progress: job.progress,
    created: job.created,
    updated: job.updated,
    ...(job.queued === null ? {} : { queued: job.queued }),
    ...(job.started === null ? {} : { started: job.started }),
    ...(plan === undefined ? {} : { plan }),
    ...(job.costs === null ? {} : { costs: job.costs }),
    ...(budget === undefined ? {} : { budget }),
  };
}

const readOnly = ['id', 'status', 'progress', 'created', 'updated', 'queued', 'started', 'unpublished', 'usage', 'costs', 'links', 'lamina:stages'];

/** PATCH /jobs/{job_id}: replaces the given properties; null takes one away. */
export async function updateJob(context: Context, request: Request, response: Response): Promise<void> {
  const { jobs, userId } = context;
  const jobId = pathVariable(request, 'job_id');
  await jobs.store.get(userId, jobId);
  const change = request.body as Record<string, unknown>;
  if (Object.keys(change).length === 0) throw new OpenEOError('NoDataForUpdate', {});
  const fixed = readOnly.find((name) => Object.hasOwn(change, name));
  if (fixed !== undefined) throw new OpenEOError('PropertyNotEditable', { property: fixed });
  if (Object.hasOwn(change, 'process')) checkProcess(change.process, await linked(context, change.process));
  checkProperties('PATCH /jobs/{job_id}', change);
  checkParameters('job', 'PATCH /jobs/{job_id}', context, change);
  await jobs.store.update(userId, jobId, (before) => {
    const after = Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, value]) => value !== null)) as unknown as JobDefinition;
    return Object.hasOwn(change, 'plan') ? withPlan(after, context) : after;
  });
  response.status(204).end();
}

/** DELETE /jobs/{job_id}. */
export async function deleteJob({ jobs, userId }: Context, request: Request, response: Response): Promise<void> {
  await jobs.delete(userId, pathVariable(request, 'job_id'));
  response.status(204).end();
}
