/** The result format CovJSON: CoverageJSON 1.0, for raster cubes and vector cubes. */
import { join } from 'node:path';
import type { Cube } from '../../cube/cube.ts';
import { filenamePrefix, readOptions } from '../options.ts';
import { requireCells } from '../raster-plan.ts';
import { projectionFields } from '../stac-asset.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { FormatDescription, ResultFormat } from '../writer.ts';
import { writeGrid } from './grid.ts';
import { writeVectors } from './vector.ts';

const description: FormatDescription = {
  title: 'CoverageJSON',
  description: 'One file. A raster cube becomes a coverage with a `Grid` domain: the axes `x` and `y` are pixel centres, `t` the dates, and each band a parameter with its unit and description; labels of other dimensions are put before the name of the band. A vector cube of polygons becomes a `MultiPolygon` or, with dates, a `MultiPolygonSeries`; one of points a `MultiPoint` or, with dates, a collection of `PointSeries`. No-data, NaN and infinities are null. Values are text, several times larger than in other formats: for small results that a browser shows.',
  gis_data_types: ['raster', 'vector'],
  parameters: { filename_prefix: filenamePrefix() },
};

export const MEDIA_TYPE = 'application/vnd.cov+json';

export const covjson: ResultFormat = {
  description,
  write: (cube: Cube, options, context) => reportingFullDisk(async () => {
    const { filename_prefix: prefix } = readOptions(description, options);
    requireCells(cube);
    const name = `${String(prefix)}.covjson`;
    const path = join(context.directory, name);
    await (cube.find('geometry') ? writeVectors : writeGrid)(cube, path, context);
    return [{ path, name, mediaType: MEDIA_TYPE, roles: ['data'], metadata: cube.grid ? projectionFields(cube.grid) : {} }];
  }),
};
