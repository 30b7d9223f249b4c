/** The checksum of a file as STAC's file extension wants it. */
import { fileDigest } from '../storage/file-digest.ts';

/** Multihash: the code of SHA-256, the number of its bytes, and the hash itself, in hexadecimal. */
const SHA256_PREFIX = '1220';

/** The multihash of a local file. Reading it again costs little: it was written a moment ago. */
export async function fileChecksum(path: string): Promise<string> {
  return SHA256_PREFIX + await fileDigest(path);
}
