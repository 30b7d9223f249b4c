/** apply_dimension: a child process for every series along a dimension, array to array. */
import { withNewValues, withoutBands } from '../../cube/attributes.ts';
import { createBlock, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { withLabels, type Dimension } from '../../cube/dimension.ts';
import { cropBlock, pasteBlock } from '../../cube/paste.ts';
import { permute } from '../../cube/permute.ts';
import { withoutGrid } from '../../cube/view.ts';
import { splitWindow, withRange } from '../../cube/window.ts';
import { invalidArgument } from '../../errors.ts';
import type { Kernel } from '../../graph/kernel.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf, optionalTextOf, textOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { MAX_SAMPLES, runAlong } from './kernels.ts';

export const applyDimension: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'apply_dimension');
    const source = cube.indexOf(textOf(args, 'apply_dimension', 'dimension'));
    const target = optionalTextOf(args, 'apply_dimension', 'target_dimension') ?? cube.dimensions[source]!.name;
    const labels = cube.labels(cube.dimensions[source]!.name);
    const kernel = callbackOf(args, 'apply_dimension', 'process').compile([{ name: 'data', kind: 'array', dtype: cube.dtype, labels }], contextOf(args));
    if (kernel.length === null) {
      throw invalidArgument('apply_dimension', 'process', 'it must give an array, but it gives a single value; reduce_dimension is made for that');
    }
    return derived(cube, planOf(cube, source, target, kernel.length), kernel, meaningOf('apply_dimension', args));
  },
};

/** Where the computed series goes. */
interface Plan {
  readonly source: number;
  /** Position of the target among the source's dimensions; the source's own position when it is replaced. */
  readonly target: number;
  /** Dimensions of the result. */
  readonly dimensions: readonly Dimension[];
  readonly length: number;
}

function planOf(cube: Cube, source: number, target: string, length: number): Plan {
  const counted = Array.from({ length }, (_, i) => i);
  const old = cube.dimensions[source]!;
  const keepsLabels = target === old.name && length === old.size;
  const { dimensions } = keepsLabels || !old.axis ? cube : withoutGrid(cube);
  if (keepsLabels) return { source, target: source, dimensions, length };
  const at = dimensions.findIndex((d) => d.name === target);
  if (at < 0) return { source, target: source, dimensions: dimensions.with(source, { name: target, type: 'other', size: length, labels: counted }), length };
  const filled = dimensions.with(at, withLabels(dimensions[at]!, counted));
  if (at === source) return { source, target: source, dimensions: filled, length };
  if (dimensions[at]!.size !== 1) throw invalidArgument('apply_dimension', 'target_dimension', `the dimension '${target}' exists and has ${dimensions[at]!.size} labels; only one with a single label can take the values`);
  return { source, target: at, dimensions: filled.toSpliced(source, 1), length };
}

function derived(cube: Cube, plan: Plan, kernel: Kernel, meaning: string): Cube {
  const { source, target } = plan;
  const touched = [cube.dimensions[source]!, cube.dimensions[target]!];
  const keepsGrid = plan.dimensions.some((d) => d.axis === 'x' && !d.labels) && plan.dimensions.some((d) => d.axis === 'y' && !d.labels);
  const keepsBands = plan.dimensions.some((d, i) => d.type === 'bands' && d.labels === cube.dimensions[i]?.labels);
  return cube.with({
    dimensions: plan.dimensions,
    grid: keepsGrid ? cube.grid : null,
    dtype: kernel.dtype,
    attributes: touched.some((d) => d.type === 'bands') && !keepsBands ? withoutBands(cube.attributes) : withNewValues(cube.attributes),
    read: (window, signal) => readApplied(cube, plan, kernel, window, signal),
    fingerprint: async (window) => digest([meaning, window.size, outputRange(plan, window), await cube.fingerprint(inputOf(cube, plan, window))]),
  });
}

/** Position of the computed dimension in the result. */
const outputAt = ({ source, target }: Plan) => (target > source ? target - 1 : target);

function outputRange(plan: Plan, window: Window): readonly [number, number] {
  const at = outputAt(plan);
  return [window.start[at]!, window.size[at]!];
}

/** The whole series of every cell of the window. */
function inputOf(cube: Cube, { source, target }: Plan, window: Window): Window {
  const { size } = cube.dimensions[source]!;
  if (source === target) return withRange(window, source, 0, size);
  const inserted = { start: window.start.toSpliced(source, 0, 0), size: window.size.toSpliced(source, 0, size) };
  return withRange(inserted, target, 0, 1);
}

async function readApplied(cube: Cube, plan: Plan, kernel: Kernel, window: Window, signal: AbortSignal): Promise<Block> {
  const at = outputAt(plan);
  const longest = Math.max(1, cube.dimensions[plan.source]!.size, plan.length);
  const whole = withRange(window, at, 0, plan.length);
  const pieces = [...splitWindow(whole, Math.max(plan.length, Math.floor(MAX_SAMPLES / longest) * plan.length), [at])];
  const out = pieces.length === 1 ? null : createBlock(kernel.dtype, window.size);
  for (const piece of pieces) {
    const block = await applied(cube, plan, kernel, piece, signal);
    if (!out) return cropBlock(block, piece, window);
    pasteBlock(out, window, block, piece);
  }
  return out ?? createBlock(kernel.dtype, window.size);
}

async function applied(cube: Cube, plan: Plan, kernel: Kernel, window: Window, signal: AbortSignal): Promise<Block> {
  const { source, target } = plan;
  const block = runAlong(kernel, await cube.read(inputOf(cube, plan, window), signal), source);
  if (source === target) return block;
  // The series moves to where the target was, whose single label it replaces.
  const order = block.shape.map((_, i) => i).with(target, source).toSpliced(source, 1);
  const squeezed = { ...block, shape: block.shape.toSpliced(target, 1) };
  return permute(squeezed, order.map((i) => (i > target ? i - 1 : i)));
}
