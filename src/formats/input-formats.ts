/** The formats in which load_uploaded_files reads files of users, by the names that GET /file_formats lists. */
import { unsuitableInput } from '../errors.ts';
import type { FormatDescription } from './writer.ts';


export const inputFormats = {
  GTiff: {
    title: 'GeoTIFF',
    description: 'Files become one data cube with the dimensions `t`, `bands`, `y` and `x`, on the finest of their grids. Each file has one date, which its name or its tags tell (`S2_2021-06-01.tif`, `20210601T103031_B04.tif`); when no file tells one there is no dimension `t`, and when only some do they are refused. Files of one date lie side by side: their bands are put together by name, and where two have the same band the one that is named first is on top. Bands are called by their descriptions, by the file name (`…_B04.tif`), by `band_names`, or `band_1`, `band_2` and so on. Stored values are given as they are; scale and offset are told in the metadata of the bands. No-data becomes null.',
    gis_data_types: ['raster'],
    parameters: {
      band_names: { description: 'Names for the bands of files that name none, in the order of the file.', type: 'array', items: { type: 'string' } },
    },
  },
} as const satisfies Readonly<Record<string, FormatDescription>>;

export type InputFormat = keyof typeof inputFormats;

/** The format of a name, in whatever case. Throws FormatUnsuitable that lists the formats there are. */
export function findInputFormat(name: string): InputFormat {
  const known = (Object.keys(inputFormats) as InputFormat[]).find((each) => each.toLowerCase() === name.toLowerCase());
  if (known) return known;
  throw unsuitableInput(`There is no input format '${name}'; there are ${Object.keys(inputFormats).join(', ')}.`);
}

