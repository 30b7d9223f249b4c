/** resample_cube_spatial: brings a cube onto the cells of another one. */
import type { Resampling } from '../../cube/cube.ts';
import { resampleCube } from '../../cube/resample.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { isSameGrid } from '../../geo/grid.ts';
import { encodeAnew } from './align.ts';
import { cubeOf } from './arguments.ts';

const ID = 'resample_cube_spatial';

export const resampleCubeSpatial: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const target = cubeOf(args, ID, 'target');
    if (!cube.grid) throw invalidArgument(ID, 'data', 'the cube has no x and y dimensions on a regular grid');
    if (!target.grid) throw invalidArgument(ID, 'target', 'the cube has no x and y dimensions on a regular grid');
    if (isSameGrid(cube.grid, target.grid)) return cube;
    const method = (args['method'] ?? 'near') as Resampling;
    if (cube.attributes.operator !== undefined) return encodeAnew(cube, target.grid, method, { process: ID, parameter: 'data' });
    return resampleCube(cube, target.grid, method);
  },
};
