/** apply: a child process for every single value. */
import { withNewValues } from '../../cube/attributes.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { compileScalar } from './kernels.ts';
import { readStep, rememberStep, stepOn } from './steps.ts';

export const apply: Implementation = {
  run(args) {
    const callback = callbackOf(args, 'apply', 'process');
    const meaning = meaningOf('apply', args);
    const derive = (cube: Cube, regrid?: Cube['regrid']): Cube => {
      const kernel = compileScalar(callback, [{ name: 'x', kind: 'scalar', dtype: cube.dtype }], contextOf(args), { process: 'apply', parameter: 'process' });
      const step = stepOn(cube, null, kernel);
      return rememberStep(cube.with({
        dtype: kernel.dtype,
        attributes: withNewValues(cube.attributes),
        read: (window, signal) => readStep(step, window, signal),
        fingerprint: async (window) => digest([meaning, await cube.fingerprint(window)]),
        ...(regrid && { regrid }),
      }), step);
    };
    const cube = cubeOf(args, 'apply');
    return derive(cube, pointwiseRegrid(cube, derive));
  },
};
