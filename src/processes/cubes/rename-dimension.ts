/** rename_dimension: another name for a dimension. */
import type { Cube } from '../../cube/cube.ts';
import { forwardRegrid, viewCube } from '../../cube/view.ts';
import { OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, textOf } from './arguments.ts';

export const renameDimension: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'rename_dimension');
    const source = textOf(args, 'rename_dimension', 'source');
    const target = textOf(args, 'rename_dimension', 'target');
    cube.indexOf(source);
    if (cube.dimensions.some((d) => d.name === target)) throw new OpenEOError('DimensionExists', {}, { detail: `It is '${target}'.` });
    return renamed(cube, source, target);
  },
};

function renamed(cube: Cube, source: string, target: string): Cube {
  const at = cube.indexOf(source);
  return viewCube(cube, {
    dimensions: cube.dimensions.with(at, { ...cube.dimensions[at]!, name: target }),
    toSource: (window) => window,
    regrid: forwardRegrid(cube, (other) => renamed(other, source, target)),
  });
}
