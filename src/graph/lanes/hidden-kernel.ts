/** A kernel that also takes marks of hidden samples, so that a mask needs no pass of its own over the data. */
import type { Kernel, KernelData } from '../kernel.ts';
import { Expressions, substitute, type Expression } from './expression.ts';
import { laneKernel } from './lane-kernel.ts';
import { orNull, type LaneProgram, type LaneResult } from './program.ts';

/**
 * The kernel that computes `kernel` on what the marks leave of its one input. Its inputs are that one and the marks:
 * samples of type bool without no-data, `count` for each cell; those of element e of the data are at `places[e]`.
 * Null when the kernel has no form for lanes.
 */
export function hiddenKernel(kernel: Kernel, places: readonly number[], count: number): Kernel | null {
  const known = kernels.get(kernel) ?? new Map<string, Kernel | null>();
  kernels.set(kernel, known);
  const key = `${count}: ${places.join()}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = makeKernel(kernel, places, count);
  known.set(key, made);
  return made;
}

/** Kernels are kept by what they were compiled from (compile.ts), and these with them. */
const kernels = new WeakMap<Kernel, Map<string, Kernel | null>>();

function makeKernel(kernel: Kernel, places: readonly number[], count: number): Kernel | null {
  const program = kernel.lanes && hidden(kernel.lanes, places, count);
  if (!program) return null;
  const run = ([data, marks]: readonly KernelData[], outer: number, inner: number): KernelData => kernel.run([hide(data!, marks!, { places, count, outer, inner })], outer, inner);
  return laneKernel(program, { dtype: kernel.dtype, length: kernel.length, labels: kernel.labels, isInterpreted: false, run });
}

/** A sample is no-data where it was or where it is marked. */
function hidden(program: LaneProgram, places: readonly number[], count: number): LaneProgram | null {
  const [input] = program.inputs;
  if (program.inputs.length !== 1 || input!.length !== places.length) return null;
  const rewritten = (flagOf: (make: Expressions, flag: Expression, mark: Expression) => Expression) => orNull(() => {
    const make = new Expressions();
    const rebuild = substitute(make, (leaf) => {
      const same = make.make(leaf.op, [], leaf);
      return leaf.op === 'flag' ? flagOf(make, same, make.sample(1, places[leaf.element]!, 'bool')) : same;
    });
    return program.guarded.map(({ value, isNull }): LaneResult => ({ value: rebuild(value), isNull: isNull && rebuild(isNull) }));
  });
  const [plain, guarded] = [rewritten((_, __, mark) => mark), rewritten((make, flag, mark) => make.or(flag, mark))];
  return plain && guarded && { ...program, inputs: [input!, { dtype: 'bool', length: count }], plain, guarded };
}

interface Marking {
  readonly places: readonly number[];
  readonly count: number;
  readonly outer: number;
  readonly inner: number;
}

function hide({ data, nulls }: KernelData, { data: marks }: KernelData, { places, count, outer, inner }: Marking): KernelData {
  const both = nulls ? nulls.slice() : new Uint8Array(data.length);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const place of places) {
      const from = (o * count + place) * inner;
      for (let i = 0; i < inner; i++) both[at++]! |= Number(marks[from + i]);
    }
  }
  return { data, nulls: nulls || both.includes(1) ? both : null };
}
