/** reduce_dimension: one value of every series along a dimension, which is dropped. */
import { withNewValues, withoutBands } from '../../cube/attributes.ts';
import type { Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { withoutGrid } from '../../cube/view.ts';
import { withInserted } from '../../cube/window.ts';
import type { Kernel } from '../../graph/kernel.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf, textOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { compileScalar } from './kernels.ts';
import { readStep, rememberStep, stepOn } from './steps.ts';

export const reduceDimension: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'reduce_dimension');
    const name = textOf(args, 'reduce_dimension', 'dimension');
    const reducer = callbackOf(args, 'reduce_dimension', 'reducer');
    const meaning = meaningOf('reduce_dimension', args);
    const derive = (source: Cube, regrid?: Cube['regrid']): Cube => {
      const input = { name: 'data', kind: 'array', dtype: source.dtype, labels: source.labels(name) } as const;
      const kernel = compileScalar(reducer, [input], contextOf(args), { process: 'reduce_dimension', parameter: 'reducer' });
      return reduced(source, source.indexOf(name), kernel, meaning, regrid);
    };
    const isSpatial = cube.dimension(name).type === 'spatial';
    return derive(cube, isSpatial ? undefined : pointwiseRegrid(cube, derive));
  },
};

/** The cube without the dimension, each cell computed from the whole series along it. */
function reduced(cube: Cube, dimension: number, kernel: Kernel, meaning: string, regrid: Cube['regrid']): Cube {
  const { axis, type, size } = cube.dimensions[dimension]!;
  const rest = axis === 'x' || axis === 'y' ? withoutGrid(cube) : cube;
  const whole = (window: Window) => withInserted(window, dimension, 0, size);
  const step = stepOn(cube, dimension, kernel);
  return rememberStep(rest.with({
    dimensions: rest.dimensions.toSpliced(dimension, 1),
    dtype: kernel.dtype,
    attributes: type === 'bands' ? withoutBands(cube.attributes) : withNewValues(cube.attributes),
    read: (window, signal) => readStep(step, window, signal),
    fingerprint: async (window) => digest([meaning, await cube.fingerprint(whole(window))]),
    ...(regrid && { regrid }),
  }), step);
}
