/** The options that formats of pictures share. */
import type { Cube } from '../../cube/cube.ts';
import { pickLabels } from '../../cube/view.ts';
import { COLOUR_TEXT, parseClasses, parseRamp, type Classes, type Colour } from '../colours.ts';
import { colormapNames } from '../colormaps.ts';
import { filenamePrefix, refuse, type Options } from '../options.ts';
import type { FormatDescription } from '../writer.ts';

/** How the range of values that is shown is found: most values, all values, or all but the outer 2 percent at both ends. */
export type Stretch = 'deviation' | 'minmax' | 'percentile';

export interface PictureSettings {
  readonly prefix: string;
  readonly bands?: readonly string[];
  readonly min?: number | readonly number[];
  readonly max?: number | readonly number[];
  /** Absent: deviation, but not for types that have a range of their own. */
  readonly stretch?: Stretch;
  /** Colours from low to high, in 256 steps. */
  readonly ramp?: readonly Colour[];
  readonly classes?: Classes;
}

/** Descriptions of the options; `most` bands can be shown. */
export function pictureParameters(most: 3 | 4): FormatDescription['parameters'] {
  const opacity = most === 4 ? ' A fourth one is opacity.' : '';
  return {
    bands: { description: `Names of the bands to show: one, or two or three as red, green and blue.${opacity} Needed when the data has more than three.`, type: 'array', items: { type: 'string' } },
    min: { description: 'Value that becomes darkest: one number, or one per band. Default: see `stretch`; for 8-bit data 0.', type: ['number', 'array'], items: { type: 'number' } },
    max: { description: 'Value that becomes brightest: one number, or one per band. Default: see `stretch`; for 8-bit data 255.', type: ['number', 'array'], items: { type: 'number' } },
    stretch: { description: 'How `min` and `max` are found where they are not given, for each band and file by itself: "deviation" mean ± 2 standard deviations, within the values there are; "minmax" the smallest and the largest value; "percentile" the 2nd and the 98th percentile. Given, it holds for 8-bit data too. Default: deviation.', type: 'string', enum: ['deviation', 'minmax', 'percentile'] },
    colormap: { description: `Colours for a single band: the name of a colormap (${colormapNames.join(', ')}), an array of colours from \`min\` to \`max\` with even steps, or an object from values to colours, where values without a colour are transparent. A colour is ${COLOUR_TEXT}. Default: gray.`, type: ['string', 'array', 'object'] },
    filename_prefix: filenamePrefix('How the names of the files begin.'),
  };
}

/** Options that fit their descriptions, as settings. Throws ProcessParameterInvalid for a colormap that is none. */
export function pictureSettings(options: Options): PictureSettings {
  const { filename_prefix: prefix, stretch, bands, min, max, colormap } = options as {
    readonly filename_prefix: string; readonly stretch?: Stretch; readonly bands?: readonly string[];
    readonly min?: number | readonly number[]; readonly max?: number | readonly number[]; readonly colormap?: string | readonly unknown[] | Readonly<Record<string, unknown>>;
  };
  const isClasses = typeof colormap === 'object' && !Array.isArray(colormap);
  const limits = { min, max, stretch };
  for (const [name, value] of Object.entries(limits)) if (isClasses && value !== undefined) throw refuse(`'${name}' has no meaning beside a colormap of classes`);
  return {
    prefix,
    ...(stretch !== undefined && { stretch }),
    ...(bands !== undefined && { bands }), ...(min !== undefined && { min }), ...(max !== undefined && { max }),
    ...(colormap !== undefined && (isClasses ? { classes: parseClasses(colormap as Readonly<Record<string, unknown>>) } : { ramp: parseRamp(colormap as string | readonly unknown[]) })),
  };
}

/** The cube with the bands to show, in their order. Throws ProcessParameterInvalid for bands that there are not. */
export function withBands(cube: Cube, names: readonly string[] | undefined, most: number): Cube {
  if (names === undefined) return cube;
  const dimension = cube.find('bands') ?? cube.dimensions.find((d) => d.type === 'other');
  if (!dimension) throw refuse('\'bands\' can\'t be given: the data has no bands dimension');
  if (names.length < 1 || names.length > most) throw refuse(`'bands' must name one to ${most === 4 ? 'four' : 'three'} bands`);
  const labels = cube.labels(dimension.name).map(String);
  const indices = names.map((name) => {
    const index = labels.indexOf(name);
    if (index < 0) throw refuse(`'bands': there is no band '${name}'; there are ${labels.slice(0, 20).join(', ')}`);
    return index;
  });
  return pickLabels(cube, cube.indexOf(dimension.name), indices);
}
