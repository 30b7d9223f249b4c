/**
 * What the catalog of others says of a file beside its href. Samples that were stored with another offset than their collection has: Sentinel-2 since baseline 04.00 has
 * 1000 added to what it had before. `lamina:shift` of an asset brings them together, so that one scale and
 * offset hold for all dates of a cube.
 */
import type { Block } from '../cube/block.ts';
import type { BandSource } from './load-plan.ts';

/** What is added to each sample; [] for none, so that keys of blocks without it stay what they are. */
export function shiftOf({ asset }: BandSource): readonly [] | readonly [number] {
  const shift = asset['lamina:shift'];
  return typeof shift === 'number' && shift !== 0 ? [shift] : [];
}

/** What a file is known by in keys of blocks: its href, but where that has a signature in it that changes. */
export function fileOf({ asset, href }: BandSource): string {
  const name = asset['lamina:file'];
  return typeof name === 'string' ? name : href;
}

/** The block with the shift of its asset. Samples of no data stay; what would leave the range of the type stays at its end. */
export function shifted(block: Block, source: BandSource): Block {
  const [shift] = shiftOf(source);
  if (shift === undefined) return block;
  const [low, high] = rangeOf(block, source);
  const { nulls } = block;
  const data = block.data.slice();
  for (let i = 0; i < data.length; i++) {
    if (nulls?.[i]) continue;
    const value = data[i]! + shift;
    data[i] = value < low ? low : value > high ? high : value;
  }
  return { ...block, data };
}

const INTEGERS: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255], int8: [-128, 127], uint16: [0, 65_535], int16: [-32_768, 32_767], uint32: [0, 2 ** 32 - 1], int32: [-(2 ** 31), 2 ** 31 - 1],
};

/** A sample must not become the number that stands for no data, which is most often 0. */
function rangeOf({ dtype }: Block, { asset, index }: BandSource): readonly [number, number] {
  const [low, high] = INTEGERS[dtype] ?? [-Infinity, Infinity];
  const nodata = asset.bands?.[index]?.['nodata'] ?? asset['nodata'];
  return [nodata === low ? low + 1 : low, nodata === high ? high - 1 : high];
}
