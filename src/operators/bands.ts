/** Finds an operator's input bands among those of a cube, whatever their order and whoever named them. */
import { OpenEOError } from '../errors.ts';
import type { BandDescription } from '../cube/cube.ts';
import type { OperatorBand, OperatorManifest } from './operator.ts';

/** Central wavelengths of one band differ by about this much between satellites and catalogues, micrometres. */
const WAVELENGTH_TOLERANCE = 0.015;

/**
 * For each input band of the operator, in its order, the index of the cube's band: the one of that name,
 * else the one of that common name. Catalogues that call three bands 'rededge' are understood when they
 * give wavelengths. Throws OperatorBandsMissing, naming the bands there are none for.
 */
export function matchBands(manifest: OperatorManifest, cubeBands: readonly BandDescription[]): number[] {
  const found = manifest.input.bands.map((band) => indexOfBand(band, cubeBands));
  const missing = manifest.input.bands.filter((_, i) => found[i]! < 0);
  if (missing.length > 0) {
    const bands = missing.map(({ name, common_name: common }) => (common ? `${name} (${common})` : name)).join(', ');
    const detail = `Bands are matched by name, then by common name; the data cube has ${cubeBands.map((b) => `'${b.name}'`).join(', ') || 'none'}.`;
    throw new OpenEOError('OperatorBandsMissing', { operator: manifest.name, bands }, { detail });
  }
  return found;
}

function indexOfBand(band: OperatorBand, cubeBands: readonly BandDescription[]): number {
  const named = cubeBands.findIndex((b) => b.name === band.name && mayBe(b, band));
  if (named >= 0 || band.common_name === undefined) return named;
  const exact = cubeBands.filter((b) => b.common_name === band.common_name);
  if (exact.length === 1) return cubeBands.indexOf(exact[0]!);
  const relatives = exact.length > 1 ? exact : cubeBands.filter((b) => b.common_name !== undefined && family(b.common_name) === family(band.common_name!));
  return nearest(band, relatives, cubeBands);
}

/** Landsat has a 'B05' too, and it is another one: a band of the right name with a common name of another family is none. */
function mayBe(candidate: BandDescription, band: OperatorBand): boolean {
  return candidate.common_name === undefined || band.common_name === undefined || family(candidate.common_name) === family(band.common_name);
}

/** 'rededge071' → 'rededge', 'swir16' → 'swir'. */
function family(commonName: string): string {
  return commonName.replace(/\d+$/, '');
}

function nearest(band: OperatorBand, candidates: readonly BandDescription[], cubeBands: readonly BandDescription[]): number {
  if (band.center_wavelength === undefined) return -1;
  const distance = (b: BandDescription) => Math.abs((b.center_wavelength ?? Infinity) - band.center_wavelength!);
  const best = candidates.toSorted((a, b) => distance(a) - distance(b))[0];
  return best && distance(best) <= WAVELENGTH_TOLERANCE ? cubeBands.indexOf(best) : -1;
}
