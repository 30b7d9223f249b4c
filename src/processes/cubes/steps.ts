/**
 * Cubes that are computed cell by cell from neighbouring dimensions of another cube, and putting such steps
 * together: reducing bands and then time reads each cell once and writes no cube in between.
 *
 * What a cube was computed from is remembered beside it. A cube that was changed in any way is another cube,
 * of which nothing is known here.
 */
import { createBlock, product, strides, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { sampleSize } from '../../cube/dtype.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { isSameWindow, splitWindow } from '../../cube/window.ts';
import type { Kernel } from '../../graph/kernel.ts';
import { chainKernel } from '../../graph/lanes/chain-kernel.ts';
import { hiddenKernel } from '../../graph/lanes/hidden-kernel.ts';
import { maskingOf, readMarks } from './marks.ts';

/** Samples that are read at once take at most this many bytes, their no-data flags not counted. */
const MAX_BYTES = 1 << 27;

/** Each cell comes from all labels of some dimensions of the source, which are gone in the result. */
export interface Step {
  readonly source: Cube;
  /** Position of the first of these dimensions, and how many there are: they are neighbours. 0: the cell itself. */
  readonly at: number;
  readonly count: number;
  readonly kernel: Kernel;
  /** Hides samples of the source; it lies on its grid and has all dimensions that are left. */
  readonly mask?: Cube;
}

const steps = new WeakMap<Cube, Step>();

/** Remembers how a cube is computed. */
export function rememberStep(cube: Cube, step: Step): Cube {
  steps.set(cube, step);
  return cube;
}

/**
 * The step that computes `kernel` on a cube, along one dimension or (null) on single values: from what the
 * cube itself is computed from where both kernels can be one, else from the cube.
 */
export function stepOn(cube: Cube, dimension: number | null, kernel: Kernel): Step {
  const before = steps.get(cube);
  const alone = { source: cube, at: dimension ?? 0, count: dimension === null ? 0 : 1, kernel };
  return (before && follow(before, cube, dimension, kernel)) ?? withMask(alone) ?? alone;
}

/** The step on a masked cube as one on the data and the mask. Null where it can't be: see `kernelOf`. */
function withMask(step: Step): Step | null {
  const masking = maskingOf(step.source);
  const both = masking && { ...step, source: masking.data, mask: masking.by };
  return both && kernelOf(both) ? both : null;
}

/** The kernel on the source and, if there is one, the mask. Null where the mask lacks one of the dimensions that are left, or the kernel can't take it. */
function kernelOf({ source, at, count, kernel, mask }: Step): Kernel | null {
  if (!mask) return kernel;
  const isThere = source.dimensions.map(({ name }) => mask.dimensions.some((d) => d.name === name));
  if (isThere.some((there, i) => !there && (i < at || i >= at + count))) return null;
  // A dimension that the mask lacks has one place for all of its labels.
  const size = source.shape.slice(at, at + count);
  const ownSize = size.map((n, i) => (isThere[at + i] ? n : 1));
  const [steps, length] = [strides(ownSize), product(size)];
  const places = Array.from({ length }, (_, e) => strides(size).reduce((sum, step, i) => sum + (isThere[at + i] ? (Math.floor(e / step) % size[i]!) * steps[i]! : 0), 0));
  return hiddenKernel(kernel, places, product(ownSize));
}

function follow(before: Step, cube: Cube, dimension: number | null, kernel: Kernel): Step | null {
  const { source, count, mask } = before;
  const at = count === 0 ? dimension ?? 0 : before.at;
  const isInside = dimension !== null && count > 0 && dimension === at - 1;
  if (dimension !== null && dimension !== at && !isInside) return null;
  const first = product(source.shape.slice(at, at + count));
  const second = dimension === null ? 1 : cube.shape[dimension]!;
  const both = chainKernel(before.kernel, kernel, { first, second, isFirstInside: isInside });
  const joined = both && { source, at: isInside ? at - 1 : at, count: count + (dimension === null ? 0 : 1), kernel: both, ...(mask && { mask }) };
  return joined && kernelOf(joined) ? joined : null;
}

/** Computes a window; long series are worked off in pieces, so that they do not pile up in memory. */
export async function readStep(step: Step, window: Window, signal: AbortSignal): Promise<Block> {
  const { source, at, count, mask } = step;
  const kernel = kernelOf(step)!;
  const size = source.shape.slice(at, at + count);
  const whole = (piece: Window): Window => ({ start: piece.start.toSpliced(at, 0, ...size.map(() => 0)), size: piece.size.toSpliced(at, 0, ...size) });
  const reduce = async (piece: Window): Promise<Block> => {
    const [block, marks] = await Promise.all([source.read(whole(piece), signal), mask && readMarks({ data: source, by: mask }, whole(piece), signal)]);
    const { data, nulls } = kernel.run([block, ...(marks ? [{ data: marks, nulls: null }] : [])], product(piece.size.slice(0, at)), product(piece.size.slice(at)));
    return { dtype: kernel.dtype, shape: piece.size, data, nulls };
  };
  const pieces = [...splitWindow(window, Math.max(1, Math.floor(MAX_BYTES / sampleSize(source.dtype) / Math.max(1, product(size)))))];
  if (pieces.length === 1 && isSameWindow(pieces[0]!, window)) return reduce(window);
  const out = createBlock(kernel.dtype, window.size);
  for (const piece of pieces) pasteBlock(out, window, await reduce(piece), piece);
  return out;
}
