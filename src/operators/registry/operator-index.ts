/** All operators that a process knows: those that are installed, then those of the registries, in their order. */
import { OpenEOError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Operator, OperatorRegistry } from '../operator.ts';
import { parseReference, qualifiedName, type OperatorReference } from '../reference.ts';
import type { Trust } from '../trust/trust.ts';
import { KnownPackages } from './known-packages.ts';
import type { OperatorName } from './layout.ts';
import type { NodeCache } from './node-cache.ts';
import { mergeOperators } from './merge.ts';
import { PlaceOperators } from './place-operators.ts';
import type { Place } from './place.ts';
import { RememberedPlace } from './remembered.ts';
import { isBound, offered, plainAmong, resolveAmong, type KnownOperator, type NamedOperators } from './resolve.ts';
import { isVersion } from './versions.ts';

export interface OperatorIndexOptions {
  readonly installed: readonly Operator[];
  readonly places: readonly Place[];
  readonly cache: NodeCache;
  /** What operators of the places may do. Absent: as much as installed ones. */
  readonly trust?: Trust;
  /** Where answers of registries are kept. */
  readonly directory: string;
  readonly log: Log;
}

/** How often a service looks for new operators. */
const EVERY_MS = 10_000;
/** A service starts, and a task begins, although a registry does not answer. */
const START_MS = 5000;
const WAIT_MS = 1000;
/** Resolved references that are kept. */
const MOST_RESOLVED = 2000;

export class OperatorIndex implements OperatorRegistry {
  readonly #installed: readonly Operator[];
  readonly #places: readonly PlaceOperators[];
  readonly #trust: Trust | undefined;
  readonly #log: Log;
  #known: ReadonlyMap<string, NamedOperators>;
  #offered: readonly Operator[];
  readonly #resolved = new Map<string, Operator>();
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #refreshed = 0;
  #refreshing: Promise<void> | null = null;

  constructor({ installed, places, cache, trust, directory, log }: OperatorIndexOptions) {
    this.#trust = trust;
    this.#installed = installed;
    const packages = new KnownPackages(cache, log);
    this.#places = places.map((place) => new PlaceOperators(new RememberedPlace(place, directory, log), packages, log));
    this.#log = log;
    this.#known = mergeOperators(this.#installed, this.#places, this.#trust);
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

  /** Says of an operator whose registry does not answer that it comes out of the cache. */
  caveat(operator: Operator): string | null {
    const { manifest } = operator;
    if (this.#installed.some(({ manifest: own }) => qualifiedName(own) === qualifiedName(manifest) && own.version === manifest.version)) return null;
    const from = this.#places.find((place) => place.has(operator));
    if (!from || from.silentSince === null) return null;
    return `The registry of operators ${from.place.shown} can't be reached: '${qualifiedName(manifest)}:${manifest.version}' is run as it was known at ${from.silentSince}; newer versions are not seen.`;
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
    await this.#readFrom((place) => place.readAll());
    this.#refreshed = Date.now();
  }

  /** Asks all registries at once; gives the first failure, and logs all of them. */
  async #readFrom(read: (place: PlaceOperators) => Promise<void>): Promise<{ readonly at: string; readonly error: Error } | null> {
    const areKeysOther = await this.#trust?.refresh();
    const failures = await Promise.all(this.#places.map((place) => read(place).then(() => null, (error: unknown) => ({ at: place.place.shown, error: error as Error }))));
    this.#changed(areKeysOther);
    for (const failure of failures) if (failure) this.#log.warning(`The registry of operators ${failure.at} can't be read: ${failure.error.message}`);
    return failures.find((failure) => failure !== null) ?? null;
  }

  /** True when a pinned reference needs nobody to be asked: what it means is known, and nobody can have signed it meanwhile. */
  async #recalled(reference: OperatorReference): Promise<boolean> {
    const { tag, digest } = reference;
    if (digest === undefined && (tag === undefined || !isVersion(tag))) return false;
    // A trusted key may have signed it since it was asked for last.
    const isSettled = this.#trust?.hasKeys !== true || Date.now() - this.#refreshed < 2 * EVERY_MS;
    const isThere = () => this.#known.get(qualifiedName(reference))?.versions.some((known) => (isSettled || !isBound(known)) && (digest === undefined ? known.version === tag : known.digest === digest)) === true;
    if (isThere()) return true;
    for (const place of this.#places) await place.recall(reference);
    this.#changed();
    return isThere();
  }

  async #ask(reference: OperatorName, text: string): Promise<void> {
    const failure = await this.#readFrom((place) => place.read(reference));
    if (!failure || this.#known.has(qualifiedName(reference))) return;
    throw new OpenEOError('OperatorUnavailable', { operator: text }, { cause: failure.error, detail: `The registry ${failure.at} can't be read: ${failure.error.message}` });
  }

  /** The list stays the same object while nothing changes: others keep what they made of it. */
  #changed(areKeysOther = false): void {
    if (!areKeysOther && !this.#places.some(({ isChanged }) => isChanged)) return;
    for (const place of this.#places) place.isChanged = false;
    this.#known = mergeOperators(this.#installed, this.#places, this.#trust);
    this.#offered = offered(this.#known);
    this.#resolved.clear();
    for (const listener of this.#listeners) listener();
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
