/** From samples to red, green, blue and opacity. */
import type { Block } from '../../cube/block.ts';
import type { Classes, Colour } from '../colours.ts';
import type { Limits } from './limits.ts';

/** Four bytes per pixel. */
export type Pixels = Uint8ClampedArray<ArrayBuffer>;

/** Gives the pixels of a block [bands, height, width], row by row. Pixels that lack a band are transparent. */
export type Painter = (block: Block) => Pixels;

/** One band by 256 colours from low to high. */
export function rampPainter({ low, high }: Limits, ramp: readonly Colour[]): Painter {
  const table = new Uint8Array(ramp.flat());
  const scale = 255 / (high - low || 1);
  return (block) => painted(block, (i, pixels) => {
    const at = Math.max(0, Math.min(255, Math.round((block.data[i]! - low) * scale))) * 4;
    for (let channel = 0; channel < 4; channel++) pixels[i * 4 + channel] = table[at + channel]!;
  });
}

/** One band by classes; values without a colour are transparent. */
export function classPainter(classes: Classes): Painter {
  return (block) => painted(block, (i, pixels) => {
    const colour = classes.get(block.data[i]!);
    if (colour) for (let channel = 0; channel < 4; channel++) pixels[i * 4 + channel] = colour[channel]!;
  });
}

/** Bands as shades of grey, as red and green, with blue, with opacity; each between its own limits. */
export function bandPainter(limits: readonly Limits[]): Painter {
  const bands = limits.length === 1 ? [0, 0, 0] : limits.map((_, band) => band);
  const scales = limits.map(({ low, high }) => 255 / (high - low || 1));
  return (block) => {
    const count = block.data.length / limits.length;
    return painted(block, (i, pixels) => {
      pixels[i * 4 + 3] = 255;
      for (let channel = 0; channel < bands.length; channel++) {
        const band = bands[channel]!;
        pixels[i * 4 + channel] = (block.data[band * count + i]! - limits[band]!.low) * scales[band]!;
      }
    });
  };
}

/** Runs over the pixels that have all bands; the others stay transparent. */
function painted({ data, nulls, shape }: Block, paint: (i: number, pixels: Pixels) => void): Pixels {
  const bands = shape[0]!;
  const count = data.length / bands;
  const pixels = new Uint8ClampedArray(count * 4);
  for (let i = 0; i < count; i++) {
    let isValid = true;
    for (let at = i; at < data.length; at += count) if (nulls?.[at] === 1 || Number.isNaN(data[at])) isValid = false;
    if (isValid) paint(i, pixels);
  }
  return pixels;
}
