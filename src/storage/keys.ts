/** Object keys: '/'-separated names that mean the same in a directory, in S3 and in a URL. */

/** S3 allows 1024 bytes; a file name of most file systems at most 255. */
const maxKeyBytes = 1024;
const maxNameBytes = 240;

/** Short keys of harmless names, which most are: told without taking them apart. */
const PLAIN = /^[A-Za-z0-9][\w-]*(?:\.\w+)?(?:\/[A-Za-z0-9][\w-]*(?:\.\w+)?)*$/;

/**
 * Checks a key and gives it back.
 *
 * @throws {TypeError} for an empty or too long key, a leading or doubled slash, '.' or '..' segments,
 *   segments that start with '.tmp-' (ours, for unfinished files), backslashes and control characters.
 */
export function checkKey(key: string): string {
  if (key.length <= maxNameBytes && PLAIN.test(key)) return key;
  if (key === '' || Buffer.byteLength(key) > maxKeyBytes) throw new TypeError(`An object key has 1 to ${maxKeyBytes} bytes.`);
  // oxlint-disable-next-line no-control-regex
  if (/[\\\u0000-\u001f\u007f]/.test(key)) throw new TypeError('An object key has no backslash and no control character.');
  for (const name of key.split('/')) {
    if (name === '' || name === '.' || name === '..') throw new TypeError(`An object key has no empty, '.' or '..' segment.`);
    if (name.startsWith(temporaryPrefix)) throw new TypeError(`No segment of an object key starts with '${temporaryPrefix}'.`);
    if (Buffer.byteLength(name) > maxNameBytes) throw new TypeError(`A segment of an object key has at most ${maxNameBytes} bytes.`);
  }
  return key;
}

/** Unfinished files of the local store have names with this prefix, which no key can have. */
export const temporaryPrefix = '.tmp-';
