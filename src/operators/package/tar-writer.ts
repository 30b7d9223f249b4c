/** Archives in the ustar format of POSIX.1-1988 that say nothing about where and when they were made. */
import { createReadStream } from 'node:fs';

export interface TarFile {
  /** Path in the archive. */
  readonly name: string;
  /** Path of the file. */
  readonly path: string;
  readonly size: number;
  readonly isExecutable: boolean;
}

export const BLOCK = 512;
/** What the octal field for the size holds. */
const LARGEST = 8 ** 11 - 1;

/** The bytes of the archive, in the order of `files`. Throws Error when a file is too large, its name too long, or when it changes while it is read. */
export async function* tarOf(files: readonly TarFile[]): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield header(file);
    let read = 0;
    for await (const piece of createReadStream(file.path)) {
      read += (piece as Uint8Array).length;
      yield piece as Uint8Array;
    }
    if (read !== file.size) throw new Error(`${file.name} changed while it was packed`);
    yield new Uint8Array((BLOCK - (file.size % BLOCK)) % BLOCK);
  }
  // Two empty blocks are the end.
  yield new Uint8Array(2 * BLOCK);
}

/** Owner 0, time 0, and of the mode only whether it is a program. */
function header({ name, size, isExecutable }: TarFile): Buffer {
  const block = Buffer.alloc(BLOCK);
  if (size > LARGEST) throw new Error(`${name} has ${size} bytes, and an archive holds files of ${LARGEST} at most`);
  const octal = (value: number, offset: number, length: number) => void block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
  const [folder, base] = splitName(name);
  block.write(base, 0, 'latin1');
  octal(isExecutable ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  // The checksum counts its own field as spaces.
  block.fill(' ', 148, 156);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(folder, 345, 'latin1');
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The sum of all bytes of a header. */
export function checksumOf(block: Uint8Array): number {
  return block.reduce((sum, byte) => sum + byte, 0);
}

/** ustar keeps 100 bytes of the name, and 155 of the folders before a '/'. */
function splitName(name: string): [folder: string, base: string] {
  if (name.length <= 100) return ['', name];
  const slash = name.indexOf('/', name.length - 101);
  if (slash < 0 || slash > 155) throw new Error(`the path '${name}' is too long for an archive`);
  return [name.slice(0, slash), name.slice(slash + 1)];
}
