/** Signing an operator, and what the signatures of one are worth to somebody who trusts certain keys. */
import { sign, verify, type KeyObject } from 'node:crypto';
import { USUAL_NAMESPACE } from '../registry/layout.ts';
import { keyIdOf, type PublicKey } from './keys.ts';
import { signedBytes, type Signature, type SignedFacts } from './statement.ts';

/** 'trusted': it counts. The others say why it does not. */
export type Verdict = 'trusted' | 'revoked' | 'other-namespace' | 'unknown-key' | 'invalid';

export interface JudgedSignature {
  readonly keyid: string;
  readonly verdict: Verdict;
  /** The listed key that made it; absent for keys that are not listed. */
  readonly by?: PublicKey;
}

/** Ed25519 (RFC 8032) over the DSSE encoding of the statement: the same key and facts give the same signature. */
export function signOperator(facts: SignedFacts, key: KeyObject): Signature {
  return { keyid: keyIdOf(key), sig: sign(null, signedBytes(facts), key).toString('base64') };
}

/** Each signature, looked at with the keys that are listed. A signature of a key that is not listed can't be checked: nobody says whose it is. */
export function judgeSignatures(facts: SignedFacts, signatures: readonly Signature[], keys: readonly PublicKey[]): readonly JudgedSignature[] {
  return signatures.map(({ keyid, sig }) => {
    const by = keys.find(({ id }) => id === keyid);
    if (!by) return { keyid, verdict: 'unknown-key' };
    return { keyid, by, verdict: verdictOf(facts, sig, by) };
  });
}

function verdictOf(facts: SignedFacts, sig: string, { key, revoked, namespaces }: PublicKey): Verdict {
  if (!verify(null, signedBytes(facts), key, Buffer.from(sig, 'base64'))) return 'invalid';
  if (revoked) return 'revoked';
  return namespaces && !namespaces.includes(namespaceOf(facts)) ? 'other-namespace' : 'trusted';
}

function namespaceOf({ name }: SignedFacts): string {
  return name.includes('/') ? name.split('/', 1)[0]! : USUAL_NAMESPACE;
}

/** Why none of these makes an operator trusted, for people. */
export function reasonOf(judged: readonly JudgedSignature[]): string {
  const of = (wanted: Verdict) => judged.find(({ verdict }) => verdict === wanted);
  const [invalid, revoked, foreign] = [of('invalid'), of('revoked'), of('other-namespace')];
  if (judged.length === 0) return 'it is not signed';
  if (invalid) return `its signature with the key of '${invalid.by!.name}' is wrong: it is of something else`;
  if (revoked) return `the key of '${revoked.by!.name}' that it is signed with was revoked at ${revoked.by!.revoked!.at}${revoked.by!.revoked!.reason ? ` (${revoked.by!.revoked!.reason})` : ''}`;
  if (foreign) return `the key of '${foreign.by!.name}' that it is signed with may sign only ${foreign.by!.namespaces!.join(', ')}`;
  return 'it is signed with a key that is not trusted here';
}
