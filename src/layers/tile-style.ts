/** From values to colours: how the samples of a tile become pixels. Nothing here looks at the tile itself, so neighbours fit. */
import type { Block } from '../cube/block.ts';
import { pictureOf } from '../operators/picture.ts';
import type { OperatorManifest } from '../operators/operator.ts';
import { colormap, type ColormapName } from '../formats/colormaps.ts';

/** RGBA packed in one number per pixel, in the byte order of the machine; 0 is transparent. */
export type Pixels = Uint32Array<ArrayBuffer>;

/** Values of a channel that are drawn black and white. */
export type Range = readonly [low: number, high: number];

/** Makes pixels of samples [bands, n]; one with a gap in any of its bands is transparent. */
export type Painter = (block: Block, count: number) => Pixels;

/** How a tile is painted, and the bands it needs: their indices, or null for all. */
export interface Style {
  readonly bands: readonly number[] | null;
  readonly paint: Painter;
}

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
/** Bits to shift a channel (red, green, blue, alpha) by. */
const shifts = isLittleEndian ? [0, 8, 16, 24] as const : [24, 16, 8, 0] as const;
const OPAQUE = (255 << shifts[3]) >>> 0;

/** PCA colours: the fixed directions of the operator's manifest. The block must hold all dimensions. */
export function pcaPainter(manifest: OperatorManifest): Painter {
  return (block, count) => {
    const picture = pictureOf({ ...block, shape: [manifest.output.dimensions, count] }, manifest);
    const plane = (channel: number) => picture.data.subarray(channel * count, (channel + 1) * count);
    return pack([plane(0), plane(1), plane(2)], count, gapsOf(block, count));
  };
}

/** Three bands as red, green and blue, each in a range of its own. */
export function rgbPainter(ranges: readonly [Range, Range, Range]): Painter {
  return (block, count) => {
    const plane = (channel: 0 | 1 | 2) => stretched(block, channel * count, count, ranges[channel]);
    return pack([plane(0), plane(1), plane(2)], count, gapsOf(block, count));
  };
}

/** One band by a colormap. */
export function colormapPainter(range: Range, name: ColormapName = 'gray'): Painter {
  const colours = colormap(name).map(([red, green, blue]) => (((red << shifts[0]) | (green << shifts[1]) | (blue << shifts[2])) >>> 0) + OPAQUE);
  const table = Uint32Array.from(colours);
  return (block, count) => {
    const levels = stretched(block, 0, count, range);
    const gaps = gapsOf(block, count);
    const out = new Uint32Array(count);
    for (let i = 0; i < count; i++) if (gaps === null || gaps[i] === 0) out[i] = table[levels[i]!]!;
    return out;
  };
}

type Planes = readonly [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>];

/** Low…high as 0…255, rounded and clamped; NaN is 0. */
function stretched({ data }: Block, from: number, count: number, [low, high]: Range): Uint8ClampedArray {
  const scale = 255 / (high - low);
  const out = new Uint8ClampedArray(count);
  for (let i = 0; i < count; i++) out[i] = (data[from + i]! - low) * scale;
  return out;
}

function pack([red, green, blue]: Planes, count: number, gaps: Uint8Array | null): Pixels {
  const [r, g, b] = shifts;
  const out = new Uint32Array(count);
  for (let i = 0; i < count; i++) out[i] = ((red[i]! << r) | (green[i]! << g) | (blue[i]! << b) | OPAQUE) >>> 0;
  if (gaps) for (let i = 0; i < count; i++) if (gaps[i]) out[i] = 0;
  return out;
}

/** 1 for each pixel that lacks one of its bands; null when none does. */
function gapsOf({ nulls, data }: Block, count: number): Uint8Array | null {
  if (!nulls?.includes(1)) return null;
  const gaps = nulls.slice(0, count);
  for (let from = count; from < data.length && from < nulls.length; from += count) {
    for (let i = 0; i < count; i++) gaps[i]! |= nulls[from + i]!;
  }
  return gaps;
}

/** The share of what int8 can hold that is drawn: its ends are rare values, and the middle shows more. */
const DRAWN_STEPS = 64;

/** The range in which a single dimension is drawn: the middle half of what the operator's int8 table holds. */
export function dimensionRange({ quantization: { int8 } }: OperatorManifest, dimension: number): Range {
  const [offset, scale] = [int8.offset[dimension]!, int8.scale[dimension]!];
  return [offset - DRAWN_STEPS * scale, offset + DRAWN_STEPS * scale];
}
