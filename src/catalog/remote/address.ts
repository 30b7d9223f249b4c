/** Which network addresses a URL given by a user may lead to: public ones, and hosts that the operator allows. */
import { BlockList, isIP } from 'node:net';

/** IPv4 networks that are not the public internet (IANA special-purpose registry, multicast and reserved). */
const INTERNAL_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24],
  ['192.88.99.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
];
/** Of IPv6 only global unicast is public, and of that not these (protocol assignments with Teredo, 6to4, documentation). */
const GLOBAL_IPV6: readonly [string, number] = ['2000::', 3];
const INTERNAL_IPV6: readonly (readonly [string, number])[] = [['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20]];

const internal4 = listOf(INTERNAL_IPV4, 'ipv4');
const global6 = listOf([GLOBAL_IPV6], 'ipv6');
const internal6 = listOf(INTERNAL_IPV6, 'ipv6');

function listOf(networks: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}

/** True for an address of the public internet; false for every other one, and for what is no address. */
export function isPublicAddress(address: string): boolean {
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 4) return !internal4.check(address, 'ipv4');
  if (family !== 6) return false;
  return global6.check(address, 'ipv6') && !internal6.check(address, 'ipv6');
}

/** The host of a URL as it is compared: lower case, without brackets or a dot at its end. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase();
}

/** True when the operator allows the host of a URL: entries are 'host' (every port) or 'host:port'. */
export function isAllowedHost(url: URL, allowed: readonly string[]): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const host = isIP(hostOf(url)) === 6 ? `[${hostOf(url)}]` : hostOf(url);
  return allowed.includes(host) || allowed.includes(`${host}:${port}`);
}
