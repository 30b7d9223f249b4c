/** The result format GeoJSON: a vector cube as a FeatureCollection. */
import { join } from 'node:path';
import type { Cube } from '../../cube/cube.ts';
import { findGeometries } from '../../cube/geometries.ts';
import { OpenEOError } from '../../errors.ts';
import { boxOf, type Geometry } from '../../geo/geometry.ts';
import { inDegrees } from '../../geo/reproject.ts';
import { filenamePrefix, readOptions } from '../options.ts';
import { requireCells } from '../raster-plan.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import { TextFile } from '../text-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from '../writer.ts';
import { propertyColumns } from './properties.ts';
import { tableOf, type Cell, type CubeTable } from './table.ts';

const description: FormatDescription = {
  title: 'GeoJSON (RFC 7946)',
  description: 'A vector cube as a FeatureCollection in longitude and latitude: a feature per geometry, with its id where it had one, and its properties. Each value is a property called by its labels, joined by `_` with the date first and without a midnight: `2018-06-01_B04`, `2018-06-01_B04_valid_count`; without further dimensions it is called `value`. A property of the feature whose name is taken by a value is called `property_…`. No-data, NaN and infinities are null. Geometries that are empty, or have no place on the globe, are null.',
  gis_data_types: ['vector'],
  parameters: { filename_prefix: filenamePrefix() },
};

export const geojson: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(() => writeFile(cube, String(readOptions(description, options)['filename_prefix']), context)),
};

async function writeFile(cube: Cube, prefix: string, context: WriteContext): Promise<WrittenFile[]> {
  requireCells(cube);
  if (!findGeometries(cube)) {
    const names = cube.dimensions.map((d) => `'${d.name}'`).join(', ') || 'none';
    throw new OpenEOError('FormatUnsuitable', {}, { detail: `GeoJSON needs a vector cube, e.g. of aggregate_spatial; this cube has the dimensions ${names}. GTiff, netCDF, Zarr, CSV and JSON hold pixels.` });
  }
  const name = `${prefix}.geojson`;
  const path = join(context.directory, name);
  const table = tableOf(cube, () => true);
  await TextFile.create(path, (file) => writeFeatures(table, file, context));
  return [{ path, name, mediaType: 'application/geo+json', roles: ['data'], metadata: {} }];
}

async function writeFeatures(table: CubeTable, file: TextFile, { signal, onProgress }: WriteContext): Promise<void> {
  const { labels, geometries } = table.geometries!;
  const isBare = table.cube.dimensions.length === 1;
  const properties = propertyColumns(geometries, table.columns);
  await file.write('{"type":"FeatureCollection","features":[\n');
  for await (const { positions: [at], cells } of table.rows(signal)) {
    const label = labels![at!];
    const values = Object.fromEntries(table.columns.map((column, i) => [column, jsonCell(cells[i]!)]));
    const feature = {
      type: 'Feature',
      ...(typeof label === 'string' && { id: label }),
      ...place(inDegrees(geometries.shapes[at!]!, geometries.crs)),
      properties: {
        ...Object.fromEntries(properties.map(({ key, name }) => [name, geometries.properties?.[at!]?.[key] ?? null])),
        // Geometries alone have no values to tell.
        ...(isBare && cells[0] === null ? {} : values),
      },
    };
    await file.write(`${at! > 0 ? ',\n' : ''}${JSON.stringify(feature)}`);
    onProgress?.((at! + 1) / table.rowCount);
  }
  await file.write('\n]}\n');
}

function place(geometry: Geometry | null): Record<string, unknown> {
  return geometry ? { bbox: boxOf(geometry), geometry } : { geometry: null };
}

function jsonCell(cell: Cell): Cell {
  return typeof cell === 'number' && !Number.isFinite(cell) ? null : cell;
}
