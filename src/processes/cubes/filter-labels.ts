/** filter_labels: the labels for which a condition holds. */
import { pickLabels } from '../../cube/view.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf, textOf } from './arguments.ts';

export const filterLabels: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'filter_labels');
    const name = textOf(args, 'filter_labels', 'dimension');
    const condition = callbackOf(args, 'filter_labels', 'condition');
    const labels = cube.labels(name);
    const indices = labels.flatMap((value, i) => (condition.interpret({ value, ...contextOf(args) }) === true ? [i] : []));
    return pickLabels(cube, cube.indexOf(name), indices);
  },
};
