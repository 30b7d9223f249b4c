/** What one registry has, as far as this process has asked. */
import { posix } from 'node:path';
import type { Log } from '../../log.ts';
import type { Operator } from '../operator.ts';
import { isOperatorName, qualifiedName } from '../reference.ts';
import { plausibleSignatures } from '../trust/statement.ts';
import type { KnownPackages } from './known-packages.ts';
import { archiveKey, CATALOG, collectionKey, operatorOfKey, OPERATORS, type OperatorName } from './layout.ts';
import type { OperatorCollection, OperatorLink, VersionLink } from './metadata.ts';
import type { RememberedPlace } from './remembered.ts';
import type { KnownOperator, NamedOperators } from './resolve.ts';
import { isVersion, type TagTable } from './versions.ts';

/** The operators of one name. */
interface Entry extends NamedOperators {
  /** SHA-256 of the collection that it was made from, as the catalog says it; '' when the catalog was not asked. */
  readonly content: string;
}

/** Requests to one registry. */
const AT_ONCE = 8;

export class PlaceOperators {
  readonly #remembered: RememberedPlace;
  readonly #packages: KnownPackages;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  /** True after something changed, until somebody who has seen it makes it false. */
  isChanged = false;

  constructor(remembered: RememberedPlace, packages: KnownPackages, log: Log) {
    this.#remembered = remembered;
    this.#packages = packages;
    this.#log = log;
  }

  get place(): RememberedPlace['place'] {
    return this.#remembered.place;
  }

  /** See RememberedPlace. */
  get silentSince(): string | null {
    return this.#remembered.silentSince;
  }

  /** True for an operator that was found here. */
  has({ manifest }: Pick<Operator, 'manifest'>): boolean {
    return this.#entries.get(qualifiedName(manifest))?.versions.some(({ version }) => version === manifest.version) === true;
  }

  /** By name. */
  entries(): Iterable<[string, NamedOperators]> {
    return this.#entries;
  }

  /** All operators: one conditional request, and one more for each collection that changed. Throws when the registry can't be reached and never was. */
  async readAll(): Promise<void> {
    const text = await this.#remembered.current(CATALOG);
    const links = text === null ? [] : (JSON.parse(text) as { links: OperatorLink[] }).links.filter(({ rel }) => rel === 'child');
    const listed = new Set<string>();
    await inTurns(links, async (link) => {
      const of = operatorOfKey(posix.join(OPERATORS, link.href))?.of;
      // What is none of our names can't be referred to.
      if (!of || ![of.name, of.namespace ?? of.name].every(isOperatorName)) return;
      listed.add(qualifiedName(of));
      if (this.#entries.get(qualifiedName(of))?.content !== link['lamina:content']) await this.read(of, link['lamina:content']);
    });
    for (const name of this.#entries.keys()) if (!listed.has(name)) this.#drop(name);
  }

  /** The operators of one name: one conditional request. Throws as `readAll` does. */
  async read(of: OperatorName, content = ''): Promise<void> {
    await this.#take(of, await this.#remembered.current(collectionKey(of)), content);
  }

  /** The operators of one name, as the registry said them last; nobody is asked. */
  async recall(of: OperatorName): Promise<void> {
    const answer = await this.#remembered.recall(collectionKey(of));
    if (answer) await this.#take(of, answer.text, '');
  }

  async #take(of: OperatorName, text: string | null, content: string): Promise<void> {
    if (text === null) return this.#drop(qualifiedName(of));
    const { links, 'lamina:tags': tags = {} } = JSON.parse(text) as Pick<OperatorCollection, 'links'> & { 'lamina:tags'?: TagTable };
    const versions: KnownOperator[] = [];
    await inTurns(links.filter((link): link is VersionLink => link.rel === 'item' && isVersion(String(link['version']))), async (link) => {
      const known = await this.#known(of, link);
      if (known) versions.push(known);
    });
    this.#entries.set(qualifiedName(of), { content, versions, tags });
    this.isChanged = true;
  }

  /** null for a version that can't be used, with a warning. */
  async #known(of: OperatorName, { version, deprecated, created, 'lamina:digest': digest, 'lamina:archive': archive, 'lamina:signatures': signatures }: VersionLink): Promise<KnownOperator | null> {
    try {
      const operator = await this.#packages.operator(this.#remembered, { of, version, digest, archive });
      return { version, digest, operator, published: created, archive, signatures: plausibleSignatures(signatures), isOwn: this.place.isOwn, href: this.place.hrefOf(archiveKey(of, version)), ...(deprecated ? { isYanked: true } : {}) };
    } catch (error) {
      this.#log.warning(`${qualifiedName(of)}:${version} of the registry ${this.place.shown} is left out: ${(error as Error).message}`);
      return null;
    }
  }

  #drop(name: string): void {
    if (this.#entries.delete(name)) this.isChanged = true;
  }
}

/** A few at a time. */
async function inTurns<T>(list: readonly T[], work: (entry: T) => Promise<void>): Promise<void> {
  const rest = list.values();
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, list.length) }, async () => {
    for (const entry of rest) await work(entry);
  }));
}
