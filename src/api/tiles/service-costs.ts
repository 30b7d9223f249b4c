/** What the map of a service costs its owner: tiles that are drawn, not those that are looked at again. */
import { OpenEOError } from '../../errors.ts';
import { costsOf, findPlan, type Billing } from '../../jobs/billing.ts';
import type { Service } from '../../services/service.ts';

/** Metrics as `usage` lists them; those that jobs have too are called alike. */
export function usageOf({ usage: { tiles, seconds, samples, blocks } }: Pick<Service, 'usage'>): Record<string, { readonly value: number; readonly unit: string }> {
  return {
    duration: { value: Math.round(seconds * 1000) / 1000, unit: 'seconds' },
    input_pixel: { value: samples, unit: 'samples' },
    embedding_blocks: { value: blocks, unit: 'blocks' },
    tiles: { value: tiles, unit: 'tiles' },
  };
}

/** In the currency of the back-end; 0 where nothing costs anything. The tile at which a budget ends is not on the bill. */
export function serviceCosts(service: Pick<Service, 'usage' | 'definition'>, billing: Billing | undefined): number {
  const { plan: name, budget = Number.POSITIVE_INFINITY } = service.definition;
  const plan = billing && billing.currency !== null ? findPlan(billing, name ?? billing.defaultPlan ?? '') : undefined;
  if (!plan) return 0;
  const { job: _, ...prices } = plan.prices;
  return Math.min(budget, costsOf({ prices }, usageOf(service)));
}

/** Throws PaymentRequired when the budget is used up: what was drawn before is still shown. */
export function refuseOverBudget(service: Service, billing: Billing | undefined): void {
  const { budget } = service.definition;
  if (budget === undefined || !billing || billing.currency === null || serviceCosts(service, billing) < budget) return;
  throw new OpenEOError('PaymentRequired', {}, { detail: `The map has used up its budget of ${budget} ${billing.currency}; its owner can raise it.` });
}
