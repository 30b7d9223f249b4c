/** unflatten_dimension: one dimension as several, its labels taken apart. */
import { withNewValues, withoutBands } from '../../cube/attributes.ts';
import { product, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Dimension } from '../../cube/dimension.ts';
import { fingerprintLabels, forwardRegrid, readLabels, withoutGrid } from '../../cube/view.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, labelsOf, textOf } from './arguments.ts';

const ID = 'unflatten_dimension';

export const unflattenDimension: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const at = cube.indexOf(textOf(args, ID, 'dimension'));
    const targets = labelsOf(args, ID, 'target_dimensions').map(String);
    if (targets.length < 2 || new Set(targets).size < targets.length) throw invalidArgument(ID, 'target_dimensions', 'it must be at least two different names');
    const taken = targets.find((name) => cube.dimensions.some((d) => d.name === name));
    if (taken !== undefined) throw new OpenEOError('TargetDimensionExists', {}, { detail: `It is '${taken}'.` });
    return unflattened(cube, at, planOf(cube, at, targets, textOf(args, ID, 'label_separator')));
  },
};

interface Plan {
  readonly dimensions: readonly Dimension[];
  /** Old position of every combination of labels, row by row. */
  readonly positions: readonly number[];
}

function planOf(cube: Cube, at: number, targets: readonly string[], separator: string): Plan {
  const { name, size } = cube.dimensions[at]!;
  const texts = cube.labels(name).map((label) => String(label).split(separator));
  const odd = texts.findIndex((parts) => parts.length !== targets.length);
  if (odd >= 0) throw invalidArgument(ID, 'data', `the label '${texts[odd]!.join(separator)}' of '${name}' consists of ${texts[odd]!.length} parts between '${separator}', not of ${targets.length}`);
  const labels = targets.map((_, i) => [...new Set(texts.map((parts) => parts[i]!))]);
  const places = labels.map((list) => new Map(list.map((label, i) => [label, i])));
  const positions = new Array<number>(product(labels.map((l) => l.length)) === size ? size : 0).fill(-1);
  for (const [position, parts] of texts.entries()) {
    const index = parts.reduce((sum, part, i) => sum * labels[i]!.length + places[i]!.get(part)!, 0);
    if (positions[index] === -1) positions[index] = position;
  }
  if (positions.length !== size || positions.includes(-1)) throw invalidArgument(ID, 'data', `the labels of '${name}' are not every combination of their parts exactly once: ${labels.map((l, i) => `${l.length} for '${targets[i]}'`).join(', ')}, but ${size} in all`);
  return { dimensions: targets.map((target, i) => ({ name: target, type: 'other', size: labels[i]!.length, labels: labels[i]! })), positions };
}

function unflattened(cube: Cube, at: number, plan: Plan): Cube {
  const { type, axis } = cube.dimensions[at]!;
  const isSpatial = axis === 'x' || axis === 'y';
  const rest = isSpatial ? withoutGrid(cube) : cube;
  const regrid = isSpatial ? undefined : forwardRegrid(cube, (other) => unflattened(other, at, plan));
  const rank = plan.dimensions.length;
  const flat = ({ start, size }: Window): Window => ({ start: start.toSpliced(at, rank, 0), size: size.toSpliced(at, rank, 1) });
  return rest.with({
    dimensions: rest.dimensions.toSpliced(at, 1, ...plan.dimensions),
    attributes: type === 'bands' ? withoutBands(cube.attributes) : withNewValues(cube.attributes),
    read: async (window, signal) => ({ ...await readLabels(cube, flat(window), at, positionsIn(plan, at, window), signal), shape: window.size }),
    fingerprint: async (window) => digest([ID, window.size, await fingerprintLabels(cube, flat(window), at, positionsIn(plan, at, window))]),
    ...(regrid && { regrid }),
  });
}

/** Old positions of the combinations in a window, row by row. */
function positionsIn({ dimensions, positions }: Plan, at: number, window: Window): number[] {
  const indices = dimensions.reduce<number[]>((found, { size }, i) => found.flatMap((index) =>
    Array.from({ length: window.size[at + i]! }, (_, k) => index * size + window.start[at + i]! + k)), [0]);
  return indices.map((index) => positions[index]!);
}
