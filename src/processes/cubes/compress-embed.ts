/** compress_embed: embeddings of a cube; the scope knows the operators and where they run. */
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, textOf } from './arguments.ts';
import { bandsIndex } from './bands.ts';
import { dimensionsOf, optionsOf, quantizationOf } from './embedding-arguments.ts';

const ID = 'compress_embed';

export const compressEmbed: Implementation = {
  run(args, call) {
    const data = cubeOf(args, ID);
    if (!data.grid) throw invalidArgument(ID, 'data', 'the cube has no x and y dimensions on a regular grid');
    if (data.attributes.operator !== undefined) throw invalidArgument(ID, 'data', `it holds embeddings of ${data.attributes.operator} already`);
    bandsIndex(data, ID);
    const model = textOf(args, ID, 'model');
    if (model.trim() === '') throw invalidArgument(ID, 'model', 'it must name an operator, e.g. \'pca\'');
    const options = optionsOf(args, ID);
    return call.scope.embed({
      data, model, ...(Object.keys(options).length > 0 && { options }),
      origin: call.originOf(data),
      quantization: quantizationOf(args, ID, 'float32'),
      dimensions: dimensionsOf(args, ID),
    });
  },
};
