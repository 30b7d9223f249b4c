/** dimension_labels: the labels of a dimension. */
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, textOf } from './arguments.ts';

export const dimensionLabels: Implementation = {
  run: (args) => cubeOf(args, 'dimension_labels').labels(textOf(args, 'dimension_labels', 'dimension')),
};
