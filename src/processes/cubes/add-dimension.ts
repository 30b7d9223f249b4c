/** add_dimension: a new first dimension with one label. */
import { viewCube, forwardRegrid } from '../../cube/view.ts';
import type { Cube } from '../../cube/cube.ts';
import type { Dimension, Label } from '../../cube/dimension.ts';
import { withoutDimension } from '../../cube/window.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, kindOf, textOf } from './arguments.ts';

export const addDimension: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'add_dimension');
    const name = textOf(args, 'add_dimension', 'name');
    const { label } = args;
    if (typeof label !== 'string' && typeof label !== 'number') throw invalidArgument('add_dimension', 'label', `it must be a text or a number, not ${kindOf(label)}`);
    if (cube.dimensions.some((d) => d.name === name)) throw new OpenEOError('DimensionExists', {}, { detail: `It is '${name}'.` });
    return added(cube, dimensionOf(cube, name, (args['type'] ?? 'other') as Dimension['type'], label));
  },
};

function dimensionOf(cube: Cube, name: string, type: Dimension['type'], label: Label): Dimension {
  const dimension = { name, type, size: 1, labels: [label] };
  if (type !== 'spatial') return dimension;
  const axis = (['x', 'y', 'z'] as const).find((a) => !cube.find('spatial', a));
  return axis ? { ...dimension, axis } : dimension;
}

function added(cube: Cube, dimension: Dimension): Cube {
  const isNewBand = dimension.type === 'bands' && !cube.attributes.bands;
  return viewCube(cube, {
    dimensions: [dimension, ...cube.dimensions],
    ...(isNewBand && { attributes: { ...cube.attributes, bands: [{ name: String(dimension.labels![0]) }] } }),
    toSource: (window) => withoutDimension(window, 0),
    regrid: forwardRegrid(cube, (other) => added(other, dimension)),
  });
}
