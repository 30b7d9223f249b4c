/** Checks the options of save_result against the parameters that a format declares. */
import { invalidArgument } from '../errors.ts';
import type { FormatDescription } from './writer.ts';

/** The part of JSON Schema that format parameters are described with. */
interface ParameterSchema {
  readonly description: string;
  readonly type: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly pattern?: string;
  readonly items?: { readonly type: string };
  readonly default?: unknown;
}

export type Options = Readonly<Record<string, unknown>>;

/**
 * The options completed with the defaults. Throws ProcessParameterInvalid (save_result, options) that
 * names the option: unknown ones with the list of those there are, others with what was expected.
 */
export function readOptions(description: FormatDescription, given: Options): Options {
  const parameters = description.parameters as Readonly<Record<string, ParameterSchema>>;
  const names = Object.keys(parameters);
  for (const [name, value] of Object.entries(given)) {
    const schema = parameters[name];
    if (!schema) throw refuse(`'${name}' is not an option of ${description.title}; there ${names.length > 0 ? `are ${names.join(', ')}` : 'are none'}`);
    if (value === undefined || value === null) continue;
    const problem = mismatch(schema, value);
    if (problem) throw refuse(`'${name}' must be ${problem}`);
  }
  const stated = Object.entries(given).filter(([, value]) => value !== undefined && value !== null);
  const defaults = Object.entries(parameters).filter(([, schema]) => schema.default !== undefined).map(([name, schema]) => [name, schema.default]);
  return { ...Object.fromEntries(defaults), ...Object.fromEntries(stated) };
}

/** The refusal of an option whose value fits its schema but not the data. */
export function refuse(reason: string): Error {
  return invalidArgument('save_result', 'options', reason);
}

function mismatch(schema: ParameterSchema, value: unknown): string | undefined {
  if (schema.enum) return schema.enum.includes(value) ? undefined : `one of ${schema.enum.map((v) => JSON.stringify(v)).join(', ')}`;
  const types = [schema.type].flat();
  const type = types.find((candidate) => hasType(candidate, value));
  if (type === undefined) return `of type ${types.join(' or ')}`;
  if (typeof value === 'number' && schema.minimum !== undefined && value < schema.minimum) return `at least ${schema.minimum}`;
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) return `a text that matches ${schema.pattern}`;
  if (Array.isArray(value) && schema.items && !value.every((item) => hasType(schema.items!.type, item))) return `an array of ${schema.items.type}s`;
  return undefined;
}

function hasType(type: string, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value);
  return typeof value === type;
}
