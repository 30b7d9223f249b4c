/** Newest data first: dates are put on top of each other until every pixel has one. */
import type { Pixels } from './tile-style.ts';

/** Older dates fill what newer ones leave open (clouds are not looked at). More dates with data than this would make a tile slow. */
const MAX_DATES = 4;

/**
 * Paints dates from the newest backwards; a pixel is taken whole from one date. null when none has data.
 *
 * @param paint the pixels of a date; null when it has no data there, which costs nothing
 * @param limit dates with data that are looked at
 */
export async function newestOf(dates: number, paint: (date: number) => Promise<Pixels | null>, limit = MAX_DATES): Promise<Pixels | null> {
  let out: Pixels | null = null;
  for (let date = dates - 1, looked = 0; date >= 0 && looked < limit; date--) {
    const pixels = await paint(date);
    if (!pixels) continue;
    looked++;
    // The usual case: the newest date is whole, and nothing has to be put together.
    if (out) fill(out, pixels);
    else out = pixels;
    if (!out.includes(0)) break;
  }
  return out?.some((pixel) => pixel !== 0) ? out : null;
}

function fill(out: Pixels, pixels: Pixels): void {
  for (let i = 0; i < out.length; i++) if (out[i] === 0) out[i] = pixels[i]!;
}
