/** All operators that a process knows: those that are installed, then those of the registries, in their order. */
import { posix } from 'node:path';
import { digest as digestOf } from '../../cube/digest.ts';
import { OpenEOError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { plainOperator } from '../called-operator.ts';
import { parseManifest } from '../manifest.ts';
import type { Operator, OperatorManifest, OperatorRegistry } from '../operator.ts';
import { isOperatorName, parseReference, qualifiedName, type OperatorReference } from '../reference.ts';
import { fetchPackage, type PackageSource } from './fetch-package.ts';
import { archiveKey, CATALOG, collectionKey, MANIFEST, operatorOfKey, OPERATORS, versionKey, type OperatorName } from './layout.ts';
import type { OperatorCollection, OperatorLink, VersionLink } from './metadata.ts';
import type { NodeCache } from './node-cache.ts';
import type { Place } from './place.ts';
import { RememberedPlace } from './remembered.ts';
import { offered, plainAmong, resolveAmong, type KnownOperator, type NamedOperators } from './resolve.ts';
import { isVersion } from './versions.ts';

export interface OperatorIndexOptions {
  readonly installed: readonly Operator[];
  readonly places: readonly Place[];
  readonly cache: NodeCache;
  /** Where answers of registries are kept. */
  readonly directory: string;
  readonly log: Log;
}

/** The operators of one name in one registry. */
interface Entry extends NamedOperators {
  /** Of the collection that it was made from. */
  readonly content: string;
}

const AT_ONCE = 8;
/** How often a service looks for new operators. */
const EVERY_MS = 10_000;
/** A service starts, and a task begins, although a registry does not answer. */
const START_MS = 5000;
const WAIT_MS = 1000;
/** Resolved references that are kept. */
const MOST_RESOLVED = 2000;

export class OperatorIndex implements OperatorRegistry {
  readonly #installed: readonly Operator[];
  readonly #places: readonly RememberedPlace[];
  readonly #cache: NodeCache;
  readonly #log: Log;
  /** Place → name → operators. */
  readonly #entries = new Map<RememberedPlace, Map<string, Entry>>();
  /** Where the files of an operator can be had, by digest. */
  readonly #sources = new Map<string, PackageSource[]>();
  readonly #operators = new Map<string, Operator>();
  #known: ReadonlyMap<string, NamedOperators>;
  #offered: readonly Operator[];
  readonly #resolved = new Map<string, Operator>();
  readonly #listeners = new Set<() => void>();
  #isChanged = false;
  #timer: NodeJS.Timeout | undefined;
  #refreshed = 0;
  #refreshing: Promise<void> | null = null;

  constructor({ installed, places, cache, directory, log }: OperatorIndexOptions) {
    this.#installed = installed;
    this.#places = places.map((place) => new RememberedPlace(place, directory, log));
    this.#cache = cache;
    this.#log = log;
    for (const place of this.#places) this.#entries.set(place, new Map());
    this.#known = this.#merge();
    this.#offered = offered(this.#known);
  }

  list(): readonly Operator[] {
    return this.#offered;
  }

  resolve(reference: string, options?: Readonly<Record<string, unknown>>): Operator {
    if (options) return resolveAmong(this.#known, reference, options);
    const known = this.#resolved.get(reference);
    if (known) return known;
    const operator = resolveAmong(this.#known, reference);
    if (this.#resolved.size >= MOST_RESOLVED) this.#resolved.clear();
    this.#resolved.set(reference, operator);
    return operator;
  }

  /**
   * As `resolve`, after asking the registries: about a moving reference each time (one conditional request), about a pinned one only when it is
   * not known here. Throws OperatorNotFound, ProcessParameterInvalid, and OperatorUnavailable when a registry can't be reached that nothing is known of.
   */
  async find(text: string, options?: Readonly<Record<string, unknown>>): Promise<Operator> {
    await this.learn(text);
    return this.resolve(text, options);
  }

  /** As `find`, without runtime and parameters, which may be required: for who wants the files. */
  async findPlain(text: string): Promise<Operator> {
    await this.learn(text);
    return plainAmong(this.#known, text);
  }

  /** What `find` does before it resolves: afterwards `resolve` knows what a reference means now. Throws OperatorUnavailable. */
  async learn(text: string): Promise<void> {
    const reference = parseReference(text);
    if (!await this.#recalled(reference)) await this.#ask(reference, text);
  }

  /** Asks the registries what is new, unless that was done less than `maxAgeMs` ago. Never throws: a registry that can't be reached is a warning. */
  async refresh(maxAgeMs = 0): Promise<void> {
    if (this.#places.length === 0 || Date.now() - this.#refreshed < maxAgeMs) return;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  /** All versions, also those that were yanked. */
  all(): readonly KnownOperator[] {
    return [...this.#known.values()].flatMap(({ versions }) => versions);
  }

  /** Calls back after every change of the list; the function that it gives ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks for new operators every few seconds until `close`. Resolves when it has done so once, or when that takes long. */
  async keepFresh(): Promise<void> {
    if (this.#places.length === 0) return;
    this.#timer = setInterval(() => void this.refresh(EVERY_MS / 2), EVERY_MS).unref();
    await within(START_MS, this.refresh());
  }

  /** For a task that begins: sees what was published a moment ago, and waits for no registry that does not answer. */
  async beFresh(): Promise<void> {
    await within(WAIT_MS, this.refresh(2 * WAIT_MS));
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { place } of this.#places) place.close();
  }

  async #refresh(): Promise<void> {
    await Promise.all(this.#places.map((place) => this.#readCatalog(place).catch((error: unknown) => {
      this.#log.warning(`The registry of operators ${place.place.shown} can't be read: ${(error as Error).message}`);
    })));
    this.#changed();
    this.#refreshed = Date.now();
  }

  async #readCatalog(place: RememberedPlace): Promise<void> {
    const text = await place.current(CATALOG);
    const links = text === null ? [] : (JSON.parse(text) as { links: OperatorLink[] }).links.filter(({ rel }) => rel === 'child');
    const entries = this.#entries.get(place)!;
    const listed = new Set<string>();
    await inTurns(links, async (link) => {
      const of = operatorOfKey(posix.join(OPERATORS, link.href))?.of;
      // What is none of our names can't be referred to.
      if (!of || ![of.name, of.namespace ?? of.name].every(isOperatorName)) return;
      listed.add(qualifiedName(of));
      if (entries.get(qualifiedName(of))?.content !== link['lamina:content']) await this.#readCollection(place, of, link['lamina:content']);
    });
    for (const name of entries.keys()) if (!listed.has(name)) this.#drop(entries, name);
  }

  /** One conditional request. */
  async #readCollection(place: RememberedPlace, of: OperatorName, content = ''): Promise<void> {
    await this.#take(place, of, await place.current(collectionKey(of)), content);
  }

  async #take(place: RememberedPlace, of: OperatorName, text: string | null, content: string): Promise<void> {
    const entries = this.#entries.get(place)!;
    if (text === null) return this.#drop(entries, qualifiedName(of));
    const { links, 'lamina:tags': tags } = JSON.parse(text) as OperatorCollection;
    const versions: KnownOperator[] = [];
    await inTurns(links.filter((link): link is VersionLink => link.rel === 'item' && isVersion(String(link['version']))), async (link) => {
      const operator = await this.#operator(place, of, link).catch((error: unknown) => {
        this.#log.warning(`${qualifiedName(of)}:${link.version} of the registry ${place.place.shown} is left out: ${(error as Error).message}`);
        return null;
      });
      if (operator) versions.push({
        version: link.version, digest: link['lamina:digest'], operator, ...(link.deprecated ? { isYanked: true } : {}),
        published: link.created, archive: link['lamina:archive'], href: place.place.hrefOf(archiveKey(of, link.version)),
      });
    });
    entries.set(qualifiedName(of), { content, versions, tags: tags ?? {} });
    this.#isChanged = true;
  }

  #drop(entries: Map<string, Entry>, name: string): void {
    if (entries.delete(name)) this.#isChanged = true;
  }

  /** The operator of a version; its manifest is read once per machine. */
  async #operator(place: RememberedPlace, of: OperatorName, { version, 'lamina:digest': digest, 'lamina:archive': archive }: VersionLink): Promise<Operator> {
    const sources = this.#sources.get(digest) ?? [];
    if (!sources.some((source) => source.place === place.place)) this.#sources.set(digest, [...sources, { place: place.place, of, version, archive }]);
    const known = this.#operators.get(digest);
    if (known) return known;
    const key = versionKey(of, version, MANIFEST);
    const manifest = await this.#manifest(digest, async () => place.once(key)).catch(async (error: unknown) => {
      await place.forget(key);
      throw error;
    });
    if (qualifiedName(manifest) !== qualifiedName(of) || manifest.version !== version) throw new Error('its manifest has another name or version');
    return this.#remember(digest, manifest);
  }

  #remember(digest: string, manifest: OperatorManifest): Operator {
    const operator = plainOperator(manifest, () => this.#cache.folder(digest, (folder) => this.#fetch(digest, manifest, folder)));
    this.#operators.set(digest, operator);
    return operator;
  }

  async #manifest(digest: string, ask: () => Promise<string | null>): Promise<OperatorManifest> {
    const text = await this.#cache.manifest(digest) ?? await ask();
    if (text === null) throw new Error('its manifest is missing');
    const manifest = parseManifest(text, MANIFEST);
    if (digestOf(manifest) !== digest) throw new Error('its manifest is not the one that was published');
    return manifest;
  }

  async #fetch(digest: string, manifest: OperatorManifest, folder: string): Promise<void> {
    // A pinned operator that was on this machine, and is no longer: who has it is not known yet.
    if (!this.#sources.has(digest)) await Promise.all(this.#places.map((place) => this.#readCollection(place, manifest).catch(() => {})));
    await fetchPackage(this.#sources.get(digest) ?? [], { name: `${qualifiedName(manifest)}:${manifest.version}`, digest }, folder, this.#log);
  }

  /** True when a pinned reference needs nobody to be asked. */
  async #recalled(reference: OperatorReference): Promise<boolean> {
    const { tag, digest } = reference;
    if (digest === undefined && (tag === undefined || !isVersion(tag))) return false;
    const isThere = () => this.#known.get(qualifiedName(reference))?.versions.some((known) => (digest === undefined ? known.version === tag : known.digest === digest)) === true;
    if (isThere()) return true;
    for (const place of this.#places) {
      const answer = await place.recall(collectionKey(reference));
      if (answer) await this.#take(place, reference, answer.text, '');
    }
    this.#changed();
    return isThere();
  }

  async #ask(reference: OperatorName, text: string): Promise<void> {
    const results = await Promise.allSettled(this.#places.map((place) => this.#readCollection(place, reference)));
    this.#changed();
    const failure = results.find((result) => result.status === 'rejected');
    if (!failure || this.#known.has(qualifiedName(reference))) return;
    const at = this.#places[results.indexOf(failure)]!.place.shown;
    throw new OpenEOError('OperatorUnavailable', { operator: text }, { cause: failure.reason, detail: `The registry ${at} can't be read: ${(failure.reason as Error).message}` });
  }

  /** The list stays the same object while nothing changes: others keep what they made of it. */
  #changed(): void {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    this.#known = this.#merge();
    this.#offered = offered(this.#known);
    this.#resolved.clear();
    for (const listener of this.#listeners) listener();
  }

  /** Installed operators come first, then the registries in their order; of one version, or of one digest, the first counts. */
  #merge(): ReadonlyMap<string, NamedOperators> {
    const merged = new Map<string, { versions: KnownOperator[]; tags: Record<string, string> }>();
    const at = (name: string) => merged.get(name) ?? merged.set(name, { versions: [], tags: {} }).get(name)!;
    const add = (name: string, known: KnownOperator) => {
      const { versions } = at(name);
      if (!versions.some(({ version, digest }) => version === known.version && digest === known.digest)) versions.push(known);
    };
    for (const operator of this.#installed) add(qualifiedName(operator.manifest), { version: operator.manifest.version, digest: operator.digest, operator });
    for (const entries of this.#entries.values()) {
      for (const [name, { versions, tags }] of entries) {
        for (const version of versions) add(name, version);
        const merging = at(name);
        merging.tags = { ...tags, ...merging.tags };
      }
    }
    return merged;
  }
}

/** Waits for work, but not longer than this; the work goes on. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, enough]);
  clearTimeout(timer);
}

/** A few at a time. */
async function inTurns<T>(list: readonly T[], work: (entry: T) => Promise<void>): Promise<void> {
  const rest = list.values();
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, list.length) }, async () => {
    for (const entry of rest) await work(entry);
  }));
}
