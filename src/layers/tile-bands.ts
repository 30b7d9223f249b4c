/** Which bands of a collection a tile shows, and in which range of values. */
import { invalidArgument } from '../errors.ts';
import type { Cube } from '../cube/cube.ts';
import { collectionBands } from '../catalog/load-plan.ts';
import type { StacBand, StacCollection } from '../catalog/types.ts';
import { colormapNames, isColormap } from '../formats/colormaps.ts';
import type { Layer } from './layer.ts';
import { colormapPainter, dimensionRange, pcaPainter, rgbPainter, type Painter, type Range, type Style } from './tile-style.ts';
import type { TileView } from './tile-view.ts';

/** Red, green and blue where a collection has them, else its first band. */
export function trueColour(collection: StacCollection): string[] {
  const bands = collectionBands(collection);
  const rgb = ['red', 'green', 'blue'].map((name) => bands.find((b) => b.common_name === name)?.name);
  return rgb.every((name) => name !== undefined) ? rgb : bands.slice(0, 1).map((b) => b.name);
}

/**
 * How bands are painted: one by a colormap, three as red, green and blue. Throws ProcessParameterInvalid for
 * another number of bands, or a colormap that there is not or that three bands can't have.
 */
export function bandPainter(view: Pick<TileView, 'range' | 'colormap'>, ranges: readonly Range[]): Painter {
  const { colormap } = view;
  if (colormap !== undefined && !isColormap(colormap)) throw invalidArgument('tiles', 'colormap', `there is no '${colormap}'; there are ${colormapNames.join(', ')}`);
  const chosen = ranges.map((range) => view.range ?? range);
  if (chosen.length === 1) return colormapPainter(chosen[0]!, colormap);
  if (chosen.length !== 3) throw invalidArgument('tiles', 'bands', `a picture has one band or three, not ${chosen.length}`);
  if (colormap !== undefined) throw invalidArgument('tiles', 'colormap', 'only a single band is drawn by a colormap');
  return rgbPainter([chosen[0]!, chosen[1]!, chosen[2]!]);
}

/** How a tile of a layer is painted. Throws ProcessParameterInvalid for unknown bands and what `bandPainter` refuses. */
export function layerStyle(layer: Layer, collection: StacCollection, cube: Cube, view: Pick<TileView, 'bands' | 'range' | 'colormap'>): Style {
  const dimension = cube.find('bands');
  const names = dimension ? cube.labels(dimension.name).map(String) : [];
  const manifest = layer.operator?.manifest;
  const isWhole = manifest !== undefined && names.length === manifest.output.dimensions;
  if (view.bands === null && isWhole && view.colormap === undefined) return { bands: null, paint: pcaPainter(manifest) };
  const wanted = view.bands ?? (dimension ? shownBands(collection, names) : null);
  // A cube without bands is a band of its own.
  if (wanted === null) return { bands: null, paint: bandPainter(view, [storedRange(undefined, cube)]) };
  const bands = wanted.map((name) => indexOf(names, name, layer.id));
  const ranges = bands.map((band) => (isWhole ? dimensionRange(manifest, band) : storedRange(collection.bands?.find((b) => b.name === names[band]), cube)));
  return { bands, paint: bandPainter(view, ranges) };
}

function shownBands(collection: StacCollection, names: readonly string[]): string[] {
  const named = collection.bands?.length ? trueColour(collection) : [];
  return named.length > 0 && named.every((name) => names.includes(name)) ? named : names.slice(0, 1);
}

function indexOf(names: readonly string[], name: string, layer: string): number {
  const index = names.indexOf(name);
  if (index < 0) {
    const known = names.length > 8 ? `${names[0]} to ${names.at(-1)}` : names.join(', ') || 'none';
    throw invalidArgument('tiles', 'bands', `layer '${layer}' has no band '${name}'; it has ${known}`);
  }
  return index;
}

/** The range told by a band's statistics (two standard deviations around the mean, else minimum to maximum), or one that suits the data type. */
export function storedRange(band: StacBand | undefined, cube: Pick<Cube, 'dtype'>): Range {
  const { mean, stddev, minimum, maximum } = (band?.['statistics'] ?? {}) as Record<string, unknown>;
  if (isNumber(mean) && isNumber(stddev) && stddev > 0) return [mean - 2 * stddev, mean + 2 * stddev];
  if (isNumber(minimum) && isNumber(maximum) && maximum > minimum) return [minimum, maximum];
  return typicalRange(cube);
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Surface reflectance × 10000, the usual 16-bit optical data, looks right from 0 to 0.3; bytes are drawn as they are. */
function typicalRange({ dtype }: Pick<Cube, 'dtype'>): Range {
  if (dtype === 'uint16' || dtype === 'int16') return [0, 3000];
  if (dtype === 'bool') return [0, 1];
  return dtype === 'uint8' ? [0, 255] : [0, 1];
}
