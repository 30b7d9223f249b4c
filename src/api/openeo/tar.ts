/** Archives in the ustar format of POSIX.1-1988, written as a stream. */
import type { Readable } from 'node:stream';
import { OpenEOError } from '../../errors.ts';

export interface TarEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** null when the content is gone. */
  readonly open: () => Promise<Readable | null>;
}

const blockBytes = 512;

/** The bytes of the archive. Throws StorageFailure when a content is gone or has another size than announced. */
export async function* tarOf(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield header(entry);
    const stream = await entry.open();
    if (stream === null) throw new OpenEOError('StorageFailure', {});
    let sentBytes = 0;
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      sentBytes += chunk.length;
      yield chunk;
    }
    if (sentBytes !== entry.sizeBytes) throw new OpenEOError('StorageFailure', {});
    yield new Uint8Array((blockBytes - entry.sizeBytes % blockBytes) % blockBytes);
  }
  // Two empty blocks are the end.
  yield new Uint8Array(2 * blockBytes);
}

function header({ name, sizeBytes }: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes);
  const text = (value: string, offset: number, length: number) => Buffer.from(value).copy(block, offset, 0, length);
  const octal = (value: number, offset: number, length: number) => text(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, length);
  if (Buffer.byteLength(name) > 100) throw new OpenEOError('StorageFailure', {}, { detail: `The file name '${name}' is too long for an archive.` });
  text(name, 0, 100);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  writeSize(block, sizeBytes);
  octal(0, 136, 12);
  text(' '.repeat(8), 148, 8);
  text('0', 156, 1);
  text('ustar\x0000', 257, 8);
  // The checksum counts its own field as spaces.
  text(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 8);
  return block;
}

/** Octal up to 8 GiB; above, GNU's binary form, which every tar reads. */
function writeSize(block: Buffer, sizeBytes: number): void {
  const [offset, length] = [124, 12];
  if (sizeBytes < 8 ** 11) {
    block.write(`${sizeBytes.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
    return;
  }
  block.writeUInt8(0x80, offset);
  block.writeBigUInt64BE(BigInt(sizeBytes), offset + 4);
}
