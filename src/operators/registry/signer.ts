/** What signs an operator: a private key on this machine, or a signature that was made on another one. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readPrivateKey } from '../trust/keys.ts';
import { signOperator } from '../trust/signature.ts';
import type { Signer } from './registry.ts';
import { signaturesOf } from './signatures.ts';

export interface SignerFiles {
  /** A private key. */
  readonly key?: string | undefined;
  /** A detached signature. */
  readonly signature?: string | undefined;
}

/** null when neither is named. Throws KeyFileInvalid, and an Error for both; the signer throws RegistryRefusal SignatureInvalid. */
export async function openSigner({ key, signature }: SignerFiles): Promise<Signer | null> {
  if (key !== undefined && signature !== undefined) throw new Error('--key signs, and --signature brings a signature: leave one out');
  if (key !== undefined) {
    const secret = await readPrivateKey(resolve(key));
    return (facts) => [signOperator(facts, secret)];
  }
  if (signature === undefined) return null;
  const envelope = await readFile(resolve(signature));
  return (facts) => signaturesOf(envelope, facts);
}
