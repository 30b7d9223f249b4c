/** How the result of a process becomes colours: what the service says, else what save_result says, else what suits the data. */
import type { Cube } from '../cube/cube.ts';
import { givenLimits, type Limits } from '../formats/picture/limits.ts';
import { bandPainter, classPainter, rampPainter, type Painter } from '../formats/picture/paint.ts';
import { pictureSettings, withBands } from '../formats/picture/picture-options.ts';
import { readOptions, refuse } from '../formats/options.ts';
import { parseColour, type Colour } from '../formats/colours.ts';
import { findFormat } from '../formats/index.ts';
import { storedRange } from '../layers/tile-bands.ts';
import { dimensionRange, pcaPainter, type Pixels, type Style } from '../layers/tile-style.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { blaming, type Configuration } from './configuration.ts';
import type { OpenedMap } from './open-map.ts';
import type { ShownRange } from './service.ts';

export interface MapStyle {
  /** The cube with the bands that are shown. */
  readonly cube: Cube;
  readonly style: Style;
  /** Of JPEG. */
  readonly background: Colour;
  readonly quality: number;
  /** Darkest or brightest value of a band is a guess. */
  readonly isGuessed: boolean;
}

/** Names and common names that mean red, green and blue, in any order of the bands. */
const trueColours = [['red', 'B04', 'B4'], ['green', 'B03', 'B3'], ['blue', 'B02', 'B2']];

/**
 * @param range values to show where nobody says which; null: those that suit the data type
 * @throws ServiceConfigInvalid for settings that do not fit the result, ProcessParameterInvalid for options of
 *   save_result that do not
 */
export function styleOf({ cube, saved }: Pick<OpenedMap, 'cube' | 'saved'>, configuration: Configuration, operators: OperatorRegistry, range: ShownRange | null = null): MapStyle {
  const { picture } = configuration;
  return blaming(picture, () => {
    const options = { ...pictureOptions(saved), ...picture };
    const { background = '#ffffff', quality = 90 } = options;
    const look = { background: parseColour(background, 255, '\'background\''), quality: quality as number };
    const whole = wholeVectors(cube, options, operators);
    return { ...look, ...(whole ?? paintedBands(cube, options, operators, range)) };
  });
}

/** Options of a picture; those of data formats say how a file is written, not how it looks. */
function pictureOptions(saved: OpenedMap['saved']): Record<string, unknown> {
  if (!saved || !/^(png|jpe?g)$/i.test(saved.format)) return {};
  const { description } = findFormat(saved.format);
  // Each tile would be stretched by itself, and no two would fit.
  const { stretch: _, filename_prefix: __, ...options } = readOptions(description, saved.options);
  return options;
}

type Painting = Pick<MapStyle, 'cube' | 'style' | 'isGuessed'>;

/** All dimensions of embeddings are shown in the fixed directions of their operator. */
function wholeVectors(cube: Cube, options: Readonly<Record<string, unknown>>, operators: OperatorRegistry): Painting | null {
  const { operator, embedding } = cube.attributes;
  const isStyled = ['bands', 'min', 'max', 'colormap'].some((name) => options[name] !== undefined);
  if (operator === undefined || isStyled || cube.find('bands')?.size !== embedding?.dimensions) return null;
  return { cube, isGuessed: false, style: { bands: null, paint: pcaPainter(operators.resolve(operator).manifest) } };
}

function paintedBands(cube: Cube, options: Readonly<Record<string, unknown>>, operators: OperatorRegistry, range: ShownRange | null): Painting {
  const { background: _, quality: __, ...look } = options;
  const settings = pictureSettings({ filename_prefix: 'tile', ...look });
  const shown = withBands(cube, settings.bands ?? usualBands(cube), 4);
  const count = shown.find('bands')?.size ?? 1;
  if ((settings.ramp || settings.classes) && count !== 1) throw refuse(`'colormap' is for a single band and the map shows ${count}: name it in 'bands'`);
  const given = givenLimits(settings, cube.dtype, count);
  const limits = given.map((each, band): Limits => {
    const [low, high] = range ?? vectorRange(shown, band, operators) ?? storedRange(undefined, cube);
    return ordered({ low, high, ...each }, each);
  });
  const painter = settings.classes ? classPainter(settings.classes) : settings.ramp ? rampPainter(limits[0]!, settings.ramp) : bandPainter(limits);
  const bands = shown.find('bands') ? Array.from({ length: count }, (_, band) => band) : null;
  const isGuessed = !settings.classes && given.some(({ low, high }) => low === undefined || high === undefined);
  return { cube: shown, isGuessed, style: { bands, paint: (block, pixels) => painted(painter, block, count, pixels) } };
}

/** The range in which a dimension of embeddings is drawn, whoever publishes it; null for other bands. */
function vectorRange(cube: Cube, band: number, operators: OperatorRegistry): ShownRange | null {
  const { operator, bands } = cube.attributes;
  const dimension = operator === undefined ? undefined : /^e(\d+)$/.exec(bands?.[band]?.name ?? '')?.[1];
  return dimension === undefined ? null : dimensionRange(operators.resolve(operator!).manifest, Number(dimension));
}

/** Red, green and blue where there are bands called so, else the first one. */
function usualBands(cube: Cube): readonly string[] | undefined {
  const dimension = cube.find('bands');
  if (!dimension || dimension.size === 0) return undefined;
  const labels = cube.labels(dimension.name).map(String);
  const isCalled = (index: number, names: readonly string[]) => [labels[index]!, cube.attributes.bands?.[index]?.common_name].some((name) => name !== undefined && names.includes(name));
  const found = trueColours.map((names) => labels.findIndex((_, index) => isCalled(index, names)));
  return found.every((index) => index >= 0) ? found.map((index) => labels[index]!) : [labels[0]!];
}

/** A single given limit beyond the usual other one leaves everything dark or bright, and never the other way round. */
function ordered({ low, high }: Limits, given: Partial<Limits>): Limits {
  if (low < high) return { low, high };
  return given.low === undefined ? { low: high - 1, high } : { low, high: low + 1 };
}

function painted(painter: Painter, { dtype, data, nulls }: Parameters<Painter>[0], bands: number, count: number): Pixels {
  const length = bands * count;
  const pixels = painter({ dtype, shape: [bands, count], data: data.subarray(0, length) as typeof data, nulls: nulls?.subarray(0, length) ?? null });
  return new Uint32Array(pixels.buffer);
}
