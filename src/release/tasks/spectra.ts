/**
 * Reflectances of kinds of ground, as round numbers chosen by us after the shapes that every textbook shows (water
 * dark beyond the red, leaves with their step near 0.7 µm, soils rising). They are no measurements and only have to
 * be as alike and unlike as such grounds are.
 */
import type { OperatorBand } from '../../operators/operator.ts';

/** Micrometres. */
const KNOTS = [0.4, 0.49, 0.56, 0.665, 0.705, 0.74, 0.79, 0.865, 0.95, 1.24, 1.61, 2.19, 2.5];

/** Reflectance at each knot. */
const spectra = {
  water: [0.055, 0.048, 0.042, 0.024, 0.02, 0.017, 0.015, 0.013, 0.011, 0.008, 0.006, 0.004, 0.004],
  wood: [0.02, 0.026, 0.042, 0.026, 0.066, 0.17, 0.21, 0.23, 0.23, 0.2, 0.105, 0.052, 0.04],
  meadow: [0.028, 0.036, 0.07, 0.042, 0.11, 0.29, 0.36, 0.4, 0.39, 0.36, 0.215, 0.11, 0.08],
  stubble: [0.05, 0.072, 0.105, 0.145, 0.175, 0.205, 0.235, 0.27, 0.275, 0.31, 0.33, 0.235, 0.19],
  soil: [0.055, 0.078, 0.11, 0.16, 0.185, 0.205, 0.225, 0.25, 0.265, 0.315, 0.345, 0.295, 0.25],
  built: [0.09, 0.105, 0.12, 0.145, 0.155, 0.165, 0.175, 0.19, 0.195, 0.22, 0.235, 0.215, 0.2],
} as const;

export const covers = Object.keys(spectra) as (keyof typeof spectra)[];
/** Which covers are green, as a share. */
export const greenness: Readonly<Record<(typeof covers)[number], number>> = { water: 0, wood: 1, meadow: 1, stubble: 0.15, soil: 0, built: 0 };

/** Reflectance of a cover at a wavelength in micrometres, between the knots on a straight line. */
export function reflectance(cover: (typeof covers)[number], wavelength: number): number {
  const values = spectra[cover];
  const right = KNOTS.findIndex((knot) => knot >= wavelength);
  if (right <= 0) return values[right === 0 ? 0 : values.length - 1]!;
  const share = (wavelength - KNOTS[right - 1]!) / (KNOTS[right]! - KNOTS[right - 1]!);
  return values[right - 1]! * (1 - share) + values[right]! * share;
}

/** Centres of the common names of STAC that are optical, for bands without a wavelength. */
const commonWavelengths: Readonly<Record<string, number>> = {
  coastal: 0.44, blue: 0.49, green: 0.56, yellow: 0.6, red: 0.665, rededge: 0.74, rededge071: 0.704, rededge075: 0.74, rededge078: 0.783,
  nir: 0.842, nir08: 0.865, nir09: 0.945, swir16: 1.61, swir22: 2.19, pan: 0.6,
};

/** Micrometres; null for a band that sees no reflected sunlight, or of which nothing is known. */
export function wavelengthOf({ center_wavelength: centre, common_name: common }: OperatorBand): number | null {
  const wavelength = centre ?? (common === undefined ? undefined : commonWavelengths[common]);
  return wavelength !== undefined && wavelength >= KNOTS[0]! && wavelength <= KNOTS.at(-1)! ? wavelength : null;
}
