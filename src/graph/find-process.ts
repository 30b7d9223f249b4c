/** Finds what a node means by its process id and namespace, and makes processes of the definitions of users. */
import { OpenEOError } from '../errors.ts';
import { showCircle } from './order.ts';
import { isObject, type ParseContext } from './parse-context.ts';
import { parseParameters } from './parse-parameters.ts';
import type { Definition, Process } from './process.ts';

/**
 * The process of a node, or null after having reported why there is none.
 *
 * Namespaces: 'backend' for the predefined processes, 'user' for those of whoever wrote the graph, both of
 * them, the user's first, without one; '@name' for what another user shares; the URL of a process or of a
 * list of processes. Predefined processes go by their ids in former versions of the standard too.
 */
export function findProcess(id: string, namespace: unknown, context: ParseContext): Process | null {
  const refuse = (error: OpenEOError) => {
    context.report(error, context.path);
    return null;
  };
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
    return refuse(new OpenEOError('ProcessGraphInvalid', {}, { detail: '`namespace` must be a text or null.' }));
  }
  const wanted = namespace ?? null;
  const definition = wanted === 'backend' ? null : context.registry.definitions?.find(context.home, wanted, id) ?? null;
  if (definition instanceof OpenEOError) return refuse(definition);
  if (definition) {
    if (wanted === null) noteShadow(id, context);
    return userProcess(definition, context);
  }
  const process = wanted === null || wanted === 'backend' ? predefined(id, context) : null;
  return process ?? refuse(new OpenEOError('ProcessUnsupported', { process: id, namespace: shown(wanted) }, { detail: hintFor(wanted, context) }));
}

function predefined(id: string, { registry, path, note }: ParseContext): Process | null {
  const process = registry.get(id);
  if (process) return process;
  const former = registry.former?.get(id);
  if (!former) return null;
  const today = former.description.id;
  const hint = today === id ? 'is no longer part of the standard' : `is called '${today}' today`;
  note({ level: 'info', message: `The process '${id}' ${hint}.`, path });
  return former;
}

/** The standard recommends to log which of two processes was taken. */
function noteShadow(id: string, { registry, path, note }: ParseContext): void {
  note(registry.has(id)
    ? { level: 'info', message: `'${id}' is the user-defined process, not the predefined one; with the namespace 'backend' it is the latter.`, path }
    : { level: 'debug', message: `'${id}' is a user-defined process.`, path });
}

function hintFor(namespace: string | null, { registry }: ParseContext): string {
  if (namespace === null || namespace === 'backend') return '';
  if (!registry.definitions) return 'There are only predefined processes here: put the nodes of the user-defined process into the graph itself.';
  return namespace === 'user' ? 'GET /process_graphs lists your own.' : 'There is no such process, or it is not shared.';
}

const shown = (namespace: string | null) => (namespace === null ? 'backend' : namespace.slice(0, 200));

/** Parses a definition once for all nodes that mean it. */
function userProcess(definition: Definition, context: ParseContext): Process | null {
  const start = context.trail.indexOf(definition);
  if (start >= 0) {
    const circle = [...context.trail.slice(start), definition].map((d) => d.name);
    context.report(new OpenEOError('ProcessGraphInvalid', {}, { detail: `User-defined processes must not call themselves: ${showCircle(circle)}.` }), context.path);
    return null;
  }
  const known = context.made.get(definition);
  if (known !== undefined) return known;
  const made = parseDefinition(definition, context);
  context.made.set(definition, made);
  return made;
}

function parseDefinition(definition: Definition, context: ParseContext): Process | null {
  const { name, process: raw, home } = definition;
  const invalid = (code: 'ProcessInvalid' | 'ProcessGraphMissing', detail: string) => {
    context.report(new OpenEOError(code, {}, { detail }), context.path);
    return null;
  };
  if (!isObject(raw)) return invalid('ProcessInvalid', `'${name}' is no process.`);
  if (!isObject(raw['process_graph'])) return invalid('ProcessGraphMissing', `'${name}' has no process graph.`);
  const parameters = parseParameters(raw['parameters'], (error) => context.report(error, context.path));
  const graph = context.parseGraph(raw['process_graph'], parameters, {
    ...context, home, visible: new Set(parameters.map((p) => p.name)), trail: [...context.trail, definition],
  });
  return graph && { description: { id: name, parameters, returns: { schema: {} } }, graph, run: () => neverRun(name) };
}

function neverRun(name: string): never {
  throw new Error(`The nodes of '${name}' run, not itself.`);
}
