/** embedding_quantize: chooses how embeddings are stored; the scope knows their operator. */
import type { Implementation } from '../../graph/process.ts';
import { cubeOf } from './arguments.ts';
import { dimensionsOf, quantizationOf } from './embedding-arguments.ts';

const ID = 'embedding_quantize';

export const embeddingQuantize: Implementation = {
  run: (args, call) => call.scope.view({
    process: ID,
    data: cubeOf(args, ID),
    quantization: quantizationOf(args, ID, 'int8'),
    dimensions: dimensionsOf(args, ID),
  }),
};
