/** From the Authorization header to a user. */
import type { Request } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { LoginGuard } from './login-guard.ts';
import type { Tokens } from './tokens.ts';
import type { UserDirectory } from './users.ts';

export interface Authentication {
  readonly users: UserDirectory;
  readonly tokens: Tokens;
  readonly guard: LoginGuard;
}

/**
 * The user of a Bearer token, given plainly (a JWT) or as 'basic//TOKEN'.
 *
 * @throws AuthenticationRequired without a header, AuthenticationSchemeInvalid for another scheme or
 *   provider, TokenInvalid for a token that is expired, forged, or of a user there is no more
 */
export async function bearerUser(request: Request, { tokens, users }: Authentication): Promise<string> {
  const given = credentials(request, 'bearer');
  const token = given.includes('/') ? withoutPrefix(given) : given;
  const userId = await tokens.verify(token);
  if (!await users.has(userId)) throw new OpenEOError('TokenInvalid', {});
  return userId;
}

/**
 * Who asks where no account is needed: the user of a Bearer token, null without one. Throws as `bearerUser`
 * does for a token that does not hold; other kinds of credentials are none here.
 */
export async function visitorOf(request: Request, authentication: Authentication): Promise<string | null> {
  return /^bearer\s/i.test(request.headers.authorization?.trim() ?? '') ? bearerUser(request, authentication) : null;
}

function withoutPrefix(given: string): string {
  const [method, provider, token, ...more] = given.split('/');
  if (method !== 'basic' || provider !== '') throw new OpenEOError('AuthenticationSchemeInvalid', {}, { detail: `Tokens of this service have no prefix, or 'basic//'.` });
  if (token === undefined || token === '' || more.length > 0) throw new OpenEOError('TokenInvalid', {});
  return token;
}

/**
 * The user of HTTP Basic credentials.
 *
 * @throws AuthenticationRequired, AuthenticationSchemeInvalid, or CredentialsInvalid, which does not tell
 *   whether name or password is wrong
 */
export async function basicUser(request: Request, { users, guard }: Authentication): Promise<string> {
  const [name, password] = splitOnce(Buffer.from(credentials(request, 'basic'), 'base64').toString());
  const address = request.socket.remoteAddress ?? '';
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
