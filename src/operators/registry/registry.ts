/** A registry that can be written: publishing, tags, rollback and yanking. */
import { tmpdir } from 'node:os';
import { digest } from '../../cube/digest.ts';
import type { ObjectStore, StoredObject } from '../../storage/object-store.ts';
import { qualifiedName } from '../reference.ts';
import { tagsFolder, yankedKey, type OperatorName } from './layout.ts';
import type { Signature, SignedFacts } from '../trust/statement.ts';
import { restoreItem, writeIndex } from './metadata.ts';
import { openPackage, putVersion } from './put-version.ts';
import { RegistryRefusal } from './refusal.ts';
import { carefulStore, type CarefulOptions } from './careful-store.ts';
import { addSignatures, signedFacts } from './signatures.ts';
import { parseTag, pathOf, readTag, swapTag, type ReadTag, type Tag, type TagChange } from './tags.ts';
import { listVersions, readVersion, type ArchiveFacts, type VersionRecord } from './version-record.ts';
import { chooseVersion, compareVersions, isPrerelease, newest } from './versions.ts';
import { parseYanked, type YankedVersions } from './yanked.ts';

export interface ChangeOptions {
  /** Who does it; kept in the history. */
  readonly by: string;
  /** Kept in the history too: why a regression was allowed, for example. */
  readonly reason?: string;
}

export interface PublishOptions extends ChangeOptions {
  /** The report of the release, kept beside the archive. Must be JSON. */
  readonly report?: unknown;
  /** False: 'latest' stays. Absent: it moves to this version when that is a release and newer than what it means now. */
  readonly latest?: boolean;
  /** Further tags that mean this version from now on. */
  readonly tags?: readonly string[];
  readonly sign?: Signer;
}

/** Gives the signatures of what is about to be published, or was. May throw; then nothing is written. */
export type Signer = (facts: SignedFacts) => readonly Signature[];

export interface Published {
  /** With the namespace, where it has one. */
  readonly name: string;
  readonly version: string;
  /** 'sha256:…' of the manifest. */
  readonly digest: string;
  /** 'name@sha256:…' */
  readonly reference: string;
  readonly archive: ArchiveFacts;
  /** Tags that this moved to the version. */
  readonly tags: readonly string[];
}

export interface RegistryOptions extends CarefulOptions {
  /** Where archives are unpacked to be checked. Absent: the system's folder for that. */
  readonly scratch?: string;
  readonly now?: () => Date;
}

/** So often a change is tried again when others change the same object. */
const ATTEMPTS = 30;

export class Registry {
  readonly #objects: ObjectStore;
  readonly #scratch: string;
  readonly #now: () => Date;

  constructor(objects: ObjectStore, { scratch = tmpdir(), now = () => new Date(), ...careful }: RegistryOptions = {}) {
    this.#objects = carefulStore(objects, careful);
    this.#scratch = scratch;
    this.#now = now;
  }

  /**
   * Publishes an archive as the name and version that its manifest says: first the archive, which is never replaced, then what
   * describes it, then the tags. One that was cut short is taken up again by publishing the same archive.
   * Throws OperatorPackageInvalid for an archive that is not safe or not whole, what the signer throws, RegistryRefusal VersionExists, TagMoved when 'latest'
   * was rolled back meanwhile (the version is published then), TagInvalid.
   */
  async publish(archive: string, options: PublishOptions): Promise<Published> {
    const opened = await openPackage(archive, this.#scratch);
    const { manifest } = opened;
    // A tag that can't be is told before anything is written.
    const others = [...new Set(options.tags ?? [])].filter((tag) => tag !== 'latest');
    for (const tag of others) await readTag(this.#objects, manifest, tag);
    const signatures = options.sign?.(signedFacts(manifest, { version: manifest.version, digest: digest(manifest), archive: opened.facts })) ?? [];
    const before = await readTag(this.#objects, manifest, 'latest');
    const record = await putVersion(this.#objects, archive, opened, { report: options.report, signatures }, this.#now()).catch(async (error: unknown) => {
      // Of an operator that was killed at its very end only the index may be missing.
      if (error instanceof RegistryRefusal && error.reason === 'VersionExists') await writeIndex(this.#objects, manifest);
      throw error;
    });
    const moved = options.latest !== false && await this.#moveLatest(manifest, record, before, options) ? ['latest'] : [];
    for (const tag of others) await this.#point(manifest, tag, record, 'publish', options);
    await writeIndex(this.#objects, manifest);
    const name = qualifiedName(manifest);
    return { name, version: record.version, digest: record.digest, reference: `${name}@${record.digest}`, archive: record.archive, tags: [...moved, ...others] };
  }

  /** Signs a version that is published; gives all its signatures. Throws RegistryRefusal VersionNotFound. */
  async sign(of: OperatorName, version: string, signer: Signer): Promise<readonly Signature[]> {
    const record = await this.#version(of, version);
    const signatures = await addSignatures(this.#objects, of, record, signer(signedFacts(of, record)));
    await restoreItem(this.#objects, of, version);
    await writeIndex(this.#objects, of);
    return signatures;
  }

  /** What 'latest' means now; null when nothing is published, or only pre-releases. */
  async latest(of: OperatorName): Promise<Tag | null> {
    return (await readTag(this.#objects, of, 'latest')).tag;
  }

  /** All versions, the newest first. */
  async versions(of: OperatorName): Promise<VersionRecord[]> {
    const [versions, yanked] = await Promise.all([listVersions(this.#objects, of), this.yanked(of)]);
    const records = await Promise.all(versions.map((version) => readVersion(this.#objects, of, version)));
    return records.filter((record) => record !== null).map((record) => (yanked[record.version] ? { ...record, isYanked: true } : record)).toSorted((a, b) => compareVersions(b.version, a.version));
  }

  /** The version that a version or tag of a reference means; see `chooseVersion`. Throws RegistryRefusal VersionNotFound. */
  async find(of: OperatorName, wanted?: string): Promise<VersionRecord> {
    const [versions, tags] = await Promise.all([this.versions(of), this.tags(of)]);
    const found = chooseVersion(versions, Object.fromEntries(Object.entries(tags).map(([tag, { version }]) => [tag, version])), wanted);
    if (found) return found;
    throw notFound(of, wanted ?? 'latest', versions);
  }

  /** All tags by name. */
  async tags(of: OperatorName): Promise<Readonly<Record<string, Tag>>> {
    const tags: Record<string, Tag> = {};
    for await (const { key } of this.#objects.list(tagsFolder(of))) {
      const name = key.slice(tagsFolder(of).length).replace(/\.json$/, '');
      const found = await this.#objects.read(key);
      if (found !== null && found !== 'unchanged') tags[name] = parseTag(found.bytes, `${qualifiedName(of)}:${name}`);
    }
    return tags;
  }

  /** Lets a tag mean a version from now on. Throws RegistryRefusal VersionNotFound, TagInvalid. */
  async tag(of: OperatorName, tag: string, version: string, options: ChangeOptions): Promise<Tag> {
    const result = await this.#point(of, tag, await this.#version(of, version), 'tag', options);
    await writeIndex(this.#objects, of);
    return result;
  }

  /**
   * Lets 'latest' (or another tag) mean again what it meant before, or the version `to`, in one compare and swap. Versions that were yanked
   * are passed over. Throws RegistryRefusal NothingToRollBack, VersionNotFound, and TagMoved when somebody else changed the tag at the same time.
   */
  async rollback(of: OperatorName, { tag = 'latest', to, ...options }: ChangeOptions & { readonly tag?: string; readonly to?: string }): Promise<Tag> {
    const read = await readTag(this.#objects, of, tag);
    if (read.tag === null) throw new RegistryRefusal('NothingToRollBack', `There is no tag ${qualifiedName(of)}:${tag}.`);
    const yanked = await this.yanked(of);
    const target = to ?? pathOf(read.tag.history).slice(0, -1).findLast((version) => !yanked[version]);
    if (target === undefined) throw new RegistryRefusal('NothingToRollBack', `${qualifiedName(of)}:${tag} never meant another version than ${read.tag.version}. \`--to VERSION\` names one.`);
    const swapped = await swapTag(this.#objects, of, tag, read, this.#change(await this.#version(of, target), 'rollback', options));
    if (!swapped) throw await this.#tagMoved(of, tag, 'It was not rolled back; look at it and decide again.');
    await writeIndex(this.#objects, of);
    return (await readTag(this.#objects, of, tag)).tag!;
  }

  /** Versions that nobody should begin to use. */
  async yanked(of: OperatorName): Promise<YankedVersions> {
    const found = await this.#objects.read(yankedKey(of)) as StoredObject | null;
    return found === null ? {} : parseYanked(found.bytes);
  }

  /**
   * Hides a version from ranges and from 'latest', which goes back to the newest of the others; exact versions and digests work on.
   * With `undo` it can be chosen again. Throws RegistryRefusal VersionNotFound.
   */
  async yank(of: OperatorName, version: string, { undo = false, ...options }: ChangeOptions & { readonly undo?: boolean }): Promise<void> {
    await this.#version(of, version);
    await this.#changeYanked(of, version, undo ? null : { at: this.#now().toISOString(), ...options });
    if (!undo) await this.#leave(of, version, options);
    await writeIndex(this.#objects, of);
  }

  /**
   * 'latest' goes to a release that is newer than what it means. Others may publish at the same time: then the newest wins. Who finds that the
   * tag was rolled back meanwhile loses: somebody had a reason.
   */
  async #moveLatest(of: OperatorName, record: VersionRecord, before: ReadTag, options: ChangeOptions): Promise<boolean> {
    if (isPrerelease(record.version)) return false;
    const seen = before.tag?.history.length ?? 0;
    for (let attempt = 0, read = before; attempt < ATTEMPTS; attempt++, read = await readTag(this.#objects, of, 'latest')) {
      if (read.tag?.history.slice(seen).some(({ action }) => action === 'rollback')) throw await this.#tagMoved(of, 'latest', `${record.version} is published, but 'latest' stays; \`lamina operator tag\` moves it.`);
      if (read.tag && compareVersions(record.version, read.tag.version) <= 0) return false;
      if (await swapTag(this.#objects, of, 'latest', read, this.#change(record, 'publish', options))) return true;
    }
    throw await this.#tagMoved(of, 'latest', `${record.version} is published, but 'latest' stays; \`lamina operator tag\` moves it.`);
  }

  /** Whatever the tag means now. */
  async #point(of: OperatorName, tag: string, record: VersionRecord, action: TagChange['action'], options: ChangeOptions): Promise<Tag> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const read = await readTag(this.#objects, of, tag);
      if (read.tag?.version === record.version) return read.tag;
      if (await swapTag(this.#objects, of, tag, read, this.#change(record, action, options))) return (await readTag(this.#objects, of, tag)).tag!;
    }
    throw await this.#tagMoved(of, tag, 'Try again.');
  }

  /** 'latest' goes from a yanked version to the newest of the others; it stays where there is none. */
  async #leave(of: OperatorName, version: string, options: ChangeOptions): Promise<void> {
    const others = (await this.versions(of)).filter((other) => !other.isYanked && !isPrerelease(other.version));
    const next = newest(others);
    const read = await readTag(this.#objects, of, 'latest');
    if (read.tag?.version !== version || !next) return;
    if (!await swapTag(this.#objects, of, 'latest', read, this.#change(next, 'yank', options))) throw await this.#tagMoved(of, 'latest', `${version} is yanked.`);
  }

  async #changeYanked(of: OperatorName, version: string, entry: YankedVersions[string] | null): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const read = await this.#objects.read(yankedKey(of)) as StoredObject | null;
      const { [version]: _, ...others } = read === null ? {} : parseYanked(read.bytes);
      const next = Buffer.from(`${JSON.stringify(entry === null ? others : { ...others, [version]: entry }, null, 2)}\n`);
      const condition = read === null ? { ifAbsent: true } : { ifMatch: read.info.etag };
      if (await this.#objects.put(yankedKey(of), next, { contentType: 'application/json', ...condition }) !== null) return;
    }
    throw new RegistryRefusal('TagMoved', `Too many others change what is yanked of ${qualifiedName(of)}; try again.`);
  }

  async #version(of: OperatorName, version: string): Promise<VersionRecord> {
    const found = await readVersion(this.#objects, of, version);
    if (found) return found;
    throw notFound(of, version, await this.versions(of));
  }

  #change({ version, digest, archive }: VersionRecord, action: TagChange['action'], { by, reason }: ChangeOptions): Omit<Tag, 'history'> {
    return { version, digest, at: this.#now().toISOString(), by, action, ...(reason === undefined ? {} : { reason }), archive };
  }

  async #tagMoved(of: OperatorName, tag: string, consequence: string): Promise<RegistryRefusal> {
    const { tag: now } = await readTag(this.#objects, of, tag);
    const what = now ? `${now.by} moved it to ${now.version} (${now.action}) at ${now.at}` : 'it is gone';
    return new RegistryRefusal('TagMoved', `The tag ${qualifiedName(of)}:${tag} was changed at the same time: ${what}. ${consequence}`);
  }
}

function notFound(of: OperatorName, wanted: string, versions: readonly VersionRecord[]): RegistryRefusal {
  const there = versions.map(({ version, isYanked }) => (isYanked ? `${version} (yanked)` : version)).join(', ');
  return new RegistryRefusal('VersionNotFound', `The registry has no ${qualifiedName(of)}:${wanted}. There are: ${there || 'none'}.`);
}
