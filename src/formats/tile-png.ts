/** Map tiles as PNG. */
import { pictures } from './picture-library.ts';

/**
 * Encodes size × size RGBA pixels (4 bytes each, row by row). Compression level 1: a tile is read once or
 * twice, and at level 1 it is three times faster to make and hardly larger. Throws RangeError when the number
 * of bytes is not size² × 4.
 */
export async function encodePng(rgba: Uint8Array, size: number): Promise<Uint8Array> {
  if (rgba.byteLength !== size * size * 4) throw new RangeError(`${rgba.byteLength} bytes for a tile of ${size} × ${size} RGBA pixels`);
  const sharp = await pictures();
  return sharp(rgba, { raw: { width: size, height: size, channels: 4 } })
    .png({ compressionLevel: 1, adaptiveFiltering: false })
    .toBuffer();
}
