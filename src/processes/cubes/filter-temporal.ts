/** filter_temporal: the temporal labels in a left-closed interval. */
import type { Cube } from '../../cube/cube.ts';
import { pickLabels } from '../../cube/view.ts';
import { OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, indicesOfType, optionalTextOf, temporalIndex } from './arguments.ts';
import { instant, intervalOf } from './temporal.ts';

export const filterTemporal: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'filter_temporal');
    const { start, end } = intervalOf(args['extent'], 'filter_temporal', 'extent');
    const isInside = (label: string | number) => {
      const time = instant(String(label));
      return time >= start && time < end;
    };
    return targets(cube, optionalTextOf(args, 'filter_temporal', 'dimension')).reduce((filtered, dimension) => {
      const labels = cube.dimensions[dimension]!.labels ?? [];
      return pickLabels(filtered, dimension, labels.flatMap((label, i) => (isInside(label) ? [i] : [])));
    }, cube);
  },
};

function targets(cube: Cube, name: string | null): number[] {
  if (name !== null) return [temporalIndex(cube, name)];
  const all = indicesOfType(cube, 'temporal');
  if (all.length === 0) throw new OpenEOError('DimensionNotAvailable', {}, { detail: 'The cube has no temporal dimension.' });
  return all;
}
