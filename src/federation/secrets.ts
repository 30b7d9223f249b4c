/** What is sent to other catalogs to be let in. It comes from a file of whoever runs the service, and goes nowhere else. */
import { readFile } from 'node:fs/promises';
import { UpstreamError } from '../catalog/item-query.ts';

/** Keys of an account of an S3 server. */
export interface S3Keys {
  readonly access_key: string;
  readonly secret_key: string;
  readonly session_token?: string;
}

/** By name: a text that is sent as it is, or keys that requests are signed with. */
export type Secrets = Readonly<Record<string, string | S3Keys>>;

/** Reads { name: text | { access_key, secret_key } }. Throws an Error that names the entry, and never its value. */
export async function readSecrets(path: string | null): Promise<Secrets> {
  if (path === null) return {};
  const fail = (problem: string): never => {
    throw new Error(`LAMINA_UPSTREAM_SECRETS: ${problem}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    return fail(error instanceof SyntaxError ? `${path} is not JSON` : `${path} can't be read`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(`${path} must be an object of secrets by their names`);
  for (const [name, secret] of Object.entries(value)) if (!isSecret(secret)) fail(`'${name}' must be a text, or an object with access_key and secret_key`);
  return value as Secrets;
}

function isSecret(value: unknown): boolean {
  const isText = (text: unknown) => typeof text === 'string' && text !== '';
  if (typeof value !== 'object' || value === null) return isText(value) && !/[\r\n]/.test(value as string);
  const { access_key: access, secret_key: secret, session_token: session } = value as Record<string, unknown>;
  return isText(access) && isText(secret) && (session === undefined || isText(session));
}

/** Headers with the secrets that a definition names. Throws UpstreamError where there is no such secret. */
export function headersOf(named: Readonly<Record<string, string>> | undefined, secrets: Secrets, collection: string): Record<string, string> {
  return Object.fromEntries(Object.entries(named ?? {}).map(([header, name]) => {
    const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (typeof secret === 'string') return [header, secret];
    throw new UpstreamError('UpstreamUnavailable', collection, `this service lacks the secret '${name}' for it (LAMINA_UPSTREAM_SECRETS)`);
  }));
}

/** Keys by their name. Throws UpstreamError where there are none. */
export function keysOf(name: string, secrets: Secrets, collection: string): S3Keys {
  const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
  if (typeof secret === 'object') return secret;
  throw new UpstreamError('UpstreamUnavailable', collection, `this service lacks the keys '${name}' for it (LAMINA_UPSTREAM_SECRETS)`);
}
