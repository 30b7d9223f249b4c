/** The formats that results can be saved in. */
import { OpenEOError } from '../errors.ts';
import { gtiff } from './cog/write.ts';
import { covjson } from './covjson/write.ts';
import { json } from './json.ts';
import { netcdf } from './netcdf/write.ts';
import { parquet } from './parquet/write.ts';
import { jpeg } from './picture/jpeg.ts';
import { png } from './picture/png.ts';
import { csv } from './vector/csv.ts';
import { geojson } from './vector/geojson.ts';
import type { ResultFormat } from './writer.ts';
import { zarr } from './zarr/write.ts';

const formats = {
  GTiff: gtiff,
  netCDF: netcdf,
  Zarr: zarr,
  Parquet: parquet,
  PNG: png,
  JPEG: jpeg,
  JSON: json,
  CovJSON: covjson,
  GeoJSON: geojson,
  CSV: csv,
} as const satisfies Record<string, ResultFormat>;

/** By the names that GET /file_formats lists. */
export const resultFormats: Readonly<Record<FormatName, ResultFormat>> = formats;

export type FormatName = keyof typeof formats;

/** The format's canonical name, in whatever case it is given; undefined when there is no such format. */
export function formatName(name: string): FormatName | undefined {
  return (Object.keys(resultFormats) as FormatName[]).find((known) => known.toLowerCase() === name.toLowerCase());
}

/** The format of a name, in whatever case. Throws FormatUnsuitable that lists the formats there are. */
export function findFormat(name: string): ResultFormat {
  const known = formatName(name);
  if (known) return resultFormats[known];
  throw new OpenEOError('FormatUnsuitable', {}, { detail: `There is no output format '${name}'; there are ${Object.keys(resultFormats).join(', ')}.` });
}
