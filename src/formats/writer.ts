/** What a result writer is given and gives back. */
import type { Cube } from '../cube/cube.ts';
import type { Log } from '../log.ts';

/** A file of a result on local disk; the caller stores it and deletes it. */
export interface WrittenFile {
  /** Path of the temporary file. */
  readonly path: string;
  /** File name a client should see, e.g. 'embedding.tif'. */
  readonly name: string;
  readonly mediaType: string;
  readonly roles: readonly string[];
  /** STAC 1.1 asset fields: bands (name, statistics, nodata, data_type, raster:scale …), proj:code, proj:shape, proj:transform, proj:bbox. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Set when the file holds one date of several. RFC 3339. */
  readonly datetime?: string;
}

export interface WriteContext {
  /** An existing, empty directory for the files. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Called with the share done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** Given each of several files as soon as it is complete; all of them are returned at the end too. */
  readonly onFile?: (file: WrittenFile) => Promise<void>;
}

export interface FormatDescription {
  readonly title: string;
  readonly description: string;
  readonly gis_data_types: readonly ('raster' | 'vector' | 'table' | 'pointcloud' | 'other')[];
  /** Parameter name → JSON Schema with description, default. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface ResultFormat {
  readonly description: FormatDescription;
  /** Throws FormatUnsuitable when the cube has dimensions that the format can't hold, DataCubeEmpty when it has no cell. */
  write(cube: Cube, options: Readonly<Record<string, unknown>>, context: WriteContext): Promise<WrittenFile[]>;
}
