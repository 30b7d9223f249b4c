/** Writes the folder of a version: the archive first, its SHA256SUMS, which makes it a version, last. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digest } from '../../cube/digest.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { OperatorManifest } from '../operator.ts';
import { unpackOperator } from '../package/unpack.ts';
import { qualifiedName } from '../reference.ts';
import { archiveKey, archiveName, collectionKey, ITEM, MANIFEST, REPORT, SUMS, versionKey, type OperatorName } from './layout.ts';
import { RegistryRefusal } from './refusal.ts';
import type { Signature } from '../trust/statement.ts';
import { addSignatures } from './signatures.ts';
import { itemOf } from './stac-item.ts';
import { formatSums, readText, readVersion, sha256, type ArchiveFacts, type VersionRecord } from './version-record.ts';

/** What an archive holds. */
export interface OpenedPackage {
  readonly manifest: OperatorManifest;
  /** operator.json as it is in the archive. */
  readonly manifestBytes: Uint8Array;
  readonly facts: ArchiveFacts;
}

/** What goes into the folder of a version beside the archive. */
export interface Accompaniment {
  /** The report of the release; absent: there was none. */
  readonly report?: unknown;
  readonly signatures?: readonly Signature[];
}

/**
 * Unpacks an archive into a folder of its own below `scratch`, checks all of it, and forgets it again. Throws OperatorPackageInvalid for
 * what is not safe (links, '..'), not whole, or not what its manifest says.
 */
export async function openPackage(archive: string, scratch: string): Promise<OpenedPackage> {
  await mkdir(scratch, { recursive: true });
  const place = await mkdtemp(join(scratch, 'publish-'));
  try {
    const { manifest } = await unpackOperator(archive, join(place, 'package'));
    return { manifest, manifestBytes: await readFile(join(place, 'package', MANIFEST)), facts: await archiveFacts(archive) };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** Throws RegistryRefusal VersionExists, also for a publication that was cut short with another archive. */
export async function putVersion(objects: ObjectStore, archive: string, { manifest, manifestBytes, facts }: OpenedPackage, { report, signatures = [] }: Accompaniment, now: Date): Promise<VersionRecord> {
  const { version } = manifest;
  const known = await readVersion(objects, manifest, version);
  if (known) {
    // Killed before it was in the index: what is left to do are the tags and the index.
    if (known.archive.sha256 === facts.sha256 && !await isInIndex(objects, manifest, version)) return known;
    throw exists(manifest, `It is ${known.digest}`);
  }
  await putArchive(objects, archive, manifest, facts);
  const unsigned: VersionRecord = { version, digest: digest(manifest), archive: facts, published: now.toISOString(), manifest };
  const record = signatures.length > 0 ? { ...unsigned, signatures: await addSignatures(objects, manifest, unsigned, signatures) } : unsigned;
  const files: Record<string, Uint8Array> = { [MANIFEST]: manifestBytes, ...(report === undefined ? {} : { [REPORT]: json(report) }) };
  for (const [name, bytes] of Object.entries(files)) await objects.put(versionKey(manifest, version, name), bytes, { contentType: 'application/json' });
  await putItem(objects, record, report !== undefined);
  const sums = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)]));
  const written = await objects.put(versionKey(manifest, version, SUMS), Buffer.from(formatSums({ ...sums, [archiveName(manifest, version)]: facts.sha256 })), { contentType: 'text/plain', ifAbsent: true });
  if (written === null) throw exists(manifest, 'Somebody else published it at the same moment');
  return record;
}

/** item.json. It is derived, so it is not among the sums. */
export async function putItem(objects: ObjectStore, record: VersionRecord, hasReport: boolean): Promise<void> {
  await objects.put(versionKey(record.manifest, record.version, ITEM), json(itemOf(record, hasReport)), { contentType: 'application/geo+json' });
}

/** Create-only. One that is there already may be that of a publication that was cut short. */
async function putArchive(objects: ObjectStore, archive: string, manifest: OperatorManifest, { sha256: sum, size }: ArchiveFacts): Promise<void> {
  const key = archiveKey(manifest, manifest.version);
  if (await objects.put(key, { path: archive }, { contentType: 'application/gzip', ifAbsent: true }) !== null) return;
  const there = await objects.head(key);
  const body = there?.sizeBytes === size ? await objects.stream(key) : null;
  const found = createHash('sha256');
  if (body) await pipeline(body, found);
  if (!body || found.digest('hex') !== sum) throw exists(manifest, 'A publication of it with another archive was begun');
}

async function isInIndex(objects: ObjectStore, of: OperatorName, version: string): Promise<boolean> {
  const text = await readText(objects, collectionKey(of));
  return text !== null && (JSON.parse(text) as { links: { version?: string }[] }).links.some((link) => link.version === version);
}

async function archiveFacts(archive: string): Promise<ArchiveFacts> {
  return { sha256: await fileDigest(archive), size: (await stat(archive)).size };
}

function exists(manifest: OperatorManifest, why: string): RegistryRefusal {
  return new RegistryRefusal('VersionExists', `${qualifiedName(manifest)}:${manifest.version} is in the registry already, and versions never change. ${why}. Give the operator a new version.`);
}

export const json = (content: unknown): Uint8Array => Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
