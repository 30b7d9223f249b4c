/** Colours that options of pictures and palettes are given in. */
import { colormap, colormapNames, isColormap } from './colormaps.ts';
import { refuse } from './options.ts';

/** Red, green, blue and opacity of 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number, alpha: number];

/** Colours by value: classes. */
export type Classes = ReadonlyMap<number, Colour>;

/** How the option reads in the list of parameters. */
export const COLOUR_TEXT = 'a text "#rrggbb" or "#rrggbbaa", an array [red, green, blue] or [red, green, blue, alpha] (of 0 to 255, or of 0 to 1 when no number of the colormap is above 1), or the integer 0xrrggbbaa';

/** Steps of a colour ramp. */
const STEPS = 256;

/** A colormap given as an object {value: colour}. Throws ProcessParameterInvalid that names the entry. */
export function parseClasses(option: Readonly<Record<string, unknown>>): Classes {
  const entries = Object.entries(option);
  if (entries.length === 0) throw refuse('\'colormap\' has no entries');
  const scale = scaleOf(entries.map(([, colour]) => colour));
  return new Map(entries.map(([key, colour]) => {
    const value = key.trim() === '' ? Number.NaN : Number(key);
    if (!Number.isFinite(value)) throw refuse(`'colormap': '${key}' is not a number`);
    return [value, parseColour(colour, scale, `'colormap': the colour of ${key}`)];
  }));
}

/** A colormap given by name, or as an array of colours with straight lines between them, in 256 steps. Throws ProcessParameterInvalid. */
export function parseRamp(option: string | readonly unknown[]): readonly Colour[] {
  if (typeof option === 'string') {
    if (!isColormap(option)) throw refuse(`there is no colormap '${option}'; there are ${colormapNames.join(', ')}`);
    return colormap(option).map(([red, green, blue]) => [red, green, blue, 255]);
  }
  if (option.length < 2) throw refuse('\'colormap\' needs at least two colours');
  const scale = scaleOf(option);
  const stops = option.map((colour, i) => parseColour(colour, scale, `'colormap': colour ${i + 1}`));
  return Array.from({ length: STEPS }, (_, i) => between(stops, (i / (STEPS - 1)) * (stops.length - 1)));
}

function between(stops: readonly Colour[], place: number): Colour {
  const stop = Math.min(stops.length - 2, Math.floor(place));
  const [from, to] = [stops[stop]!, stops[stop + 1]!];
  const [red, green, blue, alpha] = from.map((value, channel) => Math.round(value + (to[channel]! - value) * (place - stop)));
  return [red!, green!, blue!, alpha!];
}

/** One colour; `name` begins the sentence of a refusal. */
export function parseColour(value: unknown, scale: 1 | 255 = 255, name = 'the colour'): Colour {
  const colour = typeof value === 'string' ? fromText(value) : typeof value === 'number' ? fromInteger(value) : Array.isArray(value) ? fromArray(value, scale) : undefined;
  if (!colour) throw refuse(`${name} must be ${COLOUR_TEXT}`);
  return colour;
}

/** What stands for full brightness in the arrays of a colormap. */
function scaleOf(colours: readonly unknown[]): 1 | 255 {
  const numbers = colours.filter(Array.isArray).flat() as unknown[];
  return numbers.every((number) => typeof number === 'number' && number <= 1) ? 1 : 255;
}

function fromText(text: string): Colour | undefined {
  const [, digits] = /^#([\da-f]{3}|[\da-f]{6}|[\da-f]{8})$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const full = digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits;
  return fromInteger(Number.parseInt(full.padEnd(8, 'f'), 16));
}

function fromInteger(value: number): Colour | undefined {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) return undefined;
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function fromArray(parts: readonly unknown[], scale: 1 | 255): Colour | undefined {
  const isFitting = (parts.length === 3 || parts.length === 4) && parts.every((part) => typeof part === 'number' && part >= 0 && part <= scale);
  if (!isFitting) return undefined;
  const [red, green, blue, alpha = 255] = (parts as readonly number[]).map((part) => Math.round((part * 255) / scale));
  return [red!, green!, blue!, alpha];
}
