/** Access tokens: signed JWTs that name the user, for some hours, as long as his password is the same. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { OpenEOError } from '../../errors.ts';
import type { Session } from './sessions.ts';

/** A token of another service with the same secret is not one of ours. */
const audience = 'lamina';

/** A token whose signature and time were found right. */
export interface TokenClaims extends Session {
  readonly expires: Date;
  /** Of the credential with which the user logged in. */
  readonly fingerprint: string;
}

/** For whom a token is made. */
export interface TokenSubject {
  readonly userId: string;
  /** What the user's password is known by; a token ends with it. */
  readonly credential: string;
  /** See Sessions; 0 where tokens can't be ended. */
  readonly generation?: number;
}

export class Tokens {
  readonly #key: Uint8Array;
  readonly #hours: number;

  constructor(key: Uint8Array, hours: number) {
    this.#key = key;
    this.#hours = hours;
  }

  /** @param issuer URL of the endpoint that hands the token out; openEO demands an `iss` claim */
  issue({ userId, credential, generation = 0 }: TokenSubject, issuer: string): Promise<string> {
    return new SignJWT({ gen: generation, cred: this.#fingerprint(credential) }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(issuer).setAudience(audience).setSubject(userId).setJti(randomUUID()).setIssuedAt().setExpirationTime(`${this.#hours}h`)
      .sign(this.#key);
  }

  /** What a token says; throws TokenInvalid when it is expired, forged or no token at all. */
  async verify(token: string): Promise<TokenClaims> {
    try {
      const { payload } = await jwtVerify(token, this.#key, { algorithms: ['HS256'], audience, requiredClaims: ['iss', 'sub', 'exp', 'jti', 'gen', 'cred'] });
      const { sub, jti, exp, gen, cred } = payload;
      return { userId: sub!, tokenId: jti!, expires: new Date(exp! * 1000), generation: Number(gen), fingerprint: String(cred) };
    } catch (cause) {
      throw new OpenEOError('TokenInvalid', {}, { cause });
    }
  }

  /** Whether the user still has the credential that the token was made with. */
  isOf({ fingerprint }: TokenClaims, credential: string): boolean {
    const [given, expected] = [Buffer.from(fingerprint), Buffer.from(this.#fingerprint(credential))];
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  /** Keyed: whoever reads a token can't try passwords on it. */
  #fingerprint(credential: string): string {
    return createHmac('sha256', this.#key).update('credential').update(credential).digest('base64url').slice(0, 22);
  }
}
