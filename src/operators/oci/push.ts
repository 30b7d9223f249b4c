/** Publishes an archive as OCI artifact. */
import { digest } from '../../cube/digest.ts';
import { qualifiedName } from '../reference.ts';
import { openPackage } from '../registry/put-version.ts';
import { RegistryRefusal } from '../registry/refusal.ts';
import type { Signer } from '../registry/registry.ts';
import { signedFacts } from '../registry/signatures.ts';
import { compareVersions, isPrerelease } from '../registry/versions.ts';
import { artifactOf, blobDigest, readArtifact, tagOf } from './artifact.ts';
import { repositoryOf, type OciStore } from './store.ts';

export interface PushOptions {
  /** Where the archive is unpacked to be checked. */
  readonly scratch: string;
  readonly sign?: Signer;
  readonly now?: () => Date;
}

export interface Pushed {
  readonly name: string;
  readonly version: string;
  /** 'sha256:…' of operator.json. */
  readonly digest: string;
  /** Of the artifact's manifest. */
  readonly artifact: string;
  /** It is 'latest' now. */
  readonly isLatest: boolean;
}

/**
 * Blobs first, then the manifest under its version, then 'latest', when it is a release and newer than that. OCI has no conditional writes, so two
 * who push one version at the same moment both may; one that is there is looked at before. Throws OperatorPackageInvalid, RegistryRefusal
 * VersionExists and TagInvalid, what the signer throws, and StorageFailure.
 */
export async function pushOperator(store: OciStore, archive: string, { scratch, sign, now = () => new Date() }: PushOptions): Promise<Pushed> {
  const { manifest, manifestBytes, facts } = await openPackage(archive, scratch);
  const [repository, tag, pinned] = [repositoryOf(manifest), tagOf(manifest), digest(manifest)];
  const known = await store.manifest(repository, tag);
  const before = known && readArtifact(known, manifest);
  if (known && before?.archive.sha256 !== facts.sha256) throw new RegistryRefusal('VersionExists', `${qualifiedName(manifest)}:${tag} is in the OCI registry already, and versions never change. Give the operator a new version.`);
  const unsigned = { version: manifest.version, digest: pinned, archive: facts, published: before?.created ?? now().toISOString(), manifest };
  const signatures = sign?.(signedFacts(manifest, unsigned)) ?? [];
  const others = (before?.signatures ?? []).filter(({ keyid }) => !signatures.some((each) => each.keyid === keyid));
  const bytes = Buffer.from(JSON.stringify(artifactOf({ ...unsigned, signatures: [...others, ...signatures] }, manifestBytes)));
  await store.putBlob(repository, blobDigest(manifestBytes), manifestBytes);
  await store.putBlob(repository, `sha256:${facts.sha256}`, { path: archive, size: facts.size });
  await store.putManifest(repository, tag, bytes);
  const latest = await store.manifest(repository, 'latest');
  const isLatest = !isPrerelease(manifest.version) && (!latest || compareVersions(manifest.version, readArtifact(latest, manifest)?.version ?? '') >= 0);
  if (isLatest) await store.putManifest(repository, 'latest', bytes);
  return { name: qualifiedName(manifest), version: manifest.version, digest: pinned, artifact: blobDigest(bytes), isLatest };
}
