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
  netCDF: {
    title: 'netCDF-4',
    description: 'One file. Its variables become bands: those with the same dimensions as the one that has most, or the ones in `variables`; a single variable called `data` becomes the cube itself. Dimensions keep their names, apart from `x` and `y`, which are found by the CF conventions (`axis`, `standard_name`, or names such as `lon`); when they are regular and the reference system is known (`grid_mapping`, or degrees) they are a grid. Times (`… since …`) become dates. Fill values become null. Stored values are given as they are; `scale_factor` and `add_offset` are told in the metadata of the bands. netCDF classic and groups are not read.',
    gis_data_types: ['raster'],
    parameters: {
      variables: { description: 'Names of the variables to load, in the order of the bands.', type: 'array', items: { type: 'string' } },
    },
  },
  GeoJSON: {
    title: 'GeoJSON',
    description: 'The features of all files become a vector data cube with a dimension `geometry`. The properties in `properties` become its values, in a dimension `properties`; all properties go along with the geometries. Coordinates are longitude and latitude, or in the system that a member `crs` names.',
    gis_data_types: ['vector'],
    parameters: {
      properties: { description: 'Names of the properties to load as values: numbers and booleans, or a single one that holds arrays of them.', type: 'array', items: { type: 'string' }, default: [] },
    },
  },
  Parquet: {
    title: 'GeoParquet',
    description: 'The rows of all files become a vector data cube with a dimension `geometry`, like the features of GeoJSON; other columns are the properties.',
    gis_data_types: ['vector'],
    parameters: {
      properties: { description: 'Names of the columns to load as values: numbers and booleans, or a single one that holds arrays of them.', type: 'array', items: { type: 'string' }, default: [] },
    },
  },
  JSON: {
    title: 'JSON',
    description: 'One file with a data cube as `save_result` writes it: `dims`, `coords`, `attrs` and `data` (nested arrays, in the shape of xarray\'s `DataArray.from_dict`). Labels that are dates make a temporal dimension; numbers on `x` and `y`, with a reference system in `attrs.crs`, a grid.',
    gis_data_types: ['raster', 'vector', 'other'],
    parameters: {},
  },
} as const satisfies Readonly<Record<string, FormatDescription>>;

export type InputFormat = keyof typeof inputFormats;

/** The format of a name, in whatever case. Throws FormatUnsuitable that lists the formats there are. */
export function findInputFormat(name: string): InputFormat {
  const known = (Object.keys(inputFormats) as InputFormat[]).find((each) => each.toLowerCase() === name.toLowerCase());
  if (known) return known;
  throw unsuitableInput(`There is no input format '${name}'; there are ${Object.keys(inputFormats).join(', ')}.`);
}

