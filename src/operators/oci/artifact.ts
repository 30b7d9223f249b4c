/** An operator as an OCI artifact (image-spec 1.1): operator.json is its config, the archive its only layer. */
import { createHash, hash } from 'node:crypto';
import type { OperatorManifest } from '../operator.ts';
import { qualifiedName } from '../reference.ts';
import { archiveName, type OperatorName } from '../registry/layout.ts';
import { RegistryRefusal } from '../registry/refusal.ts';
import type { ArchiveFacts, VersionRecord } from '../registry/version-record.ts';
import { plausibleSignatures, type Signature } from '../trust/statement.ts';

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const ARTIFACT_TYPE = 'application/vnd.lamina.operator.v1';
const CONFIG_TYPE = 'application/vnd.lamina.operator.config.v1+json';
const ARCHIVE_TYPE = 'application/vnd.lamina.operator.archive.v1.tar+gzip';

export interface Descriptor {
  readonly mediaType: string;
  /** 'sha256:…' */
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ArtifactManifest {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a manifest says of the operator in it. */
export interface Artifact {
  readonly version: string;
  /** Of operator.json: 'sha256:…' as layers and jobs keep it. */
  readonly digest: string;
  readonly archive: ArchiveFacts;
  /** The blob with operator.json. */
  readonly config: string;
  /** RFC 3339. */
  readonly created: string;
  readonly signatures: readonly Signature[];
}

export const blobDigest = (bytes: Uint8Array): string => `sha256:${hash('sha256', bytes)}`;

/** The manifest of a version. `config`: operator.json as it is in the archive. */
export function artifactOf({ manifest, version, digest, archive, published, signatures = [] }: VersionRecord, config: Uint8Array): ArtifactManifest {
  return {
    schemaVersion: 2, mediaType: MANIFEST_TYPE, artifactType: ARTIFACT_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: blobDigest(config), size: config.length },
    layers: [{ mediaType: ARCHIVE_TYPE, digest: `sha256:${archive.sha256}`, size: archive.size, annotations: { 'org.opencontainers.image.title': archiveName(manifest, version) } }],
    annotations: {
      'org.opencontainers.image.title': manifest.title, 'org.opencontainers.image.description': manifest.description, 'org.opencontainers.image.licenses': manifest.license,
      'org.opencontainers.image.version': version, 'org.opencontainers.image.created': published,
      'lamina.operator': qualifiedName(manifest), 'lamina.digest': digest, ...(signatures.length > 0 ? { 'lamina.signatures': JSON.stringify(signatures) } : {}),
    },
  };
}

/** null for a manifest of something else: registries hold images too. Throws RegistryRefusal Damaged for one of ours that is not whole. */
export function readArtifact(bytes: Uint8Array, of: OperatorName): Artifact | null {
  const { artifactType, config, layers, annotations = {} } = JSON.parse(Buffer.from(bytes).toString()) as ArtifactManifest;
  if (artifactType !== ARTIFACT_TYPE) return null;
  const [layer] = layers;
  const { 'lamina.digest': digest = '', 'org.opencontainers.image.version': version = '', 'org.opencontainers.image.created': created = '', 'lamina.operator': name } = annotations;
  const isWhole = layers.length === 1 && layer!.mediaType === ARCHIVE_TYPE && [layer!.digest, config.digest, digest].every((text) => /^sha256:[0-9a-f]{64}$/.test(text)) && Number.isSafeInteger(layer!.size);
  if (!isWhole || name !== qualifiedName(of)) throw new RegistryRefusal('Damaged', `The OCI artifact of ${qualifiedName(of)} is none that Lamina made; push it again.`);
  return { version, digest, archive: { sha256: layer!.digest.slice('sha256:'.length), size: layer!.size }, config: config.digest, created, signatures: signaturesFrom(annotations['lamina.signatures']) };
}

function signaturesFrom(text: string | undefined): readonly Signature[] {
  try {
    return text === undefined ? [] : plausibleSignatures(JSON.parse(text));
  } catch {
    return [];
  }
}

/** A version can be a tag unless it has build metadata, whose '+' no tag may have. Throws RegistryRefusal TagInvalid. */
export function tagOf({ version, name }: Pick<OperatorManifest, 'version' | 'name'>): string {
  if (/^[A-Za-z0-9_][\w.-]{0,127}$/.test(version)) return version;
  throw new RegistryRefusal('TagInvalid', `${name}:${version} can't be an OCI tag: '+' stands in none.`);
}

/** Passes the bytes on; throws an Error at the end when they are not those of the digest. */
export async function* verified(bytes: AsyncIterable<Uint8Array>, digest: string): AsyncGenerator<Uint8Array> {
  const sum = createHash('sha256');
  for await (const piece of bytes) {
    sum.update(piece);
    yield piece;
  }
  if (`sha256:${sum.digest('hex')}` !== digest) throw new Error(`a blob is not what its digest says (${digest})`);
}
