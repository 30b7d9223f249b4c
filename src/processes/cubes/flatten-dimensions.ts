/** flatten_dimensions: several dimensions as one, whose labels are all combinations of the old ones. */
import { withNewValues, withoutBands } from '../../cube/attributes.ts';
import { createBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Dimension } from '../../cube/dimension.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { permute } from '../../cube/permute.ts';
import { forwardRegrid, withoutGrid } from '../../cube/view.ts';
import { withRange } from '../../cube/window.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, labelsOf, textOf } from './arguments.ts';

const ID = 'flatten_dimensions';

/** Labels are texts in memory: more than this nobody can read. */
const MAX_LABELS = 1 << 20;

export const flattenDimensions: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const names = labelsOf(args, ID, 'dimensions').map(String);
    if (names.length === 0) throw invalidArgument(ID, 'dimensions', 'it must name at least one dimension');
    if (new Set(names).size < names.length) throw invalidArgument(ID, 'dimensions', 'it names a dimension twice');
    const count = product(names.map((name) => cube.dimension(name).size));
    const target = textOf(args, ID, 'target_dimension');
    if (cube.dimensions.some((d) => d.name === target)) throw new OpenEOError('TargetDimensionExists', {}, { detail: `It is '${target}'.` });
    if (count > MAX_LABELS) throw invalidArgument(ID, 'dimensions', `together they have ${count} labels, at most ${MAX_LABELS} are possible; reduce the cube first, e.g. with filter_bbox or aggregate_spatial_window`);
    return flattened(cube, names, target, textOf(args, ID, 'label_separator'));
  },
};

function flattened(cube: Cube, names: readonly string[], target: string, separator: string): Cube {
  const parts = names.map((name) => cube.indexOf(name));
  const at = Math.min(...parts);
  const flat: Dimension = { name: target, type: 'other', size: product(parts.map((i) => cube.dimensions[i]!.size)), labels: combined(cube, names, separator) };
  const isSpatial = parts.some((i) => cube.dimensions[i]!.axis === 'x' || cube.dimensions[i]!.axis === 'y');
  const rest = isSpatial ? withoutGrid(cube) : cube;
  const regrid = isSpatial ? undefined : forwardRegrid(cube, (other) => flattened(other, names, target, separator));
  const others = [...cube.dimensions.keys()].filter((i) => !parts.includes(i));
  const position = others.filter((i) => i < at).length;
  const plan: Plan = { parts, position, sizes: parts.map((i) => cube.dimensions[i]!.size), order: others.toSpliced(position, 0, ...parts) };
  return rest.with({
    dimensions: others.map((i) => rest.dimensions[i]!).toSpliced(position, 0, flat),
    attributes: parts.some((i) => cube.dimensions[i]!.type === 'bands') ? withoutBands(cube.attributes) : withNewValues(cube.attributes),
    read: (window, signal) => readFlat(cube, plan, window, signal),
    fingerprint: async (window) => {
      const prints: unknown[] = [];
      for (const box of boxesOf(plan, window)) prints.push([box.size, await cube.fingerprint(sourceOf(plan, window, box))]);
      return digest([ID, plan.parts, plan.position, prints]);
    },
    ...(regrid && { regrid }),
  });
}

function combined(cube: Cube, names: readonly string[], separator: string): string[] {
  const [first, ...more] = names.map((name) => cube.labels(name).map(String));
  return more.reduce((texts, labels) => texts.flatMap((text) => labels.map((label) => `${text}${separator}${label}`)), first!);
}

interface Plan {
  /** Positions of the flattened dimensions, the slowest first, and their sizes. */
  readonly parts: readonly number[];
  readonly sizes: readonly number[];
  /** Where their successor lies among the dimensions of the result. */
  readonly position: number;
  /** The old dimensions in the order of the new samples. */
  readonly order: readonly number[];
}

async function readFlat(cube: Cube, plan: Plan, window: Window, signal: AbortSignal): Promise<Block> {
  const out = createBlock(cube.dtype, window.size);
  let start = window.start[plan.position]!;
  for (const box of boxesOf(plan, window)) {
    const block = permute(await cube.read(sourceOf(plan, window, box), signal), plan.order);
    const cells = withRange(window, plan.position, start, product(box.size));
    pasteBlock(out, window, { ...block, shape: cells.size }, cells);
    start += product(box.size);
  }
  return out;
}

/** The parts of the flattened dimensions that a window needs, in order. */
const boxesOf = ({ position, sizes }: Plan, window: Window) => boxesOfRange(sizes, window.start[position]!, window.start[position]! + window.size[position]!);

function sourceOf({ parts, position, order }: Plan, window: Window, box: Window): Window {
  const kept = order.filter((i) => !parts.includes(i));
  const others: Window = { start: window.start.toSpliced(position, 1), size: window.size.toSpliced(position, 1) };
  const pick = (own: readonly number[], boxed: readonly number[]) => order.map((_, i) => (parts.includes(i) ? boxed[parts.indexOf(i)]! : own[kept.indexOf(i)]!));
  return { start: pick(others.start, box.start), size: pick(others.size, box.size) };
}

/** A range of row-major positions as boxes: few, because whole rows go together. */
export function boxesOfRange(sizes: readonly number[], start: number, end: number): Window[] {
  if (end <= start) return [];
  const [, ...rest] = sizes;
  if (rest.length === 0) return [{ start: [start], size: [end - start] }];
  const row = product(rest);
  const within = (index: number, from: number, to: number) => boxesOfRange(rest, from, to).map((box) => ({ start: [index, ...box.start], size: [1, ...box.size] }));
  const [first, last] = [Math.floor(start / row), Math.floor((end - 1) / row)];
  if (first === last) return within(first, start - first * row, end - first * row);
  const [whole, stop] = [Math.ceil(start / row), Math.floor(end / row)];
  return [
    ...(whole > first ? within(first, start - first * row, row) : []),
    ...(stop > whole ? [{ start: [whole, ...rest.map(() => 0)], size: [stop - whole, ...rest] }] : []),
    ...(stop * row < end ? within(stop, 0, end - stop * row) : []),
  ];
}
