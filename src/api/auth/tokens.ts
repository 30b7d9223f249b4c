/** Access tokens: signed JWTs that name the user, for some hours. */
import { jwtVerify, SignJWT } from 'jose';
import { OpenEOError } from '../../errors.ts';

/** A token of another service with the same secret is not one of ours. */
const audience = 'lamina';

export class Tokens {
  readonly #key: Uint8Array;
  readonly #hours: number;

  constructor(key: Uint8Array, hours: number) {
    this.#key = key;
    this.#hours = hours;
  }

  /** @param issuer URL of the endpoint that hands the token out; openEO demands an `iss` claim */
  issue(userId: string, issuer: string): Promise<string> {
    return new SignJWT().setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(issuer).setAudience(audience).setSubject(userId).setIssuedAt().setExpirationTime(`${this.#hours}h`)
      .sign(this.#key);
  }

  /** The user a token names; throws TokenInvalid when it is expired, forged or no token at all. */
  async verify(token: string): Promise<string> {
    try {
      const { payload } = await jwtVerify(token, this.#key, { algorithms: ['HS256'], audience, requiredClaims: ['iss', 'sub', 'exp'] });
      return payload.sub!;
    } catch (cause) {
      throw new OpenEOError('TokenInvalid', {}, { cause });
    }
  }
}
