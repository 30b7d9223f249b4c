/** compress_embed: embeddings of a cube; the scope knows the operators and where they run. */
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Quantization } from '../../cube/cube.ts';
import type { Value } from '../../graph/value.ts';
import { cubeOf, kindOf, textOf } from './arguments.ts';
import { bandsIndex } from './bands.ts';

const ID = 'compress_embed';
const quantizations: readonly Quantization[] = ['float32', 'float16', 'int8'];

export const compressEmbed: Implementation = {
  run(args, call) {
    const data = cubeOf(args, ID);
    if (!data.grid) throw invalidArgument(ID, 'data', 'the cube has no x and y dimensions on a regular grid');
    if (data.attributes.operator !== undefined) throw invalidArgument(ID, 'data', `it holds embeddings of ${data.attributes.operator} already`);
    bandsIndex(data, ID);
    const model = textOf(args, ID, 'model');
    if (model.trim() === '') throw invalidArgument(ID, 'model', 'it must name an operator, e.g. \'pca\'');
    return call.scope.embed({
      data, model,
      origin: call.originOf(data),
      quantization: quantizationOf(args['quantization'] ?? 'float32'),
      dimensions: dimensionsOf(args['dimensions'] ?? null),
    });
  },
};

function quantizationOf(value: Value): Quantization {
  const known = quantizations.find((name) => name === value);
  if (known) return known;
  throw invalidArgument(ID, 'quantization', `'${typeof value === 'string' ? value : kindOf(value)}' is not supported; there are ${quantizations.join(', ')}`);
}

function dimensionsOf(value: Value): number | null {
  if (value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw invalidArgument(ID, 'dimensions', 'it must be a whole number from 1 on, or null for all dimensions');
}
