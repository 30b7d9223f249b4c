/** Map tiles as JPEG. */
import { pictures } from './picture-library.ts';
import type { Colour } from './colours.ts';

/** Encodes size × size RGBA pixels (4 bytes each, row by row) on a background. Throws RangeError when the number of bytes is not size² × 4. */
export async function encodeJpeg(rgba: Uint8Array, size: number, { background: [r, g, b], quality }: { readonly background: Colour; readonly quality: number }): Promise<Uint8Array> {
  if (rgba.byteLength !== size * size * 4) throw new RangeError(`${rgba.byteLength} bytes for a tile of ${size} × ${size} RGBA pixels`);
  const sharp = await pictures();
  return sharp(rgba, { raw: { width: size, height: size, channels: 4 } }).flatten({ background: { r, g, b } }).jpeg({ quality }).toBuffer();
}
