/** From the Authorization header to a user. */
import type { Request } from 'express';
import { OpenEOError } from '../../errors.ts';
import { refuseTooMany, type RateLimiter } from '../http/rate-limit.ts';
import type { Identity } from './identity.ts';
import type { LoginGuard } from './login-guard.ts';
import { issuerOf, type OidcProvider } from './oidc-provider.ts';
import type { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';
import type { UserDirectory } from './users.ts';

export interface Authentication {
  readonly users: UserDirectory;
  readonly tokens: Tokens;
  readonly guard: LoginGuard;
  /** Providers whose tokens are taken, first the one that clients should prefer. */
  readonly providers: readonly OidcProvider[];
  /** Whether users of this service's own directory may log in. */
  readonly isBasicOn: boolean;
  /** Knows which tokens were ended; absent: they only expire. */
  readonly sessions?: Sessions;
  /** Requests of one user; absent: as many as he likes. */
  readonly limiter?: RateLimiter;
}

/** Whom a request was found to come from: several handlers may ask, the token is looked at once. */
const known = new WeakMap<Request, Promise<Identity>>();

/**
 * The user of a Bearer token: a JWT of this service or of an OpenID Connect provider, given plainly (openEO
 * 1.3.0) or as 'basic//TOKEN' and 'oidc/PROVIDER/TOKEN'.
 *
 * @throws AuthenticationRequired without a header, AuthenticationSchemeInvalid for another scheme or
 *   provider, TokenInvalid for a token that is expired, ended, forged, or of a user there is no more;
 *   RateLimitExceeded; what OidcProvider.identify throws
 */
export function bearerIdentity(request: Request, authentication: Authentication): Promise<Identity> {
  const found = known.get(request) ?? identify(request, authentication);
  known.set(request, found);
  return found;
}

async function identify(request: Request, authentication: Authentication): Promise<Identity> {
  const given = credentials(request, 'bearer');
  const provider = given.includes('/') ? namedProvider(given, authentication) : issuingProvider(given, authentication);
  // A token of a provider may have slashes itself.
  const token = given.includes('/') ? given.split('/').slice(2).join('/') : given;
  if (token === '') throw new OpenEOError('TokenInvalid', {});
  const identity = await (provider ? provider.identify(token) : ownUser(token, authentication));
  if (authentication.limiter) refuseTooMany(authentication.limiter, identity.userId, `of the user '${identity.userId}'`);
  return identity;
}

/** The id of the user of a Bearer token; throws as `bearerIdentity` does. */
export async function bearerUser(request: Request, authentication: Authentication): Promise<string> {
  return (await bearerIdentity(request, authentication)).userId;
}

async function ownUser(token: string, { tokens, users, sessions, isBasicOn }: Authentication): Promise<Identity> {
  const claims = await tokens.verify(token);
  const { userId, tokenId, expires } = claims;
  const credential = isBasicOn ? await users.credential(userId) : null;
  const holds = credential !== null && tokens.isOf(claims, credential) && (sessions === undefined || await sessions.holds(claims));
  if (!holds) throw new OpenEOError('TokenInvalid', {});
  return { userId, name: userId, groups: [], token: { id: tokenId, expires } };
}

/** undefined: this service itself. */
function namedProvider(given: string, { providers }: Authentication): OidcProvider | undefined {
  const [method, id, ...token] = given.split('/');
  if (method === 'basic' && id === '') {
    if (token.length > 1) throw new OpenEOError('TokenInvalid', {});
    return undefined;
  }
  const provider = method === 'oidc' ? providers.find(({ settings }) => settings.id === id) : undefined;
  if (provider) return provider;
  const prefixes = ['basic//', ...providers.map(({ settings }) => `oidc/${settings.id}/`)].map((prefix) => `'${prefix}'`);
  throw new OpenEOError('AuthenticationSchemeInvalid', {}, { detail: `Tokens for this service have no prefix, or ${prefixes.join(' or ')}.` });
}

/** undefined: this service itself. */
function issuingProvider(token: string, { providers }: Authentication): OidcProvider | undefined {
  // Clients that read of JWTs leave the prefix away, also of tokens that are none: those can only be a provider's.
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return providers[0];
  const issuer = issuerOf(token);
  return providers.find(({ settings }) => settings.issuer === issuer);
}

/**
 * Who asks where no account is needed: the user of a Bearer token, null without one. Throws as `bearerUser`
 * does for a token that does not hold; other kinds of credentials are none here.
 */
export async function visitorOf(request: Request, authentication: Authentication): Promise<string | null> {
  return (await visitorIdentity(request, authentication))?.userId ?? null;
}

/** As `visitorOf`, with all that is known of the user. */
export async function visitorIdentity(request: Request, authentication: Authentication): Promise<Identity | null> {
  return /^bearer\s/i.test(request.headers.authorization?.trim() ?? '') ? bearerIdentity(request, authentication) : null;
}

/** A token for a user who has just logged in. */
export async function issueToken(userId: string, issuer: string, { users, tokens, sessions }: Authentication): Promise<string> {
  const credential = await users.credential(userId);
  if (credential === null) throw new OpenEOError('CredentialsInvalid', {});
  return tokens.issue({ userId, credential, ...(sessions && { generation: await sessions.generation(userId) }) }, issuer);
}

/**
 * The user of HTTP Basic credentials.
 *
 * @throws AuthenticationRequired, AuthenticationSchemeInvalid, or CredentialsInvalid, which does not tell
 *   whether name or password is wrong
 */
export async function basicUser(request: Request, { users, guard }: Authentication): Promise<string> {
  const [name, password] = splitOnce(Buffer.from(credentials(request, 'basic'), 'base64').toString());
  const address = request.ip ?? '';
  const waitSeconds = guard.waitSeconds(name, address);
  if (waitSeconds > 0) {
    request.res?.set('Retry-After', String(waitSeconds));
    throw new OpenEOError('CredentialsInvalid', {}, { detail: `There were too many failed attempts; try again in ${waitSeconds} seconds.` });
  }
  if (!await users.verify(name, password)) {
    guard.failed(name, address);
    throw new OpenEOError('CredentialsInvalid', {});
  }
  guard.succeeded(name, address);
  return name;
}

function credentials(request: Request, scheme: 'basic' | 'bearer'): string {
  const header = request.headers.authorization;
  if (header === undefined || header.trim() === '') {
    // Browsers answer a Basic challenge with a window of their own, so only the one endpoint that takes it sends it.
    request.res?.set('WWW-Authenticate', scheme === 'basic' ? 'Basic realm="Lamina", charset="UTF-8"' : 'Bearer realm="Lamina"');
    throw new OpenEOError('AuthenticationRequired', {});
  }
  const [given, value] = header.trim().split(/\s+/, 2);
  if (given!.toLowerCase() !== scheme) throw new OpenEOError('AuthenticationSchemeInvalid', {}, { detail: `Use ${scheme === 'basic' ? 'HTTP Basic' : 'a Bearer token'} here.` });
  return value ?? '';
}

function splitOnce(text: string): [string, string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}
