/** Ed25519 keys: made, read from files, and named by their digest. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** A key of a file that lists whom somebody trusts. snake_case, because the file is written by people. */
export interface ListedKey {
  /** Whose it is. */
  readonly name: string;
  /** Base64 of the key's SubjectPublicKeyInfo: what stands between the lines of its PEM file. */
  readonly public_key: string;
  /** What it may sign; absent: everything. 'library' is the namespace of operators that have none. */
  readonly namespaces?: readonly string[];
  /** Nothing that it ever signed counts any more. */
  readonly revoked?: { readonly at: string; readonly reason?: string };
}

export interface PublicKey extends ListedKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** A key file that can't be used; the message says which and why, never what is in it. */
export class KeyFileInvalid extends Error {
  override readonly name = 'KeyFileInvalid';
}

/** SHA-256 of the SubjectPublicKeyInfo, hexadecimal: `openssl pkey -pubin -in key.pub -outform DER | sha256sum` gives the same. */
export function keyIdOf(key: KeyObject): string {
  return hash('sha256', spkiOf(key), 'hex');
}

/** Of a private key too. */
export function publicText(key: KeyObject): string {
  return spkiOf(key).toString('base64');
}

function spkiOf(key: KeyObject): Buffer {
  return (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });
}

/**
 * Makes a key: `path` (PKCS#8, PEM, for the owner alone) and `path`.pub (SubjectPublicKeyInfo, PEM). Neither may exist.
 * Throws KeyFileInvalid rather than writing over a file.
 */
export async function makeKey(path: string): Promise<KeyObject> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeNew(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  await writeNew(`${path}.pub`, publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o644);
  return privateKey;
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  await writeFile(path, text, { flag: 'wx', mode }).catch((error: NodeJS.ErrnoException) => {
    throw new KeyFileInvalid(`${path} can't be written (${error.code}); keys are never written over`, { cause: error });
  });
}

/** A private key without passphrase, as `lamina operator keys new` and `openssl genpkey -algorithm ed25519` make it. Throws KeyFileInvalid. */
export async function readPrivateKey(path: string): Promise<KeyObject> {
  const text = await textOf(path);
  return ed25519(path, () => createPrivateKey(text));
}

/** A public key in PEM. Throws KeyFileInvalid, also for a private key, which should not travel. */
export async function readPublicKey(path: string): Promise<KeyObject> {
  const text = await textOf(path);
  if (text.includes('PRIVATE KEY')) throw new KeyFileInvalid(`${basename(path)} is a private key; name the file with the public one (….pub)`);
  return ed25519(path, () => createPublicKey(text));
}

/** A key as a list has it. Throws KeyFileInvalid. */
export function listedKey(entry: ListedKey): PublicKey {
  const key = ed25519(`the key of '${entry.name}'`, () => createPublicKey({ key: Buffer.from(entry.public_key, 'base64'), type: 'spki', format: 'der' }));
  return { ...entry, key, id: keyIdOf(key) };
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KeyFileInvalid(`${path} can't be read (${error.code})`, { cause: error });
  });
}

/** The reasons of node:crypto may quote what they were given. */
function ed25519(shown: string, read: () => KeyObject): KeyObject {
  let key: KeyObject | null = null;
  try {
    key = read();
  } catch {
    // Told below.
  }
  if (key?.asymmetricKeyType !== 'ed25519') throw new KeyFileInvalid(`${shown} is no ed25519 key without passphrase (PKCS#8 or SubjectPublicKeyInfo)`);
  return key;
}
