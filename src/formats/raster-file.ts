/** A raster file opened for reading windows, whatever its format. */
import type { Block } from '../cube/block.ts';
import type { DType } from '../cube/dtype.ts';
import type { CellWindow, Grid } from '../geo/grid.ts';

/** Random access to the bytes of a file: local path, http(s) URL, or object of a store. */
export interface ByteSource {
  /** Path, URL or key, for messages and caches. */
  readonly id: string;
  /** Size of the whole file, when cheaply known. */
  readonly sizeBytes: number | null;
  /** Version of the content: ETag, or size and modification time. */
  readonly version: string;
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface RasterBand {
  /** From the file (GDAL DESCRIPTION), when it has one. */
  readonly name: string | null;
  readonly nodata: number | null;
  readonly scale: number | null;
  readonly offset: number | null;
}

/** One resolution: level 0 is the full one, overviews follow. */
export interface RasterLevel {
  readonly width: number;
  readonly height: number;
  readonly blockWidth: number;
  readonly blockHeight: number;
}

export interface RasterFile {
  readonly source: ByteSource;
  readonly dtype: DType;
  readonly bands: readonly RasterBand[];
  readonly levels: readonly RasterLevel[];
  /** Full-resolution grid, north-up (south-up files are flipped on reading); null without georeference. */
  readonly grid: Grid | null;
  /** Why `grid` is null, as the end of a sentence: 'it has ground control points only'. */
  readonly gridProblem?: string;
  /** File-level text tags (TIFFTAG_DATETIME as 'datetime', GDAL_METADATA items by name). */
  readonly tags: Readonly<Record<string, string>>;
  /**
   * Samples of the bands (0-based) in a window of a level, as a block [bands, height, width].
   * Cells outside the image and no-data samples are null.
   */
  read(request: { readonly level: number; readonly window: CellWindow; readonly bands: readonly number[] }, signal?: AbortSignal): Promise<Block>;
}
