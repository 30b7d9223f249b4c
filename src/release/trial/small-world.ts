/**
 * A service in a folder: a raw collection with one made-up scene, over which a layer can be defined, read and drawn with the code that
 * a service runs. No database, no queue: blocks are computed on the spot.
 */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deriveCollection } from '../../catalog/ingest/collection.ts';
import type { ItemSource } from '../../catalog/item-source.ts';
import type { StacCollection, StacItem } from '../../catalog/types.ts';
import { arrayCube } from '../../cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../cube/dimension.ts';
import { RasterCache } from '../../formats/cog/raster-cache.ts';
import { gtiff } from '../../formats/cog/write.ts';
import { transformBounds, WGS84 } from '../../geo/crs.ts';
import { gridBounds, type Grid } from '../../geo/grid.ts';
import { completeLayer, draftLayer } from '../../layers/define-layer.ts';
import { EmbedBlocks } from '../../layers/embed-blocks.ts';
import { BLOCK_PATCHES } from '../../layers/patch-lattice.ts';
import type { CatalogReader, Engine } from '../../layers/scope.ts';
import { silentLog } from '../../log.ts';
import type { OperatorRuntime, OperatorRegistry } from '../../operators/operator.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../processes/index.ts';
import { createLocalStore } from '../../storage/local.ts';
import { directComputer } from '../../workers/embed.ts';
import { embedOne, type Pixels, type Subject } from '../gate/subject.ts';

const RAW = 'SCENE';
export const LAYER = 'LAYER';
const DATE = '2023-07-29T10:40:21Z';
/** In UTM zone 31, where nobody minds. */
const PLACE = { crs: 'EPSG:32631', x: 600_000, y: 5_600_000 } as const;

export interface SmallWorld {
  readonly engine: Engine;
  /** Where the patches of the scene lie, without the halo around them. */
  readonly patches: Grid;
  /** Blocks that the operator has computed so far. */
  readonly computed: () => number;
  close(): Promise<void>;
}

/** Publishes a layer of the operator over `pixels` of `side` × `side` patches. Throws what defining the layer throws. */
export async function openSmallWorld(folder: string, subject: Subject, pixels: Pixels, side: number): Promise<SmallWorld> {
  const grids = gridsOf(subject, pixels, side);
  const item = await writeScene(folder, subject, pixels, grids.raster);
  const collections = new Map([[RAW, deriveCollection(RAW, [item], { license: 'CC0-1.0' }, null)]]);
  const counted = countingRuntime(subject);
  const rasters = new RasterCache();
  const store = createLocalStore(join(folder, 'objects'));
  const registry = createRegistry(await loadDescriptions(new URL('../../../processes/', import.meta.url)), allProcesses);
  const engine: Engine = { catalog: catalogOf(collections, item, grids.anchor), rasters, registry, operators: only(subject), blocks: new EmbedBlocks({ store, compute: directComputer(store, counted.runtime) }) };
  const context = { engine, items: itemsOf(item) };
  const { collection } = await completeLayer(await draftLayer(definition(subject), context, null), context);
  collections.set(LAYER, collection);
  return { engine, patches: grids.patches, computed: counted.runs, close: () => rasters.close() };
}

/** The lattice begins such that an edge of blocks goes through the middle of the scene. */
function gridsOf({ operator: { manifest } }: Subject, { rows, columns }: Pixels, side: number): { readonly raster: Grid; readonly patches: Grid; readonly anchor: { readonly x: number; readonly y: number } } {
  const { patch, halo, input: { gsd } } = manifest;
  const raster: Grid = { crs: PLACE.crs, originX: PLACE.x - halo * gsd, originY: PLACE.y + halo * gsd, stepX: gsd, stepY: gsd, width: columns, height: rows };
  const patches: Grid = { crs: PLACE.crs, originX: PLACE.x, originY: PLACE.y, stepX: gsd * patch, stepY: gsd * patch, width: side, height: side };
  const before = BLOCK_PATCHES - Math.floor(side / 2);
  return { raster, patches, anchor: { x: PLACE.x - before * patch * gsd, y: PLACE.y + before * patch * gsd } };
}

async function writeScene(folder: string, { operator: { manifest } }: Subject, { samples }: Pixels, grid: Grid): Promise<StacItem> {
  const { bands } = manifest.input;
  const cube = arrayCube({ dimensions: [bandsDimension(bands.map(({ name }) => name)), ...spatialDimensions(grid)], grid, dtype: 'float32', data: Float32Array.from(samples), nulls: null, attributes: {} });
  const [file] = await gtiff.write(cube, {}, { directory: await mkdtemp(join(folder, 'scene-')), signal: new AbortController().signal, log: silentLog });
  const { west, south, east, north } = transformBounds(gridBounds(grid), WGS84);
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: 'scene', collection: RAW, bbox: [west, south, east, north],
    geometry: { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] },
    properties: { datetime: DATE, 'proj:code': grid.crs }, links: [],
    assets: {
      data: {
        href: pathToFileURL(file!.path).href, type: 'image/tiff; application=geotiff', roles: ['data'], data_type: 'float32',
        bands: bands.map(({ name, common_name: common, center_wavelength: wavelength }) => ({ name, ...(common && { 'eo:common_name': common }), ...(wavelength && { 'eo:center_wavelength': wavelength }) })),
        'proj:shape': [grid.height, grid.width], 'proj:transform': [grid.stepX, 0, grid.originX, 0, -grid.stepY, grid.originY],
      },
    },
  };
}

function catalogOf(collections: ReadonlyMap<string, StacCollection>, item: StacItem, anchor: { readonly x: number; readonly y: number }): CatalogReader {
  return {
    collection: async (id) => collections.get(id) ?? null,
    items: async ({ collection }) => (collection === RAW ? [item] : []),
    anchors: async (collection) => (collection === RAW ? new Map([[PLACE.crs, anchor]]) : new Map()),
  };
}

function itemsOf(item: StacItem): ItemSource {
  return { search: async () => ({ items: [item], numberMatched: 1, next: null }), get: async (_, id) => (id === item.id ? item : null) };
}

/** As a registry would have it: the version that is on trial, and no other. */
function only({ operator }: Subject): OperatorRegistry {
  return { list: () => [operator], resolve: () => operator };
}

function countingRuntime(subject: Subject): { readonly runtime: OperatorRuntime; readonly runs: () => number } {
  let runs = 0;
  return {
    runs: () => runs,
    runtime: {
      run: (_operator, samples, rows, columns, signal) => {
        runs++;
        return embedOne(subject, { samples, rows, columns }, signal);
      },
      close: async () => {},
    },
  };
}

function definition({ operator }: Subject): object {
  return {
    id: LAYER, title: 'Trial', description: 'Embeddings of one scene.', license: 'CC0-1.0',
    'lamina:layer': {
      operator: operator.reference,
      process_graph: {
        load: { process_id: 'load_collection', arguments: { id: RAW, spatial_extent: { from_parameter: 'spatial_extent' }, temporal_extent: { from_parameter: 'temporal_extent' } } },
        embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: { from_parameter: 'operator' } }, result: true },
      },
    },
  };
}
