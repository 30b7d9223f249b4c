/** Finding bands by name, common name or wavelength. */
import type { Cube } from '../../cube/cube.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { indicesOfType } from './arguments.ts';

/** Position of the only bands dimension. Throws DimensionMissing, or ProcessParameterInvalid when there are several. */
export function bandsIndex(cube: Cube, process: string): number {
  const found = indicesOfType(cube, 'bands');
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw new OpenEOError('DimensionMissing', {}, { detail: `'${process}' needs a dimension of the type bands.` });
  throw invalidArgument(process, 'data', 'the cube has several dimensions of the type bands');
}

/** Positions of the band of this name, else of the bands with this common name. */
export function findBands(cube: Cube, dimension: number, name: string): number[] {
  const exact = cube.dimensions[dimension]!.labels!.indexOf(name);
  if (exact >= 0) return [exact];
  return (cube.attributes.bands ?? []).flatMap((band, i) => (band.common_name === name ? [i] : []));
}

/** Positions of the bands whose centre wavelength (µm) lies in [low, high]. */
export function bandsBetween(cube: Cube, low: number, high: number): number[] {
  return (cube.attributes.bands ?? []).flatMap(({ center_wavelength: centre }, i) => (centre !== undefined && centre >= low && centre <= high ? [i] : []));
}
