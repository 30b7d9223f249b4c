/** drop_dimension: removes a dimension that has one label. */
import { withoutGrid, viewCube, forwardRegrid } from '../../cube/view.ts';
import type { Cube } from '../../cube/cube.ts';
import { withInserted } from '../../cube/window.ts';
import { OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, textOf } from './arguments.ts';

export const dropDimension: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'drop_dimension');
    const name = textOf(args, 'drop_dimension', 'name');
    const { size } = cube.dimension(name);
    if (size > 1) throw new OpenEOError('DimensionLabelCountMismatch', {}, { detail: `'${name}' has ${size} labels.` });
    return dropped(cube, name);
  },
};

function dropped(cube: Cube, name: string): Cube {
  const at = cube.indexOf(name);
  const { type, axis } = cube.dimensions[at]!;
  const rest = axis === 'x' || axis === 'y' ? withoutGrid(cube) : cube;
  const { bands: _, ...withoutBandNames } = cube.attributes;
  return viewCube(rest, {
    dimensions: rest.dimensions.toSpliced(at, 1),
    attributes: type === 'bands' ? withoutBandNames : cube.attributes,
    toSource: (window) => withInserted(window, at, 0, cube.dimensions[at]!.size),
    regrid: rest === cube ? forwardRegrid(cube, (other) => dropped(other, name)) : undefined,
  });
}
