/** The file that names the OpenID Connect providers of a deployment: a JSON array, read once at the start. */
import { readFile } from 'node:fs/promises';

/** A client that users need not register: for logins from openEO clients, without a secret. */
export interface DefaultClient {
  readonly id: string;
  readonly grant_types: readonly string[];
  readonly redirect_urls?: readonly string[];
}

/** One provider. What GET /credentials/oidc tells of it is in the standard's words. */
export interface OidcSettings {
  readonly id: string;
  readonly title: string;
  readonly issuer: string;
  readonly description?: string;
  readonly scopes: readonly string[];
  readonly default_clients?: readonly DefaultClient[];
  /** What clients must add to their requests for authorization (API 1.3.0). */
  readonly authorization_parameters?: Readonly<Record<string, unknown>>;
  /** Only tokens for one of these (`aud`, `azp` or `client_id`) are taken; absent: every token of the issuer. */
  readonly audience?: readonly string[];
  /** The claim that names the user; 'sub' unless another one is unique and never given to somebody else. */
  readonly user_claim: string;
  /** The claim that lists the user's groups, by which plans are given; absent: no groups. */
  readonly groups_claim?: string;
  /** Only users with one of these values in the claim (a text or a list) are let in. */
  readonly required?: { readonly claim: string; readonly values: readonly string[] };
}

const grantTypes = ['implicit', 'authorization_code', 'authorization_code+pkce', 'urn:ietf:params:oauth:grant-type:device_code', 'urn:ietf:params:oauth:grant-type:device_code+pkce', 'refresh_token'];

/** Reads the providers. Throws an Error that names the file and what is wrong in it. */
export async function readOidcSettings(path: string): Promise<readonly OidcSettings[]> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new Error(`${path} can't be read as JSON: ${(cause as Error).message}`, { cause });
  }
  if (!Array.isArray(content) || content.length === 0) throw new Error(`${path} must hold a list of OpenID Connect providers.`);
  const providers = content.map((entry, i) => parseProvider(entry, `${path}, provider ${i + 1}`));
  for (const key of ['id', 'issuer'] as const) {
    if (new Set(providers.map((p) => p[key])).size < providers.length) throw new Error(`${path}: two providers have the same ${key}.`);
  }
  return providers;
}

function parseProvider(entry: unknown, where: string): OidcSettings {
  const given = objectOf(entry, where);
  const unknown = Object.keys(given).filter((key) => !['id', 'title', 'issuer', 'description', 'scopes', 'default_clients', 'authorization_parameters', 'audience', 'user_claim', 'groups_claim', 'required'].includes(key));
  if (unknown.length > 0) throw new Error(`${where}: there is no field ${unknown.join(', ')}.`);
  const id = textOf(given['id'], `${where}: id`);
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(id)) throw new Error(`${where}: id must have 1 to 32 letters, digits, '_' and '-'.`);
  const issuer = textOf(given['issuer'], `${where}: issuer`).replace(/\/+$/, '');
  if (!URL.canParse(issuer) || !/^https?:$/.test(new URL(issuer).protocol)) throw new Error(`${where}: issuer must be an http(s) URL.`);
  const scopes = given['scopes'] === undefined ? ['openid'] : textsOf(given['scopes'], `${where}: scopes`);
  if (!scopes.includes('openid')) throw new Error(`${where}: scopes must contain 'openid'.`);
  return {
    id, issuer, scopes,
    title: textOf(given['title'] ?? id, `${where}: title`),
    user_claim: textOf(given['user_claim'] ?? 'sub', `${where}: user_claim`),
    ...(given['description'] !== undefined && { description: textOf(given['description'], `${where}: description`) }),
    ...(given['audience'] !== undefined && { audience: textsOf(given['audience'], `${where}: audience`) }),
    ...(given['default_clients'] !== undefined && { default_clients: clientsOf(given['default_clients'], where) }),
    ...(given['authorization_parameters'] !== undefined && { authorization_parameters: objectOf(given['authorization_parameters'], `${where}: authorization_parameters`) }),
    ...(given['groups_claim'] !== undefined && { groups_claim: textOf(given['groups_claim'], `${where}: groups_claim`) }),
    ...(given['required'] !== undefined && { required: requirementOf(given['required'], where) }),
  };
}

function clientsOf(value: unknown, where: string): DefaultClient[] {
  if (!Array.isArray(value)) throw new Error(`${where}: default_clients must be a list.`);
  return value.map((entry) => {
    const given = objectOf(entry, `${where}: a default client`);
    const grants = textsOf(given['grant_types'], `${where}: grant_types of a default client`);
    const unknown = grants.filter((grant) => !grantTypes.includes(grant));
    if (unknown.length > 0) throw new Error(`${where}: there is no grant type ${unknown.join(', ')}; there are ${grantTypes.join(', ')}.`);
    return {
      id: textOf(given['id'], `${where}: id of a default client`), grant_types: grants,
      ...(given['redirect_urls'] !== undefined && { redirect_urls: textsOf(given['redirect_urls'], `${where}: redirect_urls of a default client`) }),
    };
  });
}

function requirementOf(value: unknown, where: string): { claim: string; values: string[] } {
  const given = objectOf(value, `${where}: required`);
  return { claim: textOf(given['claim'], `${where}: claim that is required`), values: textsOf(given['values'], `${where}: values of the required claim`) };
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} must be an object.`);
  return value as Record<string, unknown>;
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || value.trim() === '') throw new Error(`${what} must be a text.`);
  return value;
}

function textsOf(value: unknown, what: string): string[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every((each) => typeof each === 'string' && each !== '')) throw new Error(`${what} must be a list of texts.`);
  return value as string[];
}
