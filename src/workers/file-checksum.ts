/** The checksum of a file as STAC's file extension wants it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** Multihash: the code of SHA-256, the number of its bytes, and the hash itself, in hexadecimal. */
const SHA256_PREFIX = '1220';

/** The multihash of a local file. Reading it again costs little: it was written a moment ago. */
export async function fileChecksum(path: string): Promise<string> {
  const sum = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), sum);
  return SHA256_PREFIX + sum.digest('hex');
}
