/** What processing costs: plans, their prices per unit of usage, and who may use which. */
import { OpenEOError } from '../errors.ts';
import type { Usage } from './job.ts';

/** What can have a price: a whole job, and the metrics of `usage` by their unit. */
export const pricedMetrics = ['job', 'duration', 'cpu', 'input_pixel', 'embedding_blocks', 'storage'] as const;

export type PricedMetric = (typeof pricedMetrics)[number];

export interface Plan {
  /** Taken in any case by the API. */
  readonly name: string;
  readonly description: string;
  readonly paid: boolean;
  /** A page that tells more. */
  readonly url?: string;
  /** Only for members of one of these groups; absent: for everybody. */
  readonly groups?: readonly string[];
  /** Price of one unit of each metric, in the currency of the back-end; what is not named is free. */
  readonly prices: Readonly<Partial<Record<PricedMetric, number>>>;
}

export interface Billing {
  /** null: nothing costs anything, and budgets limit nothing. */
  readonly currency: string | null;
  /** The plan of requests that name none; null: they must name one. */
  readonly defaultPlan: string | null;
  readonly plans: readonly Plan[];
}

/** Without a file of plans: one plan, for everybody and free. */
export const freeBilling: Billing = {
  currency: null,
  defaultPlan: 'free',
  plans: [{ name: 'free', description: 'Processing is free of charge.', paid: false, prices: {} }],
};

/** The plan of this name, in whatever case; undefined when there is none. */
export function findPlan({ plans }: Pick<Billing, 'plans'>, name: string): Plan | undefined {
  const wanted = name.toLowerCase();
  return plans.find((plan) => plan.name.toLowerCase() === wanted);
}

/** The plans that a member of these groups may use. */
export function plansOpenTo({ plans }: Billing, groups: readonly string[]): readonly Plan[] {
  return plans.filter((plan) => !plan.groups || plan.groups.some((group) => groups.includes(group)));
}

/**
 * The plan that a request is charged with.
 *
 * @param wanted as the request names it; undefined: the default plan
 * @param groups of whoever asks, as his login tells them
 * @throws BillingPlanInvalid for a plan that there is not, or that is not for him; BillingPlanMissing when
 *   none was named and the default one is not for him, or there is none
 */
export function choosePlan(billing: Billing, wanted: string | undefined, groups: readonly string[]): Plan {
  const open = plansOpenTo(billing, groups);
  const names = open.map(({ name }) => `'${name}'`).join(', ');
  const choice = open.length > 0 ? `There are ${names} for you.` : 'There is none for you.';
  const name = wanted ?? billing.defaultPlan;
  const found = name === null ? undefined : findPlan({ plans: open }, name);
  if (found) return found;
  if (wanted === undefined) throw new OpenEOError('BillingPlanMissing', {}, { detail: choice });
  throw new OpenEOError('BillingPlanInvalid', {}, { detail: choice });
}

/** What usage costs under a plan, in the currency of the back-end; rounded to a millionth. */
export function costsOf({ prices }: Pick<Plan, 'prices'>, usage: Usage): number {
  const metrics: Usage = { job: { value: 1, unit: 'job' }, ...usage };
  const sum = Object.entries(prices).reduce((total, [metric, price]) => total + price * (metrics[metric]?.value ?? 0), 0);
  return Math.round(sum * 1e6) / 1e6;
}
