/** Tags: small objects that say which version a word means now, changed by compare and swap, with their history. */
import type { ObjectStore, StoredObject } from '../../storage/object-store.ts';
import { qualifiedName } from '../reference.ts';
import { tagKey, type OperatorName } from './layout.ts';
import { RegistryRefusal } from './refusal.ts';
import { isTag } from './versions.ts';

/** One change of a tag. snake_case, because it travels. */
export interface TagChange {
  readonly version: string;
  /** 'sha256:…' of the manifest. */
  readonly digest: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Who did it, as he named himself. */
  readonly by: string;
  readonly action: 'publish' | 'tag' | 'rollback' | 'yank';
  readonly reason?: string;
}

/** tags/<tag>.json: the last change, and all of them, the oldest first. */
export interface Tag extends TagChange {
  /** Of the archive, so that one request is enough to fetch and to check it. */
  readonly archive: { readonly sha256: string; readonly size: number };
  readonly history: readonly TagChange[];
}

/** What a change of a tag begins with. */
export interface ReadTag {
  readonly tag: Tag | null;
  /** null: there is no such tag yet. */
  readonly etag: string | null;
}

/** More changes than anybody looks at; the file stays small. */
const LONGEST_HISTORY = 500;

export async function readTag(objects: ObjectStore, of: OperatorName, tag: string): Promise<ReadTag> {
  if (!isTag(tag)) throw new RegistryRefusal('TagInvalid', `'${tag}' can't be a tag: write letters, digits, '.', '_' and '-', beginning with a letter.`);
  const found = await objects.read(tagKey(of, tag)) as StoredObject | null;
  return found === null ? { tag: null, etag: null } : { tag: parseTag(found.bytes, `${qualifiedName(of)}:${tag}`), etag: found.info.etag };
}

export function parseTag(bytes: Uint8Array, shown: string): Tag {
  try {
    const tag = JSON.parse(Buffer.from(bytes).toString()) as Tag;
    if (typeof tag.version === 'string' && /^sha256:[0-9a-f]{64}$/.test(tag.digest) && Array.isArray(tag.history) && /^[0-9a-f]{64}$/.test(tag.archive.sha256)) return tag;
  } catch {
    // Told below.
  }
  throw new RegistryRefusal('Damaged', `The tag ${shown} of the registry can't be read; \`lamina operator tag\` writes it anew.`);
}

/**
 * Lets a tag mean another version, if it is still as it was read. False when somebody else changed it meanwhile.
 * `shape` is the new state without its history.
 */
export async function swapTag(objects: ObjectStore, of: OperatorName, tag: string, read: ReadTag, { archive, ...change }: Omit<Tag, 'history'>): Promise<boolean> {
  const next: Tag = { ...change, archive, history: [...(read.tag?.history ?? []), change].slice(-LONGEST_HISTORY) };
  const bytes = Buffer.from(`${JSON.stringify(next, null, 2)}\n`);
  const condition = read.etag === null ? { ifAbsent: true } : { ifMatch: read.etag };
  if (await objects.put(tagKey(of, tag), bytes, { contentType: 'application/json', ...condition }) !== null) return true;
  // An answer may have been lost on its way, and the request sent again: then what is there is ours.
  const now = await objects.read(tagKey(of, tag)) as StoredObject | null;
  return now !== null && Buffer.compare(now.bytes, bytes) === 0;
}

/**
 * The versions that a rollback goes back through, the current one last: every change to another version puts one on top, every rollback
 * and yank takes off what it went back over.
 */
export function pathOf(history: readonly TagChange[]): readonly string[] {
  const path: string[] = [];
  for (const { version, action } of history) {
    const known = path.lastIndexOf(version);
    if ((action === 'rollback' || action === 'yank') && known >= 0) path.length = known + 1;
    else if (path.at(-1) !== version) path.push(version);
  }
  return path;
}
