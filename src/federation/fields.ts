/** What a catalog says of the properties of a collection's items: its queryables. */
import type { ItemField } from '../catalog/item-query.ts';
import { UpstreamError } from '../catalog/item-query.ts';
import type { UpstreamClient } from './client.ts';

type Fields = Readonly<Record<string, unknown>>;

const TYPES = new Set(['string', 'number', 'boolean', 'array', 'object']);
const MAX_FIELDS = 500;
const MAX_VALUES = 200;

/** [] where the catalog tells nothing. Throws UpstreamError where it does not answer. */
export async function readFields(client: UpstreamClient, url: string, signal: AbortSignal): Promise<ItemField[]> {
  try {
    const { fields } = await client.ask({ url }, signal);
    const properties = fields?.['properties'];
    if (typeof properties !== 'object' || properties === null) return [];
    return Object.entries(properties as Fields).slice(0, MAX_FIELDS).flatMap(([name, schema]) => fieldOf(name, schema) ?? []);
  } catch (error) {
    // A catalog without queryables refuses the question.
    if (error instanceof UpstreamError && error.code === 'UpstreamInvalid') return [];
    throw error;
  }
}

function fieldOf(name: string, schema: unknown): ItemField | null {
  if (typeof schema !== 'object' || schema === null) return null;
  const { type, enum: values } = schema as Fields;
  const types = (Array.isArray(type) ? type : [type]).map((one) => (one === 'integer' ? 'number' : one)).filter((one): one is string => typeof one === 'string' && TYPES.has(one));
  if (types.length === 0) return null;
  const texts = Array.isArray(values) && values.length <= MAX_VALUES && values.every((value) => typeof value === 'string') ? (values as string[]) : undefined;
  return { name: name.replace(/^properties\./, ''), types: [...new Set(types)].toSorted(), ...(texts ? { values: texts } : {}) };
}
