/** Decides how a model becomes an operator: which input has the pixels, what stands for the others, and what is done with its output. */
import type { OperatorBand } from '../operator.ts';
import type { ModelFacts } from './model-facts.ts';
import { adaptationProblem, type Adaptation, type FixedInput } from './onnx-adapter.ts';
import type { OnnxDescription, OnnxValue } from './onnx-file.ts';

export interface ModelChoices {
  /** Names of the bands in the order of the channels. */
  readonly bands?: readonly string[];
  readonly chip?: number;
  readonly pooling?: 'mean' | 'class';
  /** Resolution in metres, for models that want to know it. */
  readonly gsd?: number;
}

export interface ModelPlan {
  readonly plan: Adaptation & { readonly isNeeded: boolean };
  readonly bands: readonly OperatorBand[] | null;
  readonly remarks: readonly string[];
}

/** Throws RangeError for a model that can't become an operator, saying what would have to be different. */
export function planAdaptation({ opset, inputs, outputs }: OnnxDescription, facts: ModelFacts, choices: ModelChoices): ModelPlan {
  const input = chosen(inputs.filter(({ shape }) => shape.length === 4), facts.input, 'input for pixels, float32 [n, bands, rows, columns]');
  const output = chosen(outputs, facts.output, 'output');
  const problem = adaptationProblem(input, output);
  if (problem !== null) throw new RangeError(problem);
  const bands = choices.bands?.map((name): OperatorBand => ({ name })) ?? facts.bands ?? null;
  const count = input.shape[1] ?? bands?.length;
  if (count === undefined) throw new RangeError('how many bands the model takes stands neither in it nor elsewhere: give them with --bands');
  if (bands && bands.length !== count) throw new RangeError(`the model takes ${count} bands, and ${bands.length} are named: ${bands.map(({ name }) => name).join(', ')}`);
  const chip = chipOf(input, output, facts, choices);
  const scaling = scalingFor(facts.scaling, count);
  const fixed = inputs.filter((other) => other !== input).map((other) => fixedInput(other, bands, choices.gsd ?? facts.gsd));
  const pooling = poolingOf(output, choices, chip);
  return {
    bands, remarks: [...remarksOf(fixed, scaling !== null, chip, pooling)],
    plan: {
      opset, input, output, bands: count, dimensions: dimensionsOf(output), scaling, chip, fixed, ...pooling,
      isNeeded: scaling !== null || chip !== null || fixed.length > 0,
    },
  };
}

function chosen(values: readonly OnnxValue[], wanted: string | undefined, what: string): OnnxValue {
  const found = values.find(({ name }) => name === wanted) ?? values[0];
  if (!found) throw new RangeError(`the model has no ${what}`);
  return found;
}

/** The edge of the only size that the model takes; null for one that takes any. */
function chipOf(input: OnnxValue, output: OnnxValue, facts: ModelFacts, choices: ModelChoices): number | null {
  const [, , rows, columns] = input.shape as readonly [unknown, unknown, number | null, number | null];
  if (rows !== null && columns !== null && rows !== columns) throw new RangeError(`the model takes ${rows} × ${columns} pixels, and patches are square`);
  const own = rows ?? columns;
  if (own !== null && choices.chip !== undefined && choices.chip !== own) throw new RangeError(`the model takes ${own} × ${own} pixels, so --chip ${choices.chip} can't be`);
  const chip = own ?? choices.chip ?? (output.shape.length < 4 ? facts.chip : undefined);
  if (chip === undefined && output.shape.length < 4) throw new RangeError('the model gives vectors of whole images of any size: say with --chip how many pixels a patch has');
  return chip ?? null;
}

function dimensionsOf({ name, shape }: OnnxValue): number {
  const dimensions = shape.length === 4 ? shape[1] : shape.at(-1);
  if (dimensions === null || dimensions === undefined) throw new RangeError(`the output '${name}' does not say how many dimensions a vector has: export it with static shapes but for n, rows and columns`);
  return dimensions;
}

/** Tokens of an image are a square number; what there is more stands before them. */
function poolingOf({ shape }: OnnxValue, { pooling = 'mean' }: ModelChoices, chip: number | null): Pick<Adaptation, 'pooling' | 'classTokens'> {
  if (shape.length === 4) return { pooling: 'grid', classTokens: 0 };
  if (shape.length === 2 || chip === null) return { pooling: 'none', classTokens: 0 };
  const tokens = shape[1] ?? 0;
  const classTokens = tokens - Math.floor(Math.sqrt(tokens)) ** 2;
  if (pooling === 'class' && tokens > 0 && classTokens === 0) throw new RangeError(`its ${tokens} tokens are a square number, so none of them is a class token: leave --pooling out, and their mean is taken`);
  return { pooling, classTokens };
}

function scalingFor(scaling: ModelFacts['scaling'], bands: number): Adaptation['scaling'] {
  if (!scaling) return null;
  if (scaling.scale.length === bands) return scaling;
  if (scaling.scale.length !== 1) throw new RangeError(`scales are known for ${scaling.scale.length} bands, and the model takes ${bands}`);
  return { scale: Array.from({ length: bands }, () => scaling.scale[0]!), offset: Array.from({ length: bands }, () => scaling.offset[0]!) };
}

/**
 * What a model gets besides pixels, the same for every place: Clay's models want time, place, wavelengths and resolution. Time and
 * place are zero, which is how such models are told that they are not known.
 */
function fixedInput({ name, shape, type }: OnnxValue, bands: readonly OperatorBand[] | null, gsd: number | undefined): FixedInput {
  const size = shape.slice(shape[0] === null ? 1 : 0).reduce<number>((product, n) => product * (n ?? 1), 1);
  if (type !== 1) throw new RangeError(`the model wants a further input '${name}' that is not float32: export it with a constant in its place`);
  if (/^(time|latlon|lat_lon|location|coords|temporal_coords|location_coords)$/i.test(name)) return { name, shape, values: Array.from({ length: size }, () => 0) };
  if (/^gsd$/i.test(name) && gsd !== undefined && size === 1) return { name, shape, values: [gsd] };
  if (/^(waves|wavelengths?)$/i.test(name)) {
    const waves = (bands ?? []).map((band) => band.center_wavelength).filter((v) => v !== undefined);
    // Of one dimension of any size it is the list of bands and not one number per chip.
    const [list] = shape.length === 1 ? [[waves.length]] : [shape];
    if (waves.length > 0 && (shape.length === 1 || size === waves.length)) return { name, shape: list, values: waves };
    throw new RangeError(`the model wants wavelengths ('${name}'): describe the bands with center_wavelength`);
  }
  throw new RangeError(`the model wants a further input '${name}' [${shape.map((n) => n ?? '?').join(', ')}], and what it should get is not known: export it with a constant in its place`);
}

function* remarksOf(fixed: readonly FixedInput[], isScaled: boolean, chip: number | null, { pooling, classTokens }: Pick<Adaptation, 'pooling' | 'classTokens'>): Generator<string> {
  if (isScaled) yield 'the scaling of values was put into the model, so that it takes the numbers of the source';
  if (chip !== null) yield `the model takes one chip of ${chip} × ${chip} pixels; larger images are cut into chips inside it, and each becomes one vector`;
  if (pooling === 'mean') yield `the vector of a chip is the mean of its tokens${classTokens > 0 ? `, without the first ${classTokens}` : ''}`;
  if (pooling === 'class') yield 'the vector of a chip is its class token';
  for (const { name, values } of fixed) yield `'${name}' always gets ${values.length > 8 ? `${values.length} numbers` : `[${values.join(', ')}]`}`;
}
