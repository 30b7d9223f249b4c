/** Tiles of places where there is nothing to see. */
import { encodeJpeg } from '../../formats/tile-jpeg.ts';
import { parseColour } from '../../formats/colours.ts';
import { encodePng } from '../../formats/tile-png.ts';
import { TILE_SIZE } from '../../layers/tile-grid.ts';

const transparent = new Map<number, Promise<Uint8Array>>();

/** A transparent PNG. */
export async function emptyTile(size = TILE_SIZE): Promise<Buffer> {
  const tile = transparent.get(size) ?? encodePng(new Uint8Array(size * size * 4), size);
  transparent.set(size, tile);
  return Buffer.from(await tile);
}

/** A JPEG of nothing but background. */
export async function blankTile(size: number, background: unknown): Promise<Buffer> {
  return Buffer.from(await encodeJpeg(new Uint8Array(size * size * 4), size, { background: parseColour(background), quality: 90 }));
}
