/** rename_labels: other labels for a dimension, values stay where they are. */
import { withRenamedBands } from '../../cube/attributes.ts';
import type { Cube } from '../../cube/cube.ts';
import type { Label } from '../../cube/dimension.ts';
import { forwardRegrid, viewCube, withoutGrid } from '../../cube/view.ts';
import { OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, labelsOf, textOf } from './arguments.ts';

export const renameLabels: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'rename_labels');
    const name = textOf(args, 'rename_labels', 'dimension');
    const target = labelsOf(args, 'rename_labels', 'target');
    const source = labelsOf(args, 'rename_labels', 'source');
    return relabelled(cube, name, newLabels(cube.labels(name), source, target));
  },
};

function newLabels(old: readonly Label[], source: readonly Label[], target: readonly Label[]): Label[] {
  const from = source.length > 0 ? source : enumerated(old, target.length);
  if (from.length !== target.length) throw new OpenEOError('LabelMismatch', {}, { detail: `There are ${from.length} in 'source' and ${target.length} in 'target'.` });
  const missing = from.find((label) => !old.includes(label));
  if (missing !== undefined) throw new OpenEOError('LabelNotAvailable', {}, { detail: `There is no '${missing}'; there are ${shown(old)}.` });
  const present = target.find((label) => old.includes(label));
  if (present !== undefined) throw new OpenEOError('LabelExists', {}, { detail: `It is '${present}'.` });
  return old.map((label) => (from.includes(label) ? target[from.indexOf(label)]! : label));
}

/** Without `source`, labels must be the numbers from zero on; the first ones are renamed. */
function enumerated(old: readonly Label[], count: number): Label[] {
  if (old.some((label, i) => label !== i)) throw new OpenEOError('LabelsNotEnumerated', {}, { detail: `They are ${shown(old)}: name the old ones in 'source'.` });
  return old.slice(0, count);
}

const shown = (labels: readonly Label[]) => `${labels.slice(0, 20).map((label) => `'${label}'`).join(', ')}${labels.length > 20 ? ' …' : ''}`;

function relabelled(cube: Cube, name: string, labels: readonly Label[]): Cube {
  const at = cube.indexOf(name);
  const { type, axis } = cube.dimensions[at]!;
  const onGrid = cube.grid !== null && (axis === 'x' || axis === 'y');
  const plain = onGrid ? withoutGrid(cube) : cube;
  return viewCube(plain, {
    dimensions: plain.dimensions.with(at, { ...plain.dimensions[at]!, labels }),
    attributes: type === 'bands' ? withRenamedBands(cube.attributes, labels) : cube.attributes,
    toSource: (window) => window,
    regrid: onGrid ? undefined : forwardRegrid(cube, (other) => relabelled(other, name, labels)),
  });
}
