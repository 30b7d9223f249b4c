/** How a cube becomes raster files: one file per date or one for all, every other label a band. */
import type { Block } from '../cube/block.ts';
import type { BandDescription, Cube } from '../cube/cube.ts';
import type { Dimension, Label } from '../cube/dimension.ts';
import { findGeometries } from '../cube/geometries.ts';
import { permute } from '../cube/permute.ts';
import { spatialAxes } from '../cube/window.ts';
import { OpenEOError } from '../errors.ts';
import type { CellWindow, Grid } from '../geo/grid.ts';

export interface PlannedBand {
  readonly name: string;
  readonly description?: BandDescription;
  /** Position in encoding.scale and encoding.offset: that of the label on the bands dimension. */
  readonly label: number;
}

export interface PlannedFile {
  /** RFC 3339; set when the file holds one date of a temporal dimension. */
  readonly datetime?: string;
  readonly bands: readonly PlannedBand[];
  /** Sizes of the dimensions whose labels are the bands, the last running fastest; [1] when there is none. */
  readonly sizes: readonly number[];
  /** Place among them of the dimension that `PlannedBand.label` is about: that of the bands, else the last. */
  readonly bandsAxis: number;
  /** The cells of all bands as [bands, height, width]. */
  readonly read: (cells: CellWindow, signal: AbortSignal) => Promise<Block>;
}

/** Throws DataCubeEmpty when the cube has no cell. */
export function requireCells(cube: Cube): void {
  const empty = cube.dimensions.find((d) => d.size === 0);
  if (empty) throw new OpenEOError('DataCubeEmpty', {}, { detail: `The dimension '${empty.name}' has no labels.` });
}

/** The grid of a cube that a map format can hold; throws FormatUnsuitable without one. */
export function requireGrid(cube: Cube, format: string): Grid {
  if (cube.grid && spatialAxes(cube.dimensions)) return cube.grid;
  const names = cube.dimensions.map((d) => `'${d.name}'`).join(', ') || 'none';
  throw new OpenEOError('FormatUnsuitable', {}, { detail: `${format} needs a data cube with regular x and y dimensions; this one has the dimensions ${names}. Save it as ${findGeometries(cube) ? 'GeoJSON, CSV, Parquet, netCDF or JSON' : 'CSV or JSON'}.` });
}

/**
 * Plans the files. With `separateDates` each label of the temporal dimension gets a file; otherwise dates
 * are bands like everything else that is not x or y. Throws DataCubeEmpty and FormatUnsuitable.
 */
export function planRasters(cube: Cube, format: string, separateDates: boolean): PlannedFile[] {
  requireCells(cube);
  requireGrid(cube, format);
  const time = cube.dimensions.find((d) => d.type === 'temporal');
  if (!time || (!separateDates && time.size > 1)) return [planFile(cube, undefined)];
  return Array.from({ length: time.size }, (_, i) => planFile(cube, { dimension: time, index: i }));
}

interface Fixed {
  readonly dimension: Dimension;
  readonly index: number;
}

function planFile(cube: Cube, fixed: Fixed | undefined): PlannedFile {
  const axes = spatialAxes(cube.dimensions)!;
  const others = cube.dimensions.map((_, i) => i).filter((i) => i !== axes.x && i !== axes.y);
  const fixedAt = fixed ? cube.dimensions.indexOf(fixed.dimension) : -1;
  const labelled = others.filter((i) => i !== fixedAt);
  const bands = planBands(cube, labelled);
  const read = async (cells: CellWindow, signal: AbortSignal): Promise<Block> => {
    const start = cube.dimensions.map(() => 0);
    const size = cube.shape;
    [start[axes.x], size[axes.x]] = [cells.x, cells.width];
    [start[axes.y], size[axes.y]] = [cells.y, cells.height];
    if (fixed) [start[fixedAt], size[fixedAt]] = [fixed.index, 1];
    const block = permute(await cube.read({ start, size }, signal), [...others, axes.y, axes.x]);
    return { ...block, shape: [bands.length, cells.height, cells.width] };
  };
  return {
    ...(fixed && { datetime: String(cube.labels(fixed.dimension.name)[fixed.index]) }),
    bands,
    sizes: labelled.length > 0 ? labelled.map((i) => cube.dimensions[i]!.size) : [1],
    bandsAxis: Math.max(0, labelled.findIndex((i) => i === mainDimension(cube, labelled))),
    read,
  };
}

/** One band per combination of labels, the last dimension running fastest; dimensions of one label lend no name. */
export function planBands(cube: Cube, dimensions: readonly number[]): PlannedBand[] {
  const main = mainDimension(cube, dimensions);
  const named = dimensions.filter((i) => i === main || cube.dimensions[i]!.size > 1);
  let combinations: { readonly names: readonly string[]; readonly label: number }[] = [{ names: [], label: 0 }];
  for (const i of dimensions) {
    const dimension = cube.dimensions[i]!;
    const labels = cube.labels(dimension.name);
    combinations = combinations.flatMap(({ names, label }) => labels.map((text, at) => ({
      names: named.includes(i) ? [...names, labelText(text, dimension)] : names,
      label: i === main ? at : label,
    })));
  }
  const descriptions = cube.attributes.bands;
  return combinations.map(({ names, label }, i) => {
    const description = descriptions?.[label];
    return { name: names.join('_') || `band_${i + 1}`, label, ...(description && { description }) };
  });
}

/** The dimension that bands are about. */
function mainDimension(cube: Cube, dimensions: readonly number[]): number | undefined {
  return dimensions.find((i) => cube.dimensions[i]!.type === 'bands') ?? dimensions.at(-1);
}

/** Midnight in a band name says nothing. */
function labelText(label: Label, dimension: Dimension): string {
  return dimension.type === 'temporal' ? String(label).replace(/T00:00:00(\.0+)?Z$/, '') : String(label);
}
