/** apply: a child process for every single value. */
import { withNewValues } from '../../cube/attributes.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { compileScalar, runPointwise } from './kernels.ts';

export const apply: Implementation = {
  run(args) {
    const callback = callbackOf(args, 'apply', 'process');
    const meaning = meaningOf('apply', args);
    const derive = (cube: Cube, regrid?: Cube['regrid']): Cube => {
      const kernel = compileScalar(callback, [{ name: 'x', kind: 'scalar', dtype: cube.dtype }], contextOf(args), { process: 'apply', parameter: 'process' });
      return cube.with({
        dtype: kernel.dtype,
        attributes: withNewValues(cube.attributes),
        read: async (window, signal) => runPointwise(kernel, [await cube.read(window, signal)]),
        fingerprint: async (window) => digest([meaning, await cube.fingerprint(window)]),
        ...(regrid && { regrid }),
      });
    };
    const cube = cubeOf(args, 'apply');
    return derive(cube, pointwiseRegrid(cube, derive));
  },
};
