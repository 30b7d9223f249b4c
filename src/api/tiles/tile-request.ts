/** What a client asks of a map tile, checked. */
import { invalidArgument } from '../../errors.ts';
import { colormapNames, isColormap } from '../../formats/colormaps.ts';
import { embeddingLabels } from '../../layers/describe.ts';
import { tileCounts, type TileMatrixSet } from '../../layers/tile-grid.ts';
import type { TileView } from '../../layers/tile-view.ts';

export const MAX_ZOOM = 22;

/** As they stand in the URL. */
export interface TileText {
  readonly collection: string;
  readonly z: string;
  readonly x: string;
  readonly y: string;
  readonly matrixSet?: TileMatrixSet;
  readonly query: Readonly<Record<string, unknown>>;
}

/** The view that a request asks for. Throws ProcessParameterInvalid, naming the parameter and what it must be. */
export function parseView({ collection, matrixSet, query, ...texts }: TileText): TileView {
  const [z, x, y] = (['z', 'x', 'y'] as const).map((name) => wholeNumber(name, texts[name])) as [number, number, number];
  if (z > MAX_ZOOM) throw invalidArgument('tiles', 'z', `it must be 0 to ${MAX_ZOOM}, not ${z}`);
  const { columns, rows } = tileCounts(z, matrixSet);
  if (x >= columns || y >= rows) throw invalidArgument('tiles', 'x', `zoom ${z} has ${columns} × ${rows} tiles, there is no ${x}/${y}`);
  const text = (name: string) => {
    const value = query[name];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const colormap = parseColormap(text('colormap'));
  return {
    collection, z, x, y,
    ...(matrixSet && matrixSet !== 'WebMercatorQuad' ? { matrixSet } : {}),
    interval: parseInterval(text('datetime')),
    bands: parseBands(text('bands'), text('dimension')),
    range: parseRange(text('rescale')),
    ...(colormap === null ? {} : { colormap }),
  };
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,8}$/.test(text)) throw invalidArgument('tiles', name, `'${text}' is no whole number`);
  return Number(text);
}

/** Dimensions of embeddings are bands with numbers: 'dimension=5' is 'bands=e005'. */
function parseBands(bands: string | null, dimension: string | null): TileView['bands'] {
  if (bands !== null && dimension !== null) throw invalidArgument('tiles', 'dimension', 'it stands for bands; give one of them');
  const names = bands?.split(',') ?? dimension?.split(',').map((text) => embeddingLabels(wholeDimension(text) + 1).at(-1)!);
  if (!names) return null;
  if (names.length !== 1 && names.length !== 3) throw invalidArgument('tiles', bands === null ? 'dimension' : 'bands', `a picture has one or three, not ${names.length}`);
  return names;
}

function wholeDimension(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw invalidArgument('tiles', 'dimension', `'${text}' is no number of a dimension, counted from 0`);
  return Number(text);
}

function parseColormap(text: string | null): string | null {
  if (text !== null && !isColormap(text)) throw invalidArgument('tiles', 'colormap', `there is no '${text}'; there are ${colormapNames.join(', ')}`);
  return text;
}

/** An instant stands for its whole UTC day, as in map clients' time sliders; 'a/b' is an interval. */
function parseInterval(text: string | null): TileView['interval'] {
  if (text === null) return null;
  const instant = (part: string) => {
    const date = new Date(part);
    if (Number.isNaN(date.getTime())) throw invalidArgument('tiles', 'datetime', `'${part}' is no RFC 3339 date`);
    return date;
  };
  const parts = text.split('/');
  if (parts.length > 2) throw invalidArgument('tiles', 'datetime', 'it must be an instant or start/end');
  const bound = (part: string) => (part === '' || part === '..' ? null : instant(part).toISOString());
  if (parts.length === 2) {
    const [from, to] = [bound(parts[0]!), bound(parts[1]!)];
    if (from !== null && to !== null && from >= to) throw invalidArgument('tiles', 'datetime', 'its start must be before its end');
    return [from, to];
  }
  const start = new Date(instant(text).toISOString().slice(0, 10));
  return [start.toISOString(), new Date(start.getTime() + 86_400_000).toISOString()];
}

function parseRange(text: string | null): TileView['range'] {
  if (text === null) return null;
  const [low, high, ...more] = text.split(',').map(Number);
  if (low === undefined || high === undefined || more.length > 0 || !Number.isFinite(high - low) || high <= low) throw invalidArgument('tiles', 'rescale', 'it must be two numbers, the smaller one first');
  return [low, high];
}
