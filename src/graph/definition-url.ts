/**
 * Processes inside the graph that uses them: the namespace of a node is then a `data:` URL that holds the
 * definition. The history of a cube is written so where a callback uses processes that only a user has.
 *
 * Clients can't send such URLs. What their graphs load must be seen by those who check it.
 */
import { OpenEOError } from '../errors.ts';
import { isObject } from './parse-context.ts';
import type { Definition, ProcessRegistry } from './process.ts';

const PREFIX = 'data:application/json;base64,';

/** A process as a URL. Equal processes give equal URLs. */
export function writeDefinitionUrl(process: Readonly<Record<string, unknown>>): string {
  return PREFIX + Buffer.from(JSON.stringify(process)).toString('base64');
}

/** The registry for graphs that the service wrote itself: they may hold definitions. */
export function withInlineDefinitions(registry: ProcessRegistry): ProcessRegistry {
  const find = (_home: string, namespace: string | null, id: string) => (namespace?.startsWith('data:') ? readDefinition(namespace, id) : null);
  return Object.assign(new Map(registry), { ...(registry.former && { former: registry.former }), definitions: { home: '', find } });
}

function readDefinition(url: string, id: string): Definition | OpenEOError {
  const process = url.startsWith(PREFIX) ? parseJson(Buffer.from(url.slice(PREFIX.length), 'base64').toString('utf8')) : undefined;
  if (isObject(process) && process['id'] === id) return { name: id, process, home: '' };
  return new OpenEOError('ProcessNamespaceInvalid', { namespace: url.slice(0, 60), process: id, reason: 'it holds no such process' });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
