/** Archives with whatever a stranger may put into them, made byte by byte. */
import { gzipSync } from 'node:zlib';

export interface Entry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly type?: string;
  readonly link?: string;
  /** What the header says, when it lies. */
  readonly size?: number;
  readonly mode?: number;
}

export function tar(entries: readonly Entry[], { end = true } = {}): Buffer {
  const blocks = entries.flatMap(({ name, content = '', type = '0', link = '', size, mode = 0o644 }) => {
    const bytes = Buffer.from(content);
    const block = Buffer.alloc(512);
    block.write(name, 0);
    block.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
    block.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124);
    block.fill(' ', 148, 156);
    block.write(type, 156);
    block.write(link, 157);
    block.write('ustar\x0000', 257, 'latin1');
    block.write(`${block.reduce((sum, b) => sum + b, 0).toString(8).padStart(6, '0')}\0 `, 148);
    return [block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(end ? 1024 : 0)]);
}

export const tarGz = (entries: readonly Entry[], options?: { end?: boolean }): Buffer => gzipSync(tar(entries, options));

export async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
