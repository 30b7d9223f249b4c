/** The file with the plans of a deployment: JSON, read once at the start. docs/configuration.md shows one. */
import { readFile } from 'node:fs/promises';
import { findPlan, freeBilling, pricedMetrics } from './billing.ts';
import type { Billing, Plan, PricedMetric } from './billing.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the plans; without a path there is the free one.
 *
 * @throws an Error that names the file and what is wrong in it
 */
export async function readBilling(path: string | null): Promise<Billing> {
  if (path === null) return freeBilling;
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new Error(`${path} can't be read as JSON: ${(cause as Error).message}`, { cause });
  }
  return parseBilling(content, path);
}

/** Throws an Error that begins with `where`. */
export function parseBilling(content: unknown, where: string): Billing {
  const { currency, default_plan: defaultPlan = null, plans } = fieldsOf(content, ['currency', 'default_plan', 'plans'], where);
  if (currency !== null && !isText(currency)) throw new Error(`${where}: currency must be a text such as 'EUR' or 'credits', or null when nothing costs anything.`);
  if (!Array.isArray(plans) || plans.length === 0) throw new Error(`${where}: plans must be a list with at least one plan.`);
  const parsed = plans.map((plan, i) => parsePlan(plan, `${where}, plan ${i + 1}`));
  if (new Set(parsed.map(({ name }) => name.toLowerCase())).size < parsed.length) throw new Error(`${where}: two plans have the same name.`);
  if (defaultPlan !== null && !isText(defaultPlan)) throw new Error(`${where}: default_plan must be the name of a plan.`);
  const billing = { currency, defaultPlan, plans: parsed };
  if (defaultPlan !== null && !findPlan(billing, defaultPlan)) throw new Error(`${where}: default_plan names '${defaultPlan}', and there is no such plan.`);
  if (currency === null && parsed.some(({ paid, prices }) => paid || Object.keys(prices).length > 0)) throw new Error(`${where}: prices and paid plans need a currency.`);
  return billing;
}

function parsePlan(value: unknown, where: string): Plan {
  const { name, description, paid, url, groups, prices = {} } = fieldsOf(value, ['name', 'description', 'paid', 'url', 'groups', 'prices'], where);
  if (!isText(name)) throw new Error(`${where}: name must be a text.`);
  if (!isText(description)) throw new Error(`${where}: description must be a text.`);
  if (typeof paid !== 'boolean') throw new Error(`${where}: paid must be true or false.`);
  if (url !== undefined && !(isText(url) && URL.canParse(url))) throw new Error(`${where}: url must be a URL.`);
  if (groups !== undefined && !(Array.isArray(groups) && groups.every(isText))) throw new Error(`${where}: groups must be a list of texts.`);
  return { name, description, paid, ...(url !== undefined && { url }), ...(groups !== undefined && { groups }), prices: parsePrices(prices, where) };
}

function parsePrices(value: unknown, where: string): Plan['prices'] {
  const prices = fieldsOf(value, pricedMetrics, `${where}: prices`);
  for (const [metric, price] of Object.entries(prices)) {
    if (typeof price !== 'number' || !Number.isFinite(price) || price < 0) throw new Error(`${where}: the price of ${metric} must be a number that is not negative.`);
  }
  return prices as Partial<Record<PricedMetric, number>>;
}

function fieldsOf(value: unknown, known: readonly string[], where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where} must be a JSON object.`);
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`${where}: there is no field ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  return value as Fields;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
