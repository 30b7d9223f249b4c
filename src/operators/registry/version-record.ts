/** What lies in the folder of a version, and SHA256SUMS, which makes it one. */
import { createHash } from 'node:crypto';
import { digest } from '../../cube/digest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { parseManifest } from '../manifest.ts';
import type { OperatorManifest } from '../operator.ts';
import { qualifiedName } from '../reference.ts';
import { vouchingFor } from './signatures.ts';
import type { Signature } from '../trust/statement.ts';
import { archiveKey, archiveName, MANIFEST, SIGNATURE, SUMS, versionKey, versionsFolder, type OperatorName } from './layout.ts';
import { RegistryRefusal } from './refusal.ts';
import { isVersion, type KnownVersion } from './versions.ts';

export interface ArchiveFacts {
  readonly sha256: string;
  readonly size: number;
}

export interface VersionRecord extends KnownVersion {
  /** When it came into this registry, RFC 3339. */
  readonly published: string;
  readonly archive: ArchiveFacts;
  readonly manifest: OperatorManifest;
  /** Of whom is for those who read them to decide; see `Trust`. Absent: nobody signed it. */
  readonly signatures?: readonly Signature[];
}

/** What reading needs, of a directory, a bucket or a server. */
export type RegistryFiles = Pick<ObjectStore, 'read' | 'stream'>;

/** File → SHA-256 in hexadecimal digits, in the format of `sha256sum`. */
export function formatSums(sums: Readonly<Record<string, string>>): string {
  return Object.keys(sums).toSorted().map((file) => `${sums[file]}  ${file}\n`).join('');
}

function parseSums(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(/^([0-9a-f]{64})\s+\*?(\S+)$/gm)].map(([, sum, file]) => [file!, sum!]));
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A published version; null when there is none. Throws RegistryRefusal when its manifest is not the one that was published. */
export async function readVersion(files: Pick<ObjectStore, 'read' | 'head'>, of: OperatorName, version: string): Promise<VersionRecord | null> {
  const sums = await files.read(versionKey(of, version, SUMS));
  if (sums === null || sums === 'unchanged') return null;
  const listed = parseSums(Buffer.from(sums.bytes).toString());
  const [bytes, archive, signature] = await Promise.all([files.read(versionKey(of, version, MANIFEST)), files.head(archiveKey(of, version)), files.read(versionKey(of, version, SIGNATURE))]);
  const sum = listed[archiveName(of, version)];
  if (bytes === null || bytes === 'unchanged' || sha256(bytes.bytes) !== listed[MANIFEST] || sum === undefined) {
    throw new RegistryRefusal('Damaged', `${qualifiedName(of)}:${version} of the registry is damaged: ${MANIFEST} is not the one that was published.`);
  }
  const manifest = parseManifest(Buffer.from(bytes.bytes).toString(), `${qualifiedName(of)}:${version}`);
  const record = { version, digest: digest(manifest), archive: { sha256: sum, size: archive?.sizeBytes ?? 0 }, published: sums.info.modified, manifest };
  const signatures = vouchingFor(signature, of, record);
  return signatures.length > 0 ? { ...record, signatures } : record;
}

/** The versions that were published whole, in no order. */
export async function listVersions(objects: ObjectStore, of: OperatorName): Promise<string[]> {
  const folder = versionsFolder(of);
  const versions: string[] = [];
  for await (const { key } of objects.list(folder)) {
    const [version, file, ...more] = key.slice(folder.length).split('/');
    if (file === SUMS && more.length === 0 && isVersion(version!)) versions.push(version!);
  }
  return versions;
}

export async function readText(files: Pick<ObjectStore, 'read'>, key: string): Promise<string | null> {
  const found = await files.read(key);
  return found === null || found === 'unchanged' ? null : Buffer.from(found.bytes).toString();
}
