/** Two kernels one after the other as one kernel. */
import type { Kernel, KernelData } from '../kernel.ts';
import { compose } from './compose.ts';
import { laneKernel } from './lane-kernel.ts';

/** How many elements each kernel takes, and whether the first one's lie next to each other in an array of both. */
export interface ChainShape {
  readonly first: number;
  readonly second: number;
  /** True: element (second, first) lies at second · n + first; false: at first · n + second. */
  readonly isFirstInside: boolean;
}

/**
 * The kernel that computes `second` on the results of `first`, without writing them down. Both take one input,
 * `first` gives single values. Null when one of them has no form for lanes, or they can't be put together.
 * Blocks that are too small for lanes go through one after the other.
 */
export function chainKernel(first: Kernel, second: Kernel, shape: ChainShape): Kernel | null {
  const known = chains.get(first) ?? new WeakMap<Kernel, Map<string, Kernel | null>>();
  chains.set(first, known);
  const ofBoth = known.get(second) ?? new Map<string, Kernel | null>();
  known.set(second, ofBoth);
  const key = JSON.stringify(shape);
  const found = ofBoth.get(key);
  if (found !== undefined) return found;
  const made = joinKernels(first, second, shape);
  ofBoth.set(key, made);
  return made;
}

/** Kernels are kept by what they were compiled from (compile.ts); what was joined from them is kept with them. */
const chains = new WeakMap<Kernel, WeakMap<Kernel, Map<string, Kernel | null>>>();

function joinKernels(first: Kernel, second: Kernel, shape: ChainShape): Kernel | null {
  if (!first.lanes || !second.lanes) return null;
  const { isFirstInside } = shape;
  const program = compose(first.lanes, second.lanes, (outer, inner) => (isFirstInside ? outer * shape.first + inner : inner * shape.second + outer));
  if (!program) return null;
  const run = (inputs: readonly KernelData[], outer: number, inner: number): KernelData => {
    const between = isFirstInside ? first.run(inputs, outer * shape.second, inner) : first.run(inputs, outer, shape.second * inner);
    return second.run([between], outer, inner);
  };
  return laneKernel(program, { dtype: second.dtype, length: second.length, labels: second.labels, isInterpreted: false, run });
}
