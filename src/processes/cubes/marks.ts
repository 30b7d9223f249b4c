/** Which samples a mask hides. */
import type { Block } from '../../cube/block.ts';
import { readRegion, type Region } from '../../cube/broadcast.ts';
import type { Cube } from '../../cube/cube.ts';

/** 1 where a mask value counts: it is there and neither 0 nor false. */
export function marksOf({ dtype, data, nulls }: Block): Uint8Array<ArrayBuffer> {
  const marks = data instanceof Uint8Array && dtype === 'bool' ? data : Uint8Array.from(data, (v) => (v === 0 ? 0 : 1));
  return nulls === null ? marks : marks.map((mark, i) => (mark !== 0 && nulls[i] === 0 ? 1 : 0));
}

/** Data and the mask on its grid, of which a cube consists where the mask leaves no-data. */
export interface Masking {
  readonly data: Cube;
  readonly by: Cube;
}

const maskings = new WeakMap<Cube, Masking>();

/** Remembers what a masked cube consists of, for steps that take both at once (steps.ts). */
export function rememberMasking(cube: Cube, masking: Masking): Cube {
  maskings.set(cube, masking);
  return cube;
}

/** Undefined for cubes that are not masked, or were changed since. */
export const maskingOf = (cube: Cube): Masking | undefined => maskings.get(cube);

/** The marks of a region, in the order of the dimensions of the data that the mask has, without repeating them along the others. */
export async function readMarks({ data, by }: Masking, window: { readonly start: readonly number[]; readonly size: readonly number[] }, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const own = new Set(by.dimensions.map((d) => d.name));
  const kept = data.dimensions.flatMap(({ name }, i) => (own.has(name) ? [i] : []));
  const region: Region = { names: kept.map((i) => data.dimensions[i]!.name), start: kept.map((i) => window.start[i]!), size: kept.map((i) => window.size[i]!) };
  return marksOf(await readRegion(by, region, signal));
}
