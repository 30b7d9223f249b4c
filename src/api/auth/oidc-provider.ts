/** One OpenID Connect provider: its published keys, and whom a token of it names. */
import { createHash } from 'node:crypto';
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import { OpenEOError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Identity } from './identity.ts';
import type { OidcSettings } from './oidc-settings.ts';

/** What is needed of the discovery document (OpenID Connect Discovery 1.0, section 3). */
interface Discovery {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly userinfo_endpoint?: string;
}

interface Known {
  readonly identity: Identity;
  readonly until: number;
}

/** No symmetric ones: the keys that the provider publishes must not be secrets. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const CLOCK_TOLERANCE_SECONDS = 30;
const ANSWER_MS = 10_000;
const DISCOVERY_MS = 3600_000;
/** How long the provider's word for a token without a signature is remembered. */
const USERINFO_MS = 60_000;
const MAX_REMEMBERED = 10_000;

export class OidcProvider {
  readonly settings: OidcSettings;
  readonly #log: Log;
  #found: { readonly at: number; readonly discovery: Promise<Discovery & { keys: ReturnType<typeof createRemoteJWKSet> }> } | null = null;
  /** By digest of the token. */
  readonly #known = new Map<string, Known>();

  constructor(settings: OidcSettings, log: Log) {
    this.settings = settings;
    this.#log = log;
  }

  /**
   * Whom an access token names: a JWT by its signature, any other token by asking the provider.
   *
   * @throws TokenInvalid when it is expired, forged, or for somebody else; PermissionsInsufficient for a user
   *   without the required group; InfrastructureBusy when the provider can't be reached
   */
  async identify(token: string): Promise<Identity> {
    const claims = issuerOf(token) === undefined ? undefined : await this.#verified(token);
    return claims ? this.#identity(claims) : this.#asked(token);
  }

  async #verified(token: string): Promise<JWTPayload> {
    const { keys, issuer } = await this.#discovery();
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, algorithms: ALGORITHMS, clockTolerance: CLOCK_TOLERANCE_SECONDS, requiredClaims: ['exp', this.settings.user_claim] });
      this.#checkAudience(payload);
      return payload;
    } catch (cause) {
      throw isVerdict(cause) ? new OpenEOError('TokenInvalid', {}, { cause }) : this.#unreachable(cause);
    }
  }

  /** Tokens for other services of the same provider are not for us. */
  #checkAudience({ aud, azp, client_id: client }: JWTPayload): void {
    const { audience } = this.settings;
    if (audience && ![aud, azp, client].flat().some((each) => typeof each === 'string' && audience.includes(each))) {
      throw new OpenEOError('TokenInvalid', {}, { detail: 'It was issued for another service.' });
    }
  }

  /** The provider itself says whose an opaque token is. */
  async #asked(token: string): Promise<Identity> {
    const key = createHash('sha256').update(token).digest('base64url');
    const known = this.#known.get(key);
    if (known && known.until > Date.now()) return known.identity;
    const identity = this.#identity(await this.#userInfo(token));
    this.#known.delete(key);
    this.#known.set(key, { identity, until: Date.now() + USERINFO_MS });
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    return identity;
  }

  async #userInfo(token: string): Promise<JWTPayload> {
    const { userinfo_endpoint: url } = await this.#discovery();
    // Nothing tells for whom an opaque token was issued.
    if (url === undefined || this.settings.audience) throw new OpenEOError('TokenInvalid', {}, { detail: `Access tokens of '${this.settings.id}' must be JWTs.` });
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' }, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) }).catch((cause: unknown) => {
      throw this.#unreachable(cause);
    });
    if (answer.status >= 400 && answer.status < 500) throw new OpenEOError('TokenInvalid', {});
    const claims = answer.ok ? await answer.json().catch(() => null) as JWTPayload | null : null;
    if (typeof claims !== 'object' || claims === null) throw this.#unreachable(new Error(`userinfo answered ${answer.status}`));
    return claims;
  }

  #identity(claims: JWTPayload): Identity {
    const { id, user_claim: claim, groups_claim: groupsClaim, required } = this.settings;
    const subject = claims[claim];
    if (typeof subject !== 'string' || subject === '') throw new OpenEOError('TokenInvalid', {}, { detail: `It has no claim '${claim}'.` });
    if (required && !textsOf(claims[required.claim]).some((value) => required.values.includes(value))) {
      throw new OpenEOError('PermissionsInsufficient', {}, { detail: 'This service is for members of certain groups.' });
    }
    const userId = userIdOf(id, subject);
    const name = [claims['name'], claims['preferred_username'], claims['email']].find((each) => typeof each === 'string' && each !== '') as string | undefined;
    return { userId, name: name ?? userId, groups: groupsClaim === undefined ? [] : textsOf(claims[groupsClaim]) };
  }

  async #discovery(): Promise<Discovery & { keys: ReturnType<typeof createRemoteJWKSet> }> {
    if (this.#found === null || Date.now() - this.#found.at > DISCOVERY_MS) {
      const found = { at: Date.now(), discovery: this.#discover() };
      this.#found = found;
      found.discovery.catch(() => {
        if (this.#found === found) this.#found = null;
      });
    }
    return this.#found.discovery;
  }

  async #discover(): Promise<Discovery & { keys: ReturnType<typeof createRemoteJWKSet> }> {
    const { issuer } = this.settings;
    try {
      const answer = await fetch(`${issuer}/.well-known/openid-configuration`, { headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(ANSWER_MS) });
      if (!answer.ok) throw new Error(`it answered ${answer.status}`);
      const found = await answer.json() as Partial<Discovery>;
      // Section 4.3: a document that speaks for another issuer must not be used.
      if (typeof found.issuer !== 'string' || found.issuer.replace(/\/+$/, '') !== issuer) throw new Error(`it speaks for ${String(found.issuer)}`);
      if (typeof found.jwks_uri !== 'string' || !URL.canParse(found.jwks_uri)) throw new Error('it names no keys');
      const keys = createRemoteJWKSet(new URL(found.jwks_uri), { timeoutDuration: ANSWER_MS });
      return { issuer: found.issuer, jwks_uri: found.jwks_uri, keys, ...(typeof found.userinfo_endpoint === 'string' && { userinfo_endpoint: found.userinfo_endpoint }) };
    } catch (cause) {
      throw this.#unreachable(cause);
    }
  }

  #unreachable(cause: unknown): OpenEOError {
    if (cause instanceof OpenEOError) return cause;
    this.#log.warning('An OpenID Connect provider can not be used.', { data: { provider: this.settings.id, reason: cause instanceof Error ? cause.message : String(cause) } });
    return new OpenEOError('InfrastructureBusy', {}, { detail: `The identity provider '${this.settings.id}' can't be reached.`, cause });
  }
}

/** The texts of a claim that may be one text or a list. */
function textsOf(claim: unknown): string[] {
  return [claim].flat().filter((value): value is string => typeof value === 'string');
}

/** What a JWT says of its issuer, unchecked; undefined for a token that is none. */
export function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss?.replace(/\/+$/, '') ?? '';
  } catch {
    return undefined;
  }
}

/** True when the token was looked at and found wanting, and not the keys that it should be checked with. */
function isVerdict(error: unknown): boolean {
  return error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired || error instanceof errors.JWTInvalid
    || error instanceof errors.JWSInvalid || error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey
    || error instanceof errors.JWKSMultipleMatchingKeys || error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported;
}

/**
 * An openEO user id (letters, digits, '_-.~') that no user of another provider has. A subject with other
 * characters stands there as its digest, after '~~', where no plain subject can be.
 */
function userIdOf(provider: string, subject: string): string {
  if (/^[\w\-.][\w\-.~]{0,99}$/.test(subject)) return `${provider}~${subject}`;
  return `${provider}~~${createHash('sha256').update(subject).digest('base64url')}`;
}
