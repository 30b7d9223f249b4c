/** dimension_labels: the labels of a dimension; geometries as WKT. */
import { shownLabels } from '../../cube/geometries.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, textOf } from './arguments.ts';

export const dimensionLabels: Implementation = {
  run: (args) => shownLabels(cubeOf(args, 'dimension_labels'), textOf(args, 'dimension_labels', 'dimension')),
};
