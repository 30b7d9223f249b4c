/** SIGNATURE.json of a version: who vouches for it. It may come later than the version, and more than one may sign. */
import type { ObjectStore, StoredObject } from '../../storage/object-store.ts';
import { qualifiedName } from '../reference.ts';
import { envelopeOf, ENVELOPE_TYPE, signaturesIn, type Signature, type SignedFacts } from '../trust/statement.ts';
import { SIGNATURE, versionKey, type OperatorName } from './layout.ts';
import { RegistryRefusal } from './refusal.ts';
import type { KnownVersion } from './versions.ts';

/** What of a version is signed. */
type Signable = Pick<KnownVersion, 'version' | 'digest'> & { readonly archive: { readonly sha256: string } };

const ATTEMPTS = 10;

export function signedFacts(of: OperatorName, { version, digest, archive }: Signable): SignedFacts {
  return { name: qualifiedName(of), version, digest, archive: archive.sha256 };
}

/** What a SIGNATURE.json that was read says; empty also for a file that is no signature of this version: it vouches for nothing. */
export function vouchingFor(found: StoredObject | 'unchanged' | null, of: OperatorName, version: Signable): readonly Signature[] {
  if (found === null || found === 'unchanged') return [];
  try {
    return signaturesIn(found.bytes, signedFacts(of, version));
  } catch {
    return [];
  }
}

/** The signatures of a detached envelope. Throws RegistryRefusal SignatureInvalid for one that is of something else. */
export function signaturesOf(envelope: Uint8Array, facts: SignedFacts): readonly Signature[] {
  try {
    return signaturesIn(envelope, facts);
  } catch (error) {
    throw new RegistryRefusal('SignatureInvalid', `${facts.name}:${facts.version}: ${(error as Error).message}.`, { cause: error });
  }
}

/** Adds signatures to those that are there; of one key the new one stays. Others may sign at the same time. */
export async function addSignatures(objects: ObjectStore, of: OperatorName, version: Signable, added: readonly Signature[]): Promise<readonly Signature[]> {
  const key = versionKey(of, version.version, SIGNATURE);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const current = await objects.read(key);
    const others = current === null ? [] : vouchingFor(current, of, version).filter(({ keyid }) => !added.some((each) => each.keyid === keyid));
    const all = [...others, ...added].toSorted((a, b) => (a.keyid < b.keyid ? -1 : 1));
    const condition = current === null || current === 'unchanged' ? { ifAbsent: true } : { ifMatch: current.info.etag };
    const bytes = Buffer.from(`${JSON.stringify(envelopeOf(signedFacts(of, version), all), null, 2)}\n`);
    if (await objects.put(key, bytes, { contentType: ENVELOPE_TYPE, ...condition }) !== null) return all;
  }
  throw new RegistryRefusal('TagMoved', `Too many others sign ${qualifiedName(of)}:${version.version} at the same time; try again.`);
}
