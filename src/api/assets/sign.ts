/** Links that carry their own permission: path and expiry are signed, so they work without a login until then. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { OpenEOError } from '../../errors.ts';
import { keyId } from '../auth/secret.ts';
import { queryString } from '../http/query.ts';

/** Expiries are rounded up to this, so that links asked for again within it are the same and caches work. */
const roundSeconds = 600;

export interface SignedPath {
  /** Path with query, to be put behind the base URL. */
  readonly path: string;
  /** RFC 3339, UTC. */
  readonly expires: string;
}

export class LinkSigner {
  readonly #key: Uint8Array;
  readonly #keyId: string;
  readonly #hours: number;
  readonly #now: () => number;

  constructor(key: Uint8Array, hours: number, now: () => number = Date.now) {
    this.#key = key;
    this.#keyId = keyId(key);
    this.#hours = hours;
    this.#now = now;
  }

  /** Signs an (encoded) path; anything that must not be changed by whoever has the link belongs into it. */
  sign(path: string): SignedPath {
    const seconds = this.#now() / 1000 + this.#hours * 3600;
    const expires = Math.ceil(seconds / roundSeconds) * roundSeconds;
    const query = queryString({ expires, key: this.#keyId, signature: this.#signature(path, expires) });
    return { path: path + query, expires: new Date(expires * 1000).toISOString() };
  }

  /**
   * @throws ResultLinkExpired for a link that was ours once (too old, or signed with a key that has been
   *   replaced), PermissionsInsufficient for one that never was
   */
  check(path: string, query: Readonly<Record<string, unknown>>): void {
    const { expires, key, signature } = query;
    if (typeof expires !== 'string' || typeof key !== 'string' || typeof signature !== 'string' || !/^\d{1,12}$/.test(expires)) {
      throw new OpenEOError('PermissionsInsufficient', {}, { detail: 'The link lacks its signature.' });
    }
    if (key !== this.#keyId) throw new OpenEOError('ResultLinkExpired', {});
    const [given, right] = [signature, this.#signature(path, Number(expires))].map((text) => Buffer.from(text)) as [Buffer, Buffer];
    if (given.length !== right.length || !timingSafeEqual(given, right)) {
      throw new OpenEOError('PermissionsInsufficient', {}, { detail: 'The signature of the link does not fit.' });
    }
    if (Number(expires) * 1000 < this.#now()) throw new OpenEOError('ResultLinkExpired', {});
  }

  #signature(path: string, expires: number): string {
    return createHmac('sha256', this.#key).update(`${path}\n${expires}`).digest('base64url');
  }
}
