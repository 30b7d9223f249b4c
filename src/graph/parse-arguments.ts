/** Parses the arguments of a node: references, callbacks, and values that are checked against the description. */
import { invalidArgument, isOpenEOError, OpenEOError } from '../errors.ts';
import type { Argument } from './graph.ts';
import { isObject, MAX_DEPTH, type ParseContext } from './parse-context.ts';
import type { Process } from './process.ts';
import { alternatives, callbackSchema, checkValue, propertySchema } from './schema.ts';
import { describeValue } from './schema-words.ts';
import type { Value } from './value.ts';
import type { ParameterDescription } from './wire.ts';

/** Names that an error message lists. */
const MAX_NAMES = 30;

interface ArgumentContext extends ParseContext {
  readonly process: string;
  readonly parameter: string;
  /** The nodes that can be referred to. */
  readonly ids: ReadonlySet<string>;
}

/** Parses all arguments of a node. What is wrong is reported and left out. */
export function parseArguments(given: Record<string, unknown>, process: Process, ids: ReadonlySet<string>, context: ParseContext): Map<string, Argument> {
  const { id, parameters } = process.description;
  const parsed = new Map<string, Argument>();
  given = withTodaysNames(given, process, context);
  for (const name of Object.keys(given)) {
    if (!parameters.some((p) => p.name === name)) context.report(unsupported(id, name, parameters), context.path);
  }
  for (const description of parameters) {
    const { name, schema } = description;
    const raw = Object.hasOwn(given, name) ? given[name] : undefined;
    if (raw === undefined || isAbsent(raw, description)) {
      if (!description.optional) context.report(new OpenEOError('ProcessParameterRequired', { process: id, parameter: name }), context.path);
      continue;
    }
    const argument = parseArgument(raw, schema, { ...context, process: id, parameter: name, ids }, 0);
    const problem = argument?.kind === 'literal' ? checkValue(argument.value, schema) : null;
    if (problem !== null) context.report(invalidArgument(id, name, problem), context.path);
    if (argument) parsed.set(name, argument);
  }
  checkWritten(parsed, process, context);
  return parsed;
}

function checkWritten(parsed: ReadonlyMap<string, Argument>, { check }: Process, context: ParseContext): void {
  if (!check) return;
  try {
    check(Object.fromEntries([...parsed].flatMap(([name, argument]) => (argument.kind === 'literal' ? [[name, argument.value]] : []))), new Set(parsed.keys()));
  } catch (error) {
    if (!isOpenEOError(error)) throw error;
    context.report(error, context.path);
  }
}

/** Arguments that are called as in a former version of the standard, under their names of today. */
function withTodaysNames(given: Record<string, unknown>, { description, formerParameters }: Process, { path, note }: ParseContext): Record<string, unknown> {
  if (!formerParameters) return given;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => {
    const { today, adapt } = formerParameters.get(name) ?? { today: name };
    if (today !== name && Object.hasOwn(given, today)) return [name, value];
    const adapted = adapt ? adapt(value) : value;
    if (today !== name) note({ level: 'info', message: `The parameter '${name}' of the process '${description.id}' is called '${today}' today.`, path });
    else if (adapted !== value) note({ level: 'info', message: `The parameter '${name}' of the process '${description.id}' is written in another way today.`, path });
    return [today, adapted];
  }));
}

/** Clients send null for an optional parameter they leave out, also where its schema knows no null. */
export function isAbsent(value: unknown, parameter: ParameterDescription): boolean {
  return value === null && parameter.optional === true && checkValue(null, parameter.schema) !== null;
}

function unsupported(process: string, parameter: string, parameters: readonly ParameterDescription[]): OpenEOError {
  const names = parameters.slice(0, MAX_NAMES).map((p) => `'${p.name}'`).join(', ');
  return new OpenEOError('ProcessParameterUnsupported', { process, parameter }, { detail: names ? `It has ${names}.` : 'It has no parameters.' });
}

/** One argument or a part of one; null after having reported what is wrong with it. */
function parseArgument(raw: unknown, schema: unknown, context: ArgumentContext, depth: number): Argument | null {
  if (depth > MAX_DEPTH) {
    context.report(invalidArgument(context.process, context.parameter, `it is nested more than ${MAX_DEPTH} deep`), context.path);
    return null;
  }
  if (Array.isArray(raw)) return parseArray(raw, schema, context, depth);
  if (!isObject(raw)) return { kind: 'literal', value: raw as Value };
  if (Object.hasOwn(raw, 'from_node')) return parseNodeReference(raw.from_node, context);
  if (Object.hasOwn(raw, 'from_parameter')) return parseParameterReference(raw.from_parameter, context);
  const callback = Object.hasOwn(raw, 'process_graph') ? callbackSchema(schema) : null;
  if (callback) return parseCallback(raw.process_graph, callback.parameters, context);
  return parseProperties(raw, schema, context, depth);
}

function parseArray(raw: readonly unknown[], schema: unknown, context: ArgumentContext, depth: number): Argument | null {
  const itemSchema = alternatives(schema).find((a) => a.items !== undefined)?.items;
  const items = raw.map((item) => parseArgument(item, itemSchema, context, depth + 1));
  if (!isComplete(items)) return null;
  return items.every((item) => item.kind === 'literal') ? { kind: 'literal', value: items.map((item) => item.value) } : { kind: 'array', items };
}

function parseProperties(raw: Record<string, unknown>, schema: unknown, context: ArgumentContext, depth: number): Argument | null {
  const keys = Object.keys(raw);
  const items = keys.map((key) => parseArgument(raw[key], propertySchema(schema, key), context, depth + 1));
  if (!isComplete(items)) return null;
  if (!items.every((item) => item.kind === 'literal')) return { kind: 'object', entries: new Map(keys.map((key, i) => [key, items[i]!])) };
  return { kind: 'literal', value: Object.fromEntries(keys.map((key, i) => [key, items[i]!.value])) };
}

const isComplete = (items: readonly (Argument | null)[]): items is Argument[] => items.every((item) => item !== null);

function parseCallback(raw: unknown, parameters: readonly ParameterDescription[], context: ArgumentContext): Argument | null {
  const visible = new Set([...context.visible, ...parameters.map((p) => p.name)]);
  const graph = context.parseGraph(raw, parameters, { ...context, visible });
  return graph && { kind: 'callback', graph };
}

function parseNodeReference(id: unknown, context: ArgumentContext): Argument | null {
  if (typeof id === 'string' && context.ids.has(id)) return { kind: 'node', id };
  const known = typeof id === 'string' ? `there is no node ${describeName(id)} in the same process graph` : '`from_node` must be the id of a node';
  const hint = context.path.length > 1 ? ' A callback can’t refer to nodes outside of it: pass the value through `context`.' : '';
  return refuse(context, `Argument '${context.parameter}': ${known}.${hint}`);
}

function parseParameterReference(name: unknown, context: ArgumentContext): Argument | null {
  if (typeof name === 'string' && context.visible.has(name)) return { kind: 'parameter', name };
  const names = [...context.visible].slice(0, MAX_NAMES).map((n) => `'${n}'`).join(', ');
  const known = names ? `Known are ${names}.` : 'The process declares no parameters.';
  return refuse(context, `Argument '${context.parameter}': there is no parameter ${describeName(name)}. ${known}`);
}

function refuse(context: ArgumentContext, detail: string): null {
  context.report(new OpenEOError('ProcessGraphInvalid', {}, { detail }), context.path);
  return null;
}

/** A name of the client as messages show it; `String` of what is no text could call its code. */
function describeName(name: unknown): string {
  return typeof name === 'string' ? `'${name.length > 80 ? `${name.slice(0, 80)}…` : name}'` : describeValue(name);
}
