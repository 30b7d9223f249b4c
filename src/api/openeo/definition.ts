/** Requests to process something: what POST /result, POST /jobs and PATCH /jobs/{job_id} have in common. */
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { validate } from '../../graph/parse.ts';
import type { ProcessRegistry } from '../../graph/process.ts';
import { choosePlan, freeBilling } from '../../jobs/billing.ts';
import type { JobDefinition } from '../../jobs/job.ts';
import type { LogLevel } from '../../log.ts';
import type { Context } from './endpoint.ts';

export const logLevels: readonly LogLevel[] = ['error', 'warning', 'info', 'debug'];

/**
 * Checks a request body and gives it without its nulls, which clients send for what they do not set.
 *
 * @param link adds the user-defined processes that a process needs
 * @throws ProcessGraphMissing without a process, the first error of the process graph, or
 *   ProcessParameterInvalid for a property of the wrong type
 */
export async function checkDefinition(endpoint: string, body: Readonly<Record<string, unknown>>, link: (process: unknown) => Promise<ProcessRegistry>): Promise<JobDefinition> {
  const definition = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  checkProcess(definition.process, await link(definition.process));
  checkProperties(endpoint, definition);
  return definition as unknown as JobDefinition;
}

/**
 * @param given parameters that the process will be given without declaring them
 * @throws the first error of a process, saying how many more there are
 */
export function checkProcess(process: unknown, registry: ProcessRegistry, given: Iterable<string> = []): void {
  if (process === undefined || process === null) throw new OpenEOError('ProcessGraphMissing', {}, { detail: 'The request lacks the property `process`.' });
  const [first, ...more] = validate(process, registry, given);
  if (first === undefined) return;
  if (more.length > 0) first.message += ` There ${more.length === 1 ? 'is 1 more error' : `are ${more.length} more errors`}; POST /validation lists all.`;
  throw first;
}

/** Checks the properties that the standard knows; further ones are the client's business. */
export function checkProperties(endpoint: string, { title, description, log_level: level, plan, budget }: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries({ title, description, plan })) {
    if (value !== undefined && value !== null && typeof value !== 'string') throw invalidArgument(endpoint, name, 'it must be a text.');
  }
  if (level !== undefined && level !== null && !(logLevels as readonly unknown[]).includes(level)) {
    throw invalidArgument(endpoint, 'log_level', `it must be one of ${logLevels.join(', ')}.`);
  }
  if (budget === undefined || budget === null) return;
  if (typeof budget !== 'number' || !Number.isFinite(budget)) throw invalidArgument(endpoint, 'budget', 'it must be a number.');
  if (budget < 0) throw new OpenEOError('BudgetInvalid', {}, { detail: 'It must not be below zero.' });
}

/**
 * The definition with the plan that it is charged with, by its own name.
 *
 * @throws BillingPlanInvalid and BillingPlanMissing as `choosePlan` does
 */
export function withPlan<D extends Pick<JobDefinition, 'plan'>>(definition: D, { billing = freeBilling, identity }: Pick<Context, 'billing' | 'identity'>): D {
  return { ...definition, plan: choosePlan(billing, definition.plan, identity?.groups ?? []).name };
}
