/** filter_bands: bands by name, common name or wavelength, in the order in which they are named. */
import { pickLabels } from '../../cube/view.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Value } from '../../graph/value.ts';
import { cubeOf, listOf } from './arguments.ts';
import { bandsBetween, bandsIndex, findBands } from './bands.ts';

export const filterBands: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'filter_bands');
    const names = [...listOf(args, 'filter_bands', 'bands'), ...listOf(args, 'filter_bands', 'common_names')].map(String);
    const ranges = listOf(args, 'filter_bands', 'wavelengths').map(rangeOf);
    if (names.length === 0 && ranges.length === 0) throw new OpenEOError('BandFilterParameterMissing', {});
    const dimension = bandsIndex(cube, 'filter_bands');
    const indices = [
      ...names.flatMap((name) => findBands(cube, dimension, name)),
      ...ranges.flatMap(([low, high]) => bandsBetween(cube, low, high)),
    ];
    return pickLabels(cube, dimension, [...new Set(indices)]);
  },
};

function rangeOf(value: Value): [number, number] {
  const [low, high] = Array.isArray(value) ? (value as readonly Value[]) : [];
  if (typeof low === 'number' && typeof high === 'number' && low <= high) return [low, high];
  throw invalidArgument('filter_bands', 'wavelengths', 'a range is [lowest, highest] in micrometres');
}
