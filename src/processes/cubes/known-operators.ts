/** compress_embed of a service that knows its operators: they stand in its description, and calls are checked before they are queued. */
import type { Process, ProcessRegistry } from '../../graph/process.ts';
import type { Arguments } from '../../graph/value.ts';
import type { ParameterDescription, ProcessDescription } from '../../graph/wire.ts';
import { isObject } from './arguments.ts';

const ID = 'compress_embed';

interface KnownParameter {
  readonly name: string;
  readonly description: string;
  readonly type: string;
  readonly items?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly unit?: string;
  readonly default?: unknown;
}

interface KnownManifest {
  readonly namespace?: string;
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly params?: readonly KnownParameter[];
}

/** What is asked of the list of operators; processes know nothing else of them. */
export interface KnownOperators {
  list(): readonly { readonly manifest: KnownManifest }[];
  resolve(reference: string, options?: Readonly<Record<string, unknown>>): unknown;
}

/** The processes with a compress_embed that knows these operators, also those that the list gets later. */
export function withOperators(registry: ProcessRegistry, operators: KnownOperators): ProcessRegistry {
  const plain = registry.get(ID);
  if (!plain) return registry;
  const known = new Map(registry).set(ID, { ...plain, check: (written, given) => check(written, given, operators) } satisfies Process);
  let described: { readonly of: ReturnType<KnownOperators['list']>; readonly as: ProcessDescription } | null = null;
  Object.defineProperty(known.get(ID), 'description', {
    enumerable: true,
    get: () => {
      const of = operators.list();
      if (described?.of !== of) described = { of, as: describe(plain.description, of.map(({ manifest }) => manifest)) };
      return described.as;
    },
  });
  return Object.assign(known, { ...(registry.former && { former: registry.former }), ...(registry.definitions && { definitions: registry.definitions }) });
}

/** Throws OperatorNotFound and ProcessParameterInvalid. What comes out of other nodes and parameters is checked when it is there. */
function check(written: Arguments, given: ReadonlySet<string>, operators: KnownOperators): void {
  const { model, options = {} } = written;
  if (typeof model !== 'string' || !isObject(options) || (given.has('options') && !Object.hasOwn(written, 'options'))) return;
  operators.resolve(model, options);
}

function describe(plain: ProcessDescription, manifests: readonly KnownManifest[]): ProcessDescription {
  return { ...plain, parameters: plain.parameters.map((parameter) => {
    if (parameter.name === 'model') return withNames(parameter, manifests);
    return parameter.name === 'options' ? withSchemas(parameter, manifests.filter(({ params = [] }) => params.length > 0)) : parameter;
  }) };
}

const nameOf = ({ namespace, name }: KnownManifest) => (namespace === undefined ? name : `${namespace}/${name}`);

/** What each name means; the list has it first. */
function latestOf(manifests: readonly KnownManifest[]): readonly KnownManifest[] {
  return [...Map.groupBy(manifests, nameOf).values()].map(([latest]) => latest!);
}

/** Examples and not an enum: versions, digests and runtimes can be written in more ways than a list could hold. */
function withNames(model: ParameterDescription, manifests: readonly KnownManifest[]): ParameterDescription {
  const lines = latestOf(manifests).map((manifest) => `* \`${nameOf(manifest)}\`: ${manifest.title} (${manifest.version})`);
  if (lines.length === 0) return model;
  return {
    ...model,
    description: `${model.description}\n\nOperators of this service:\n\n${lines.join('\n')}`,
    schema: { ...(model.schema as object), examples: latestOf(manifests).map(nameOf) },
  };
}

/** One alternative for each operator that has parameters, and one for all others, which take none. */
function withSchemas(options: ParameterDescription, manifests: readonly KnownManifest[]): ParameterDescription {
  const own = latestOf(manifests).map((manifest) => ({
    title: nameOf(manifest),
    type: 'object',
    properties: Object.fromEntries(manifest.params!.map((parameter) => [parameter.name, schemaOf(parameter)])),
    required: manifest.params!.filter((parameter) => parameter.default === undefined).map(({ name }) => name),
  }));
  if (own.length === 0) return options;
  const schema = options.schema as object;
  const text = own.map(({ title, properties }) => `* \`${title}\`: ${Object.keys(properties).map((name) => `\`${name}\``).join(', ')}`);
  return {
    ...options,
    description: `${options.description}\n\nOperators with parameters:\n\n${text.join('\n')}`,
    // What all of them allow is checked by the schema; whether it fits the operator of the call, by `check`.
    schema: [{ ...schema, title: 'others' }, ...own],
  };
}

function schemaOf({ type, items, unit, description, enum: allowed, minimum, maximum, default: usual }: KnownParameter): object {
  const limits = { ...(allowed && { enum: allowed }), ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) };
  const values = type === 'array' ? { type: 'array', items: { type: items ?? 'string', ...limits } } : { type, ...limits };
  return { ...values, description: unit === undefined ? description : `${description.replace(/[\s.]*$/, '')}. Unit: ${unit}.`, ...(usual === undefined ? {} : { default: usual }) };
}
