/**
 * Processes inside the graph that uses them: the namespace of a node is then a `data:` URL that holds the
 * definition, and those of the processes that it is made of. The history of a cube is written so where a
 * callback uses processes that only a user has.
 *
 * Clients can't send such URLs. What their graphs load must be seen by those who check it.
 */
import { OpenEOError } from '../errors.ts';
import { isObject } from './parse-context.ts';
import type { Definition, Definitions, ProcessRegistry } from './process.ts';

const PREFIX = 'data:application/json;base64,';

/** Processes as a URL. Inside of them the namespace 'user' means the others. Equal processes give equal URLs. */
export function writeDefinitionUrl(processes: readonly Readonly<Record<string, unknown>>[]): string {
  return PREFIX + Buffer.from(JSON.stringify({ processes })).toString('base64');
}

/** The registry for graphs that the service wrote itself: they may hold definitions. */
export function withInlineDefinitions(registry: ProcessRegistry): ProcessRegistry {
  const definitions: Definitions = { home: '', find };
  return Object.assign(new Map(registry), { ...(registry.former && { former: registry.former }), definitions });
}

/** What is in a URL, for as long as somebody has the graph: a definition is parsed once, so it must be one object. */
const documents = new Map<string, ReadonlyMap<string, Definition>>();
const MAX_DOCUMENTS = 64;

function find(home: string, namespace: string | null, id: string): Definition | OpenEOError | null {
  const url = namespace === 'user' ? home : namespace;
  if (url === null || !url.startsWith(PREFIX)) return null;
  const found = read(url).get(id);
  return found ?? new OpenEOError('ProcessNamespaceInvalid', { namespace: url.slice(0, 60), process: id, reason: 'it holds no such process' });
}

function read(url: string): ReadonlyMap<string, Definition> {
  const known = documents.get(url);
  if (known) return known;
  const document = parseJson(Buffer.from(url.slice(PREFIX.length), 'base64').toString('utf8'));
  const processes = isObject(document) && Array.isArray(document['processes']) ? document['processes'].filter(isObject) : [];
  const definitions = new Map(processes.map((process): [string, Definition] => [String(process['id']), { name: String(process['id']), process, home: url }]));
  if (documents.size >= MAX_DOCUMENTS) documents.delete(documents.keys().next().value!);
  documents.set(url, definitions);
  return definitions;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
