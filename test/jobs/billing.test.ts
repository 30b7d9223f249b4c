/** Plans and prices: the file they come from, who may use which, and what usage costs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { choosePlan, costsOf, freeBilling, plansOpenTo } from '../../src/jobs/billing.ts';
import { parseBilling, readBilling } from '../../src/jobs/billing-file.ts';

const file = {
  currency: 'EUR', default_plan: 'free',
  plans: [
    { name: 'free', description: 'For trying out.', paid: false },
    { name: 'Pro', description: 'For work.', paid: true, url: 'https://example.org/pro', groups: ['customers', 'staff'], prices: { job: 0.5, embedding_blocks: 0.01, storage: 1e-6 } },
  ],
};
const billing = parseBilling(file, 'plans.json');

describe('the file of plans', () => {
  it('is read once, and absent means free', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lamina-plans-'));
    await writeFile(join(folder, 'plans.json'), JSON.stringify(file));
    expect(await readBilling(join(folder, 'plans.json'))).toEqual(billing);
    expect(await readBilling(null)).toBe(freeBilling);
    await writeFile(join(folder, 'plans.json'), '{');
    await expect(readBilling(join(folder, 'plans.json'))).rejects.toThrow(/plans\.json can't be read as JSON/);
    await expect(readBilling(join(folder, 'none.json'))).rejects.toThrow(/none\.json can't be read/);
    await rm(folder, { recursive: true });
  });

  const plan = { name: 'a', description: 'b', paid: false };
  it.each([
    ['no object', [], 'must be a JSON object'],
    ['an unknown field', { ...file, curency: 'EUR' }, 'no field curency'],
    ['an empty currency', { ...file, currency: '' }, 'currency'],
    ['no plan', { ...file, plans: [] }, 'at least one plan'],
    ['a default plan that is not there', { ...file, default_plan: 'gold' }, '\'gold\''],
    ['a plan twice', { ...file, plans: [plan, { ...plan, name: 'A' }], default_plan: 'a' }, 'same name'],
    ['a plan without a name', { ...file, plans: [{ ...plan, name: ' ' }] }, 'plan 1: name'],
    ['a negative price', { ...file, plans: [{ ...plan, prices: { job: -1 } }] }, 'price of job'],
    ['a price that is no number', { ...file, plans: [{ ...plan, prices: { cpu: '1' } }] }, 'price of cpu'],
    ['a price of nothing that is measured', { ...file, plans: [{ ...plan, prices: { water: 1 } }] }, 'no field water'],
    ['a price without a currency', { ...file, currency: null }, 'currency'],
    ['groups that are no list', { ...file, plans: [{ ...plan, groups: 'all' }] }, 'groups'],
    ['a URL that is none', { ...file, plans: [{ ...plan, url: 'nowhere' }] }, 'url'],
  ])('is refused with %s', (_, content, said) => {
    expect(() => parseBilling(content, 'plans.json')).toThrow(said);
  });
});

describe('a plan', () => {
  it('is found in whatever case, by who may use it', () => {
    expect(choosePlan(billing, 'PRO', ['staff']).name).toBe('Pro');
    expect(choosePlan(billing, undefined, []).name).toBe('free');
    expect(plansOpenTo(billing, []).map(({ name }) => name)).toEqual(['free']);
    expect(plansOpenTo(billing, ['customers']).map(({ name }) => name)).toEqual(['free', 'Pro']);
  });

  it('is refused when there is none, or it is for others', () => {
    const invalid = expect.objectContaining({ code: 'BillingPlanInvalid', message: expect.stringContaining('\'free\'') });
    expect(() => choosePlan(billing, 'gold', ['staff'])).toThrow(invalid);
    expect(() => choosePlan(billing, 'Pro', ['guests'])).toThrow(invalid);
    expect(() => choosePlan({ ...billing, defaultPlan: null }, undefined, [])).toThrow(expect.objectContaining({ code: 'BillingPlanMissing' }));
    expect(() => choosePlan({ ...billing, defaultPlan: 'Pro' }, undefined, [])).toThrow(expect.objectContaining({ code: 'BillingPlanMissing' }));
  });

  it('makes costs of usage', () => {
    const usage = { embedding_blocks: { value: 30, unit: 'blocks' }, storage: { value: 200_000, unit: 'B' }, duration: { value: 99, unit: 's' } };
    expect(costsOf(billing.plans[1]!, usage)).toBe(0.5 + 0.3 + 0.2);
    expect(costsOf(billing.plans[0]!, usage)).toBe(0);
  });
});
