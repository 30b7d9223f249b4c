/** Checks the options of save_result against the parameters that a format declares. */
import { invalidArgument } from '../errors.ts';
import type { FormatDescription } from './writer.ts';

/** The part of JSON Schema that format parameters are described with. */
interface ParameterSchema {
  readonly description: string;
  readonly type: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly items?: { readonly type: string };
  readonly default?: unknown;
}

export type Options = Readonly<Record<string, unknown>>;

/** Other name → name in our list, where other back-ends and tools call the same thing so. */
export type Aliases = Readonly<Record<string, string>>;

/** The parameter `filename_prefix`, which all formats share; `what` begins its description. */
export function filenamePrefix(what = 'Name of the file, without its ending.'): ParameterSchema {
  return { description: what, type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', default: 'result' };
}

/**
 * The options completed with the defaults. Texts of a list of choices may be in upper or lower case. Throws
 * ProcessParameterInvalid (`process`, options) that names the option: unknown ones with the list of those
 * there are, others with what was expected.
 */
export function readOptions(description: FormatDescription, given: Options, aliases: Aliases = {}, process = 'save_result'): Options {
  const parameters = description.parameters as Readonly<Record<string, ParameterSchema>>;
  const names = Object.keys(parameters);
  const stated: Record<string, unknown> = {};
  for (const [alias, value] of Object.entries(given)) {
    const name = aliases[alias] ?? alias;
    const schema = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (!schema) throw refuse(`'${alias}' is not an option of ${description.title}; there ${names.length > 0 ? `are ${names.join(', ')}` : 'are none'}`, process);
    if (value === undefined || value === null) continue;
    if (Object.hasOwn(stated, name)) throw refuse(`'${alias}' and another option mean the same: give '${name}' once`, process);
    const chosen = choiceOf(schema, value);
    const problem = mismatch(schema, chosen);
    if (problem) throw refuse(`'${alias}' must be ${problem}`, process);
    stated[name] = chosen;
  }
  const defaults = Object.entries(parameters).filter(([, schema]) => schema.default !== undefined).map(([name, schema]) => [name, schema.default]);
  return { ...Object.fromEntries(defaults), ...stated };
}

/** The refusal of an option whose value fits its schema but not the data. */
export function refuse(reason: string, process = 'save_result'): Error {
  return invalidArgument(process, 'options', reason);
}

/** A choice as the list spells it; any other value as it is. */
function choiceOf(schema: ParameterSchema, value: unknown): unknown {
  if (typeof value !== 'string' || !schema.enum) return value;
  return schema.enum.find((choice) => typeof choice === 'string' && choice.toLowerCase() === value.toLowerCase()) ?? value;
}

function mismatch(schema: ParameterSchema, value: unknown): string | undefined {
  if (schema.enum) return schema.enum.includes(value) ? undefined : `one of ${schema.enum.map((v) => JSON.stringify(v)).join(', ')}`;
  const types = [schema.type].flat();
  const type = types.find((candidate) => hasType(candidate, value));
  if (type === undefined) return `of type ${types.join(' or ')}`;
  if (typeof value === 'number') return outside(schema, value);
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) return `a text that matches ${schema.pattern}`;
  if (Array.isArray(value) && schema.items && !value.every((item) => hasType(schema.items!.type, item))) return `an array of ${schema.items.type}s`;
  return undefined;
}

function outside({ minimum, maximum }: ParameterSchema, value: number): string | undefined {
  if (minimum !== undefined && value < minimum) return `at least ${minimum}`;
  return maximum !== undefined && value > maximum ? `at most ${maximum}` : undefined;
}

function hasType(type: string, value: unknown): boolean {
  switch (type) {
    case 'array': return Array.isArray(value);
    case 'object': return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer': return Number.isInteger(value);
    case 'number': return typeof value === 'number' && Number.isFinite(value);
    default: return typeof value === type;
  }
}
