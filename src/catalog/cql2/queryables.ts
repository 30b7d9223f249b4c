/** Which properties a filter may name, and of which type they are. */
import type { ValueType } from './tree.ts';

export interface Queryables {
  /** 'any' for a property of which nothing is known; null for one that can't be asked for. */
  typeOf(name: string): ValueType | null;
}

/** What every STAC item has, and times of the common metadata. */
const common: ReadonlyMap<string, ValueType> = new Map([
  ['id', 'string'], ['collection', 'string'], ['geometry', 'geometry'],
  ['datetime', 'instant'], ['start_datetime', 'instant'], ['end_datetime', 'instant'],
  ['created', 'instant'], ['updated', 'instant'], ['published', 'instant'], ['unpublished', 'instant'], ['expires', 'instant'],
]);

/** Properties of items of any collection: every name is allowed. */
export const anyQueryables: Queryables = { typeOf: (name) => common.get(name) ?? 'any' };

type Schema = Readonly<Record<string, unknown>>;

/** By the JSON Schema that /queryables shows: with `additionalProperties: false` there are no others. */
export function queryablesOf(schema: { readonly properties: Readonly<Record<string, unknown>>; readonly additionalProperties?: unknown }): Queryables {
  const isClosed = schema.additionalProperties === false;
  return {
    typeOf(name) {
      const known = Object.hasOwn(schema.properties, name);
      if (isClosed && !known) return null;
      return common.get(name) ?? (known ? typeOfSchema(schema.properties[name] as Schema) : 'any');
    },
  };
}

/** A type is only taken from a schema that allows one. */
function typeOfSchema({ type, format }: Schema): ValueType {
  switch (type) {
    case 'string': return format === 'date-time' || format === 'date' ? 'instant' : 'string';
    case 'number':
    case 'integer': return 'number';
    case 'boolean': return 'boolean';
    case 'array': return 'array';
    default: return 'any';
  }
}
