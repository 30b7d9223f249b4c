/** An engine over a small raw collection in GeoTIFF files and a layer of the toy operator: no database, no queue. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { arrayCube } from '../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../../src/formats/index.ts';
import { transformBounds, WGS84 } from '../../src/geo/crs.ts';
import { gridBounds, type Grid } from '../../src/geo/grid.ts';
import { EmbedBlocks } from '../../src/layers/embed-blocks.ts';
import { shownExtensions } from '../../src/layers/extensions.ts';
import type { CatalogReader, Engine } from '../../src/layers/scope.ts';
import { silentLog } from '../../src/log.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../src/processes/index.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { directComputer } from '../../src/workers/embed.ts';
import { registry as operators, toyRuntime, utmGrid } from './fixtures.ts';

const [datacube, projection, eo] = ['datacube/v2.3.0', 'projection/v2.0.0', 'eo/v2.0.0'].map((name) => `https://stac-extensions.github.io/${name}/schema.json`) as [string, string, string];
const bands = [{ name: 'B02', 'eo:common_name': 'blue' }, { name: 'B08', 'eo:common_name': 'nir' }];

export const rawCollection: StacCollection = {
  type: 'Collection', stac_version: '1.1.0',
  stac_extensions: [datacube, projection, eo],
  id: 'RAW', title: 'Raw <scenes>', description: 'Two bands.', license: 'CC0-1.0',
  extent: { spatial: { bbox: [[4.4, 50.4, 4.6, 50.6]] }, temporal: { interval: [['2021-05-01T00:00:00Z', '2021-07-01T00:00:00Z']] } },
  summaries: { 'proj:code': ['EPSG:32631'], bands },
  bands,
  'cube:dimensions': {
    x: { type: 'spatial', axis: 'x', extent: [600_000, 601_280], step: 10, reference_system: 32631 },
    y: { type: 'spatial', axis: 'y', extent: [5_598_720, 5_600_000], step: 10, reference_system: 32631 },
    t: { type: 'temporal', extent: ['2021-05-01T00:00:00Z', '2021-07-01T00:00:00Z'] },
    bands: { type: 'bands', values: ['B02', 'B08'] },
  },
  links: [],
};

export const layerCollection: StacCollection = {
  type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id: 'LAYER', title: 'Toy layer', description: 'Embeddings of RAW.', license: 'CC0-1.0',
  extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [[null, null]] } }, summaries: {}, 'cube:dimensions': {}, links: [],
  'lamina:layer': {
    sources: ['RAW'],
    operator: 'toy:1.0.0',
    process_graph: {
      load: { process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: { from_parameter: 'spatial_extent' }, temporal_extent: { from_parameter: 'temporal_extent' } } },
      embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: { from_parameter: 'operator' } }, result: true },
    },
  },
};

/** The sample of a band at a column and row; 0 is no-data. */
/** A description with the extensions that it has when it is served. */
export function served<T extends StacCollection | StacItem>(object: T): T {
  return { ...object, stac_extensions: shownExtensions(object, 'https://eo.example/stac') };
}

export type Sample = (band: number, column: number, row: number) => number;

/** Writes an item of one file below `folder`, 128 × 128 pixels unless told otherwise: one block of the toy operator. */
export async function writeItem(folder: string, id: string, datetime: string, sample: Sample, grid: Grid = utmGrid(128, 128)): Promise<StacItem> {
  const { width, height } = grid;
  const data = Uint16Array.from({ length: 2 * width * height }, (_, i) => sample(Math.floor(i / (width * height)), i % width, Math.floor(i / width) % height));
  const cube = arrayCube({ dimensions: [bandsDimension(['B02', 'B08']), ...spatialDimensions(grid)], grid, dtype: 'uint16', data, nulls: Uint8Array.from(data, (v) => Number(v === 0)), attributes: { nodata: 0 } });
  const [file] = await resultFormats.GTiff.write(cube, {}, { directory: await mkdtemp(join(folder, `${id}-`)), signal: new AbortController().signal, log: silentLog });
  const { west, south, east, north } = transformBounds(gridBounds(grid), WGS84);
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: [projection, eo],
    id, collection: 'RAW', bbox: [west, south, east, north],
    geometry: { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] },
    properties: { datetime, 'proj:code': grid.crs },
    links: [],
    assets: {
      data: {
        href: pathToFileURL(file!.path).href, type: 'image/tiff; application=geotiff', roles: ['data'], data_type: 'uint16', nodata: 0, bands,
        'proj:shape': [height, width], 'proj:transform': [grid.stepX, 0, grid.originX, 0, -grid.stepY, grid.originY],
      },
    },
  };
}

export interface ToyService {
  readonly engine: Engine;
  readonly store: ObjectStore;
  readonly runtime: ReturnType<typeof toyRuntime>;
  close(): Promise<void>;
}

const anchor = { x: 600_000, y: 5_600_000 };

export function catalogOf(items: readonly StacItem[]): CatalogReader {
  return {
    collection: async (id) => [rawCollection, layerCollection].find((c) => c.id === id) ?? null,
    items: async ({ collection, interval }) => {
      const [from, to] = interval ?? [null, null];
      return items.filter(({ collection: of, properties: { datetime } }) => of === collection && (from === null || Date.parse(datetime!) >= Date.parse(from)) && (to === null || Date.parse(datetime!) < Date.parse(to)));
    },
    anchors: async () => new Map([['EPSG:32631', anchor]]),
  };
}

/** Blocks are computed on the spot, by loops. */
export async function toyService(folder: string, items: readonly StacItem[]): Promise<ToyService> {
  const store = createLocalStore(join(folder, 'objects'));
  const rasters = new RasterCache();
  const runtime = toyRuntime();
  const registry = createRegistry(await loadDescriptions(new URL('../../processes/', import.meta.url)), allProcesses);
  const blocks = new EmbedBlocks({ store, compute: directComputer(store, runtime) });
  return { engine: { catalog: catalogOf(items), rasters, registry, operators, blocks }, store, runtime, close: () => rasters.close() };
}
