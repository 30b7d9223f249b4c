/** predict_curve: a function, with parameters of its own for each pixel, at given labels. */
import { withoutBands } from '../../cube/attributes.ts';
import { createBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Dimension, Label } from '../../cube/dimension.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { splitWindow, withRange } from '../../cube/window.ts';
import { invalidArgument } from '../../errors.ts';
import type { Kernel } from '../../graph/kernel.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Arguments } from '../../graph/value.ts';
import { abscissaOf } from '../curves.ts';
import { callbackOf, cubeOf, indicesOfType, labelsOf, textOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { compileScalar, MAX_SAMPLES } from './kernels.ts';

const ID = 'predict_curve';

export const predictCurve: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID, 'parameters');
    const name = textOf(args, ID, 'dimension');
    const at = parametersIndex(cube, name);
    const { axis } = cube.dimensions[at]!;
    if (axis) throw invalidArgument(ID, 'dimension', `'${name}' is a spatial dimension of the cube; parameters can't lie along it`);
    const labels = wantedLabels(args);
    const model = callbackOf(args, ID, 'function');
    const meaning = meaningOf(ID, args);
    const derive = (source: Cube, regrid?: Cube['regrid']): Cube => {
      const inputs = [{ name: 'x', kind: 'scalar', dtype: 'float64' }, { name: 'parameters', kind: 'array', dtype: source.dtype, labels: source.dimensions[at]!.labels ?? [] }] as const;
      const kernel = compileScalar(model, inputs, {}, { process: ID, parameter: 'function' });
      return predicted({ cube: source, at, kernel, xs: labels.map((label) => abscissaOf(label)!) }, dimensionOf(name, labels), meaning, regrid);
    };
    return derive(cube, pointwiseRegrid(cube, derive));
  },
};

/** Where the parameters are: on the dimension of that name, else on the only one that can't be anything else. */
function parametersIndex(cube: Cube, name: string): number {
  const named = cube.dimensions.findIndex((d) => d.name === name);
  if (named >= 0) return named;
  for (const type of ['other', 'bands'] as const) {
    const found = indicesOfType(cube, type);
    if (found.length === 1) return found[0]!;
    if (found.length > 1) throw invalidArgument(ID, 'parameters', `${found.map((i) => `'${cube.dimensions[i]!.name}'`).join(' and ')} could hold the parameters; name one of them in 'dimension'`);
  }
  throw invalidArgument(ID, 'parameters', `the cube has neither a dimension '${name}' nor one of the type other or bands that could hold the parameters`);
}

function wantedLabels(args: Arguments): Label[] {
  const labels = labelsOf(args, ID, 'labels');
  if (labels.length === 0) throw invalidArgument(ID, 'labels', 'give the labels to predict values for; a cube of parameters has no gaps that could be filled without them');
  const wrong = labels.find((label) => abscissaOf(label) === null);
  if (wrong !== undefined) throw invalidArgument(ID, 'labels', `'${wrong}' is neither a finite number nor a date`);
  if (labels.some((label) => typeof label !== typeof labels[0])) throw invalidArgument(ID, 'labels', 'they must be all numbers or all dates');
  return labels;
}

const dimensionOf = (name: string, labels: readonly Label[]): Dimension => ({ name, type: typeof labels[0] === 'string' ? 'temporal' : 'other', size: labels.length, labels });

interface Model {
  readonly cube: Cube;
  /** Position of the dimension of the parameters, which the predictions replace. */
  readonly at: number;
  readonly kernel: Kernel;
  readonly xs: readonly number[];
}

function predicted(model: Model, dimension: Dimension, meaning: string, regrid: Cube['regrid']): Cube {
  const { cube, at, kernel } = model;
  const inputOf = (window: Window) => withRange(window, at, 0, cube.dimensions[at]!.size);
  return cube.with({
    dimensions: cube.dimensions.with(at, dimension),
    dtype: kernel.dtype,
    attributes: withoutBands(cube.attributes),
    read: async (window, signal) => {
      const out = createBlock(kernel.dtype, window.size);
      const most = Math.max(1, Math.floor(MAX_SAMPLES / Math.max(window.size[at]!, cube.dimensions[at]!.size))) * Math.max(1, window.size[at]!);
      for (const piece of splitWindow(window, most, [at])) {
        pasteBlock(out, window, evaluate(model, await cube.read(inputOf(piece), signal), piece), piece);
      }
      return out;
    },
    fingerprint: async (window) => digest([meaning, window.start[at], window.size[at], await cube.fingerprint(inputOf(window))]),
    ...(regrid && { regrid }),
  });
}

/** One run of the model per label, for all pixels at once. */
function evaluate({ at, kernel, xs }: Model, parameters: Block, window: Window): Block {
  const outer = product(window.size.slice(0, at));
  const inner = product(window.size.slice(at + 1));
  const length = window.size[at]!;
  const out = createBlock(kernel.dtype, window.size);
  let nulls: Uint8Array | null = null;
  const x = new Float64Array(outer * inner);
  for (let k = 0; k < length; k++) {
    x.fill(xs[window.start[at]! + k]!);
    const values = kernel.run([{ data: x, nulls: null }, parameters], outer, inner);
    if (values.nulls) nulls ??= new Uint8Array(out.data.length);
    for (let o = 0; o < outer; o++) {
      const to = (o * length + k) * inner;
      out.data.set(values.data.subarray(o * inner, (o + 1) * inner), to);
      if (values.nulls) nulls!.set(values.nulls.subarray(o * inner, (o + 1) * inner), to);
    }
  }
  return { ...out, nulls };
}
