/** Whether a URL that a user gave may be kept for reading later: its host must be public, or allowed by the operator. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { hostOf, isAllowedHost, isPublicAddress } from './address.ts';

/**
 * null when the host may be read; else why not, as the end of a sentence. A name that no address belongs to (now, or for this
 * machine) may be kept: whoever reads it later goes through guardedFetch, which looks again.
 */
export async function hostProblem(href: string, allowedHosts: readonly string[]): Promise<string | null> {
  const url = new URL(href);
  if (isAllowedHost(url, allowedHosts)) return null;
  const host = hostOf(url);
  const addresses = isIP(host) === 0 ? await lookup(host, { all: true }).then((found) => found.map(({ address }) => address), () => []) : [host];
  return addresses.every(isPublicAddress) ? null : `'${host}' is not a public address; the operator of this service can allow a host with LAMINA_ALLOWED_HOSTS`;
}
