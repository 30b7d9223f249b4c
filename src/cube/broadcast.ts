/** Reading a cube as if it had the dimensions of a larger one: missing dimensions repeat its samples. */
import { allocate } from './dtype.ts';
import { product, strides, type Block, type Window } from './block.ts';
import type { Cube } from './cube.ts';
import { permute } from './permute.ts';

/** A window of a larger space as a cube sees it. */
export interface Region {
  /** Names of the dimensions of the space, in order. */
  readonly names: readonly string[];
  /** Where the window starts on each dimension in the cube's own positions; not used where the cube lacks the dimension. */
  readonly start: readonly number[];
  readonly size: readonly number[];
}

/** The window of the cube that a region needs. */
export function windowFor(cube: Cube, { names, start, size }: Region): Window {
  const at = cube.dimensions.map((d) => names.indexOf(d.name));
  return { start: at.map((i) => start[i]!), size: at.map((i) => size[i]!) };
}

/** The samples of a region: the block has the shape of the region in the order of its names. */
export async function readRegion(cube: Cube, region: Region, signal: AbortSignal): Promise<Block> {
  const own = cube.dimensions.map((d) => d.name);
  const shared = region.names.filter((name) => own.includes(name));
  const block = permute(await cube.read(windowFor(cube, region), signal), shared.map((name) => own.indexOf(name)));
  // Where nothing is repeated, the samples are those of the region already.
  if (product(block.shape) === product(region.size)) return { ...block, shape: region.size };
  return repeat(block, region.names.map((name) => own.includes(name)), region.size);
}

/** Repeats a block along the dimensions it lacks. */
function repeat(block: Block, present: readonly boolean[], size: readonly number[]): Block {
  const own = strides(block.shape);
  let next = 0;
  const steps = present.map((p) => (p ? own[next++]! : 0));
  // Runs of dimensions that the block has lie together in it and are copied as a whole.
  const runStart = present.lastIndexOf(false) + 1;
  const run = product(size.slice(runStart));
  const length = product(size);
  const data = allocate(block.dtype, length);
  const nulls = block.nulls && new Uint8Array(length);
  let at = 0;
  const visit = (level: number, offset: number) => {
    if (level === runStart) {
      data.set(block.data.subarray(offset, offset + run), at);
      if (nulls) nulls.set(block.nulls!.subarray(offset, offset + run), at);
      at += run;
      return;
    }
    if (level === runStart - 1 && run === 1) {
      // The last dimension is one that the block lacks: one sample fills it.
      data.fill(block.data[offset]!, at, at + size[level]!);
      if (nulls) nulls.fill(block.nulls![offset]!, at, at + size[level]!);
      at += size[level]!;
      return;
    }
    const step = steps[level]!;
    for (let i = 0; i < size[level]!; i++) visit(level + 1, offset + i * step);
  };
  if (length > 0) visit(0, 0);
  return { dtype: block.dtype, shape: size, data, nulls };
}
