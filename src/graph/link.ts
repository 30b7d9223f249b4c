/**
 * Loads the user-defined processes that a graph needs, and those that they need, before it is parsed.
 *
 * Parsing and validating wait for nothing, so everything is fetched here: a process of the user, one that
 * another user shares ('@name'), one behind a URL (openEO's extension for remote process definitions).
 * What can't be had is no error yet: the parser tells it where the node is that needs it.
 */
import { isOpenEOError, OpenEOError } from '../errors.ts';
import { isDeeperThan, MAX_JSON_DEPTH } from './json-depth.ts';
import { isObject } from './parse-context.ts';
import type { Definition, Definitions, ProcessRegistry } from './process.ts';

/** Where definitions come from. */
export interface DefinitionSource {
  /** Those of the wanted ids that a user has, by id; with `onlyPublic` those of them that are shared. */
  ofUser(user: string, ids: readonly string[], onlyPublic: boolean): Promise<ReadonlyMap<string, unknown>>;
  /** What is behind a URL: a process, or an object with a list of `processes`. Throws an Error whose message is the reason. */
  at(url: string, signal: AbortSignal): Promise<unknown>;
}

export interface LinkOptions {
  /** Who wrote the graph; null: nobody known, who has no processes. */
  readonly user: string | null;
  readonly signal: AbortSignal;
}

/** Definitions that one graph may need; a process that needs more is refused. */
const MAX_DEFINITIONS = 200;
const MAX_URLS = 20;

/** The registry with everything that `process` (`{process_graph, …}`) and what it uses may mean. */
export async function linkDefinitions(process: unknown, registry: ProcessRegistry, source: DefinitionSource, options: LinkOptions): Promise<ProcessRegistry> {
  const home = options.user === null ? '' : `@${options.user}`;
  const linker = new Linker(source, options, home);
  if (isObject(process)) await linker.load(process['process_graph'], home);
  const definitions: Definitions = { home, find: (from, namespace, id) => linker.find(from, namespace, id) };
  return Object.assign(new Map(registry), { ...(registry.former && { former: registry.former }), definitions });
}

/** A name that some node uses: `place` is a user ('@ann', all of hers), what she shares ('public@ann') or a URL. */
interface Wanted {
  readonly place: string;
  readonly id: string;
}

class Linker {
  readonly #source: DefinitionSource;
  readonly #options: LinkOptions;
  readonly #found = new Map<string, Definition | OpenEOError | null>();
  readonly #documents = new Map<string, Promise<unknown>>();
  readonly #home: string;

  constructor(source: DefinitionSource, options: LinkOptions, home: string) {
    this.#source = source;
    this.#options = options;
    this.#home = home;
  }

  find(home: string, namespace: string | null, id: string): Definition | OpenEOError | null {
    const place = this.#placeOf(home, namespace);
    const found = place === null ? null : this.#found.get(keyOf({ place, id })) ?? null;
    // Without a namespace a node of a remote process may mean another one in the same document, and need not.
    return namespace === null && isOpenEOError(found, 'ProcessNamespaceInvalid') ? null : found;
  }

  /** Loads what the nodes of a graph name, wave after wave. */
  async load(graph: unknown, home: string): Promise<void> {
    let wanted = this.#wantedBy(graph, home);
    while (wanted.length > 0) {
      const found = await this.#fetch(wanted);
      wanted = found.flatMap(({ process, home: inner }) => (isObject(process) ? this.#wantedBy(process['process_graph'], inner) : []));
    }
  }

  /** null: nothing but predefined processes is meant, or nothing that is known. */
  #placeOf(home: string, namespace: string | null): string | null {
    if (namespace === null || namespace === 'user') return home === '' ? null : home;
    if (namespace.startsWith('@')) return namespace === this.#home ? namespace : `public${namespace}`;
    return URL.canParse(namespace) && /^https?:$/.test(new URL(namespace).protocol) ? namespace : null;
  }

  /** Names that are new. */
  #wantedBy(graph: unknown, home: string): Wanted[] {
    const wanted = new Map<string, Wanted>();
    for (const [id, namespace] of namesIn(graph)) {
      const place = this.#placeOf(home, namespace);
      if (place === null) continue;
      const key = keyOf({ place, id });
      if (!this.#found.has(key)) wanted.set(key, { place, id });
    }
    return [...wanted.values()];
  }

  async #fetch(wanted: readonly Wanted[]): Promise<Definition[]> {
    const places = Map.groupBy(wanted, ({ place }) => place);
    const found: Definition[] = [];
    await Promise.all([...places].map(async ([place, names]) => {
      const ids = names.map(({ id }) => id);
      const entries = isUrl(place) ? await this.#fromUrl(place, ids) : await this.#fromUser(place, ids);
      for (const id of ids) {
        const entry = this.#bounded(entries.get(id) ?? null);
        this.#found.set(keyOf({ place, id }), entry);
        if (entry !== null && !(entry instanceof OpenEOError)) found.push(entry);
      }
    }));
    return found;
  }

  #count = 0;

  #bounded(entry: Definition | OpenEOError | null): Definition | OpenEOError | null {
    if (entry === null || entry instanceof OpenEOError) return entry;
    if (isDeeperThan(entry.process, MAX_JSON_DEPTH)) return new OpenEOError('ProcessGraphInvalid', {}, { detail: `The process '${entry.name}' is nested more than ${MAX_JSON_DEPTH} deep.` });
    if (++this.#count <= MAX_DEFINITIONS) return entry;
    return new OpenEOError('ProcessGraphInvalid', {}, { detail: `It needs more than ${MAX_DEFINITIONS} user-defined processes.` });
  }

  /** What a shared process needs comes along, shared or not. */
  async #fromUser(place: string, ids: readonly string[]): Promise<Map<string, Definition>> {
    const [, user] = place.split(/@(.*)/s);
    const found = await this.#source.ofUser(user!, ids, place.startsWith('public'));
    return new Map([...found].map(([id, process]) => [id, { name: id, process, home: `@${user}` }]));
  }

  async #fromUrl(url: string, ids: readonly string[]): Promise<Map<string, Definition | OpenEOError>> {
    const refuse = (id: string, reason: string) => new OpenEOError('ProcessNamespaceInvalid', { namespace: shown(url), process: id, reason });
    try {
      const document = await this.#document(url);
      const found = ids.map((id): [string, Definition | OpenEOError] => {
        const process = processIn(document, id);
        return [id, process ? { name: id, process, home: url } : refuse(id, 'there is no process with this id and a process graph')];
      });
      return new Map(found);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      return new Map(ids.map((id) => [id, refuse(id, error instanceof Error ? error.message : 'it can\'t be read')]));
    }
  }

  #document(url: string): Promise<unknown> {
    if (!this.#documents.has(url) && this.#documents.size >= MAX_URLS) throw new Error(`a process may need at most ${MAX_URLS} URLs`);
    const document = this.#documents.get(url) ?? this.#source.at(url, this.#options.signal);
    this.#documents.set(url, document);
    return document;
  }
}

const keyOf = ({ place, id }: Wanted) => JSON.stringify([place, id]);
const isUrl = (place: string) => !place.startsWith('@') && !place.startsWith('public@');

/** A URL as messages may show it: its query may be a secret. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** The process with an id, which the document is or lists. */
function processIn(document: unknown, id: string): unknown {
  if (!isObject(document)) return undefined;
  const list = Array.isArray(document['processes']) ? document['processes'] as readonly unknown[] : [document];
  return list.find((process) => isObject(process) && process['id'] === id && isObject(process['process_graph']));
}

/** Id and namespace of every node, of callbacks too. Not recursive: the graph has not been checked yet. */
function* namesIn(graph: unknown): Generator<readonly [id: string, namespace: string | null]> {
  const waiting: unknown[] = [graph];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    const { process_id: id, namespace } = value as Record<string, unknown>;
    if (typeof id === 'string' && (typeof namespace === 'string' || namespace === undefined || namespace === null)) yield [id, namespace ?? null];
    for (const part of Object.values(value)) waiting.push(part);
  }
}
