/** Addresses that may hold a password, for messages and for documents that others read. */

/**
 * The address without user and password: 'https://ann:secret@host/path' → 'https://host/path'. What is no URL, or has no
 * user, stays as it is; a path may hold an '@'. A password with a '/', '?' or '#' that somebody forgot to escape makes
 * another host of its beginning, so of such an address too little is kept rather than too much.
 */
export function withoutLogin(address: string): string {
  // Before the first slash; and behind it where what stands there has something else than a port behind its colon.
  return address.replace(/^((?:[^/]*:)?\/\/)(?:[^/]*|[^/:@[]*:(?!\d+\/).*)@/s, '$1');
}
