/** Services as maps: who may see one, what it is drawn from, and what is known of it. */
import { createHash } from 'node:crypto';
import { OpenEOError } from '../../errors.ts';
import { linkDefinitions, type DefinitionSource } from '../../graph/link.ts';
import type { ProcessRegistry } from '../../graph/process.ts';
import type { TaskQueues } from '../../jobs/queue.ts';
import { readConfiguration } from '../../services/configuration.ts';
import type { Service, ServiceDefinition } from '../../services/service.ts';
import { serviceNotFound, type ServiceStore } from '../../services/store.ts';
import { serviceTaskId, type MapFacts } from '../../services/task.ts';
import { equalTexts } from '../auth/passwords.ts';
import type { MapCatalog } from './map-catalog.ts';

export interface ServiceMapParts {
  readonly services: ServiceStore;
  readonly maps: Pick<MapCatalog, 'find'>;
  readonly queues: TaskQueues;
  readonly registry: ProcessRegistry;
  readonly definitions: DefinitionSource;
  /** How long user-defined processes are believed to be what they were. Default: five seconds. */
  readonly believedMs?: number;
  /** How long a look at a process may take. Default: ten seconds. */
  readonly trialMs?: number;
}

export interface FactsOptions {
  /** How long to wait. */
  readonly waitMs?: number;
  /** Find the range of values too. */
  readonly isSampled?: boolean;
}

/** Who publishes what. */
type Published = Pick<Service, 'userId' | 'definition'>;

/** Services whose facts are remembered. */
const REMEMBERED = 500;

export class ServiceMaps {
  readonly #parts: ServiceMapParts;
  readonly #linked = new Map<string, { readonly until: number; readonly value: Promise<Linked> }>();
  readonly #facts = new Map<string, Promise<MapFacts>>();

  constructor(parts: ServiceMapParts) {
    this.#parts = parts;
  }

  /** The service behind an address ('<id>' or '<id>.<key>'), if `visitor`, who is found out when it matters, may see it. Throws ServiceNotFound, also while it is disabled. */
  async shown(address: string, visitor: () => Promise<string | null>): Promise<Service> {
    const [id, key] = address.split(/\.(.*)/s) as [string, string?];
    const service = await this.#parts.services.find(id);
    if (!service || !await isFor(service, key, visitor)) throw serviceNotFound(id);
    if (!service.enabled) throw serviceNotFound(id, 'It is disabled; its owner can enable it.');
    return service;
  }

  /** Changes whenever what the process reads may have changed: collections and user-defined processes. */
  async state(published: Published): Promise<string> {
    const { texts, digest } = await this.#link(published);
    const states = await Promise.all(texts.map(async (text) => (await this.#parts.maps.find(text))?.state ?? null));
    const used = texts.flatMap((text, i) => (states[i] === null ? [] : [[text, states[i]]]));
    return createHash('sha256').update(JSON.stringify([digest, used])).digest('hex').slice(0, 32);
  }

  /** What is known of the map. Throws what is wrong with its process, and RequestTimeout when looking takes too long. */
  async facts({ userId: owner, definition }: Published, { waitMs = this.#parts.trialMs ?? 10_000, isSampled = false }: FactsOptions = {}): Promise<MapFacts> {
    const { process, configuration } = definition;
    const looked: ServiceDefinition = configuration === undefined ? { process } : { process, configuration };
    const task = { trial: { owner, definition: looked, state: await this.state({ userId: owner, definition }), ...(isSampled && { isSampled }) } };
    const id = serviceTaskId(task);
    const known = this.#facts.get(id);
    if (known) return known;
    const facts = this.#look(id, task, waitMs);
    this.#facts.set(id, facts);
    for (const oldest of this.#facts.keys()) if (this.#facts.size > REMEMBERED) this.#facts.delete(oldest);
    // What went wrong is looked at again.
    facts.catch(() => this.#facts.delete(id));
    return facts;
  }

  async #look(id: string, payload: object, waitMs: number): Promise<MapFacts> {
    const { queues } = this.#parts;
    try {
      await queues.add('tile', { id, payload });
      return await queues.result<MapFacts>('tile', id, AbortSignal.timeout(waitMs));
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') throw new OpenEOError('RequestTimeout', {}, { detail: 'What the map shows is not known yet.' });
      await queues.remove('tile', id);
      throw error;
    }
  }

  /** The process together with the user-defined ones that it needs. */
  #link({ userId, definition: { process } }: Published): Promise<Linked> {
    const key = createHash('sha256').update(JSON.stringify([userId, process])).digest('hex');
    const now = performance.now();
    const known = this.#linked.get(key);
    if (known && known.until > now) return known.value;
    for (const [other, { until }] of this.#linked) if (until <= now) this.#linked.delete(other);
    const value = this.#linkNow(userId, process);
    this.#linked.set(key, { until: now + (this.#parts.believedMs ?? 5000), value });
    value.catch(() => this.#linked.delete(key));
    return value;
  }

  async #linkNow(user: string, process: unknown): Promise<Linked> {
    const { registry, definitions } = this.#parts;
    const seen: unknown[] = [];
    const source: DefinitionSource = {
      ofUser: async (owner, ids, onlyPublic) => {
        const found = await definitions.ofUser(owner, ids, onlyPublic);
        seen.push(...[...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
        return found;
      },
      at: async (url, signal) => {
        const document = await definitions.at(url, signal);
        seen.push(document);
        return document;
      },
    };
    await linkDefinitions(process, registry, source, { user, signal: AbortSignal.timeout(15_000) });
    // Waves may end in another order; what was seen is the same.
    const parts = seen.map((part) => JSON.stringify(part)).toSorted();
    return { texts: textsIn([process, seen]), digest: createHash('sha256').update(JSON.stringify([process, parts])).digest('hex') };
  }
}

async function isFor(service: Service, key: string | undefined, visitor: () => Promise<string | null>): Promise<boolean> {
  if (key !== undefined) return equalTexts(key, service.key);
  const { visibility } = readConfiguration(service.definition.configuration);
  if (visibility === 'public') return true;
  const user = await visitor();
  return user !== null && (visibility === 'shared' || user === service.userId);
}

interface Linked {
  /** Every text that may be the id of a collection. */
  readonly texts: readonly string[];
  readonly digest: string;
}

/** Texts that are looked up as ids of collections at most: those of a process are a few dozen. */
const MOST_TEXTS = 300;

/** All texts in some JSON that may be an id, sorted; values of keys `id` before others. Not recursive: nesting is the client's. */
function textsIn(json: unknown): string[] {
  const [ids, others] = [new Set<string>(), new Set<string>()];
  const waiting: unknown[] = [json];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, part] of Object.entries(value) as [string, unknown][]) {
      if (typeof part !== 'string') waiting.push(part);
      else if (part.length <= 200 && /^[\w.:/~-]+$/.test(part)) (key === 'id' ? ids : others).add(part);
    }
  }
  return [...new Set([...ids, ...others])].slice(0, MOST_TEXTS).toSorted();
}
