/**
 * The file with the keys that a service trusts (LAMINA_OPERATOR_KEYS):
 *
 *     { "keys": [{ "name": "e2s", "public_key": "MCowBQ…", "namespaces": ["e2s"] },
 *                { "name": "old", "public_key": "MCowBQ…", "revoked": { "at": "2026-11-20T10:00:00Z", "reason": "lost" } }] }
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isOperatorName } from '../reference.ts';
import { KeyFileInvalid, listedKey, type ListedKey, type PublicKey } from './keys.ts';

/** The keys of a file. Throws KeyFileInvalid, which says what is wrong in it. */
export function parseKeyList(text: string, shown: string): readonly PublicKey[] {
  const problem = (what: string) => new KeyFileInvalid(`${shown}: ${what}`);
  let content: { readonly keys?: unknown } | null;
  try {
    content = JSON.parse(text) as { keys?: unknown } | null;
  } catch (error) {
    throw new KeyFileInvalid(`${shown} is no JSON`, { cause: error });
  }
  if (!Array.isArray(content?.keys)) throw problem("it must be an object with a list 'keys'");
  const keys = content.keys.map((entry: unknown, i) => {
    const wrong = entryProblem((entry ?? {}) as Partial<Record<keyof ListedKey, unknown>>);
    if (wrong !== null) throw problem(`keys[${i}]: ${wrong}`);
    return listedKey(entry as ListedKey);
  });
  const twice = keys.find((key, i) => keys.findIndex(({ id, name }) => id === key.id || name === key.name) < i);
  if (twice) throw problem(`the key or the name of '${twice.name}' is there twice`);
  return keys;
}

function entryProblem({ name, public_key: key, namespaces, revoked, ...others }: Partial<Record<keyof ListedKey, unknown>>): string | null {
  if (typeof name !== 'string' || !/^[\w.@+ -]{1,100}$/.test(name)) return "'name' must be a text that says whose key it is";
  if (typeof key !== 'string') return "'public_key' must be the base64 text of a public key";
  if (namespaces !== undefined && !(Array.isArray(namespaces) && namespaces.length > 0 && namespaces.every((each) => typeof each === 'string' && isOperatorName(each)))) return "'namespaces' must be a list of namespaces of operators";
  const { at, reason } = (revoked ?? {}) as { at?: unknown; reason?: unknown };
  if (revoked !== undefined && (typeof at !== 'string' || Number.isNaN(Date.parse(at)) || (reason !== undefined && typeof reason !== 'string'))) return "'revoked' must be an object with a time 'at', and perhaps a 'reason'";
  // A word that is misspelt ('revokd') must not make a key count.
  const unknown = Object.keys(others);
  return unknown.length > 0 ? `there is no field '${unknown[0]}'` : null;
}

/** Throws KeyFileInvalid. */
export async function readKeyList(path: string): Promise<readonly PublicKey[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KeyFileInvalid(`the file of trusted keys can't be read (${error.code})`, { cause: error });
  });
  return parseKeyList(text, 'the file of trusted keys');
}

/** Replaces the file whole. One that is not there yet is begun. */
export async function changeKeyList(path: string, change: (keys: readonly ListedKey[]) => readonly ListedKey[]): Promise<void> {
  const isThere = await stat(path).then(() => true, () => false);
  const entries = isThere ? (await readKeyList(path)).map(({ id: _id, key: _key, ...entry }) => entry) : [];
  const draft = `${path}.${randomUUID()}`;
  try {
    const text = `${JSON.stringify({ keys: change(entries) }, null, 2)}\n`;
    // What could not be read again is not written.
    parseKeyList(text, 'the changed list');
    await writeFile(draft, text, { flag: 'wx', mode: 0o644 });
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
