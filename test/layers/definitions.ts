/** A catalog in a real database with collections whose files nobody ever reads, and layers over them. */
import { deriveCollection } from '../../src/catalog/ingest/collection.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { transformBounds, WGS84 } from '../../src/geo/crs.ts';
import { gridBounds, type Grid } from '../../src/geo/grid.ts';
import { lazyEngine } from '../../src/layers/layer-trial.ts';
import { LayerPublisher } from '../../src/layers/publish-layer.ts';
import type { Engine } from '../../src/layers/scope.ts';
import type { OperatorRegistry } from '../../src/operators/operator.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../src/processes/index.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';

export const BANDS = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];
/** Not a whole number of patches, and off the multiples of a patch, so that lattices must be computed. */
export const GRID: Grid = { crs: 'EPSG:32631', originX: 600_030, originY: 5_600_050, stepX: 10, stepY: 10, width: 1003, height: 517 };

/** An item of one file. */
export function itemOf(collection: string, id: string, datetime: string, bands: readonly string[] = BANDS, grid: Grid = GRID, properties: object = {}): StacItem {
  const { west, south, east, north } = transformBounds(gridBounds(grid), WGS84);
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: ['https://stac-extensions.github.io/projection/v2.0.0/schema.json'],
    id, collection, bbox: [west, south, east, north],
    geometry: { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] },
    properties: { datetime, 'proj:code': grid.crs, ...properties }, links: [],
    assets: {
      data: {
        href: `file:///nowhere/${id}.tif`, type: 'image/tiff; application=geotiff', roles: ['data'], data_type: 'uint16', nodata: 0, bands: bands.map((name) => ({ name })),
        'proj:shape': [grid.height, grid.width], 'proj:transform': [grid.stepX, 0, grid.originX, 0, -grid.stepY, grid.originY],
      },
    },
  };
}

export interface Definitions {
  readonly fresh: FreshDatabase;
  readonly store: CatalogStore;
  readonly engine: Engine;
  readonly operators: OperatorRegistry;
  readonly publisher: LayerPublisher;
  fill(collection: string, items: readonly StacItem[]): Promise<void>;
}

/** S2: three dates of nine bands; RADAR: one band at the same place and dates; GEO: the bands in degrees; COARSE: at 60 m; EMPTY: no item. */
export async function startDefinitions(): Promise<Definitions> {
  const fresh = await startFreshDatabase();
  const store = new CatalogStore(fresh.database);
  const operators = await openRegistry('operators');
  const registry = createRegistry(await loadDescriptions(new URL('../../processes/', import.meta.url)), allProcesses);
  const engine = lazyEngine({ catalog: store, registry, operators });
  const fill = async (collection: string, items: readonly StacItem[]) => {
    await store.putCollection(deriveCollection(collection, items, { license: 'CC0-1.0' }, null));
    await store.putItems(collection, items);
    for (const item of items) {
      const [stepX, , x, , stepY, y] = item.assets['data']!['proj:transform'] as number[];
      await store.fixAnchor(collection, { crs: String(item.properties['proj:code']), x: x!, y: y!, stepX: stepX!, stepY: -stepY! });
    }
  };
  const days = ['2021-05-01T10:00:00Z', '2021-05-20T10:00:00Z', '2021-06-10T10:00:00Z'];
  await fill('S2', days.map((day, i) => itemOf('S2', `s${i}`, day, BANDS, GRID, { 'eo:cloud_cover': i * 30 })));
  await fill('RADAR', days.map((day, i) => itemOf('RADAR', `r${i}`, day, ['VV'])));
  await fill('GEO', [itemOf('GEO', 'g', days[0]!, BANDS, { crs: WGS84, originX: 4, originY: 51, stepX: 0.0001, stepY: 0.0001, width: 500, height: 500 })]);
  await fill('COARSE', [itemOf('COARSE', 'c', days[0]!, BANDS, { ...GRID, stepX: 60, stepY: 60 })]);
  await store.putCollection({ ...deriveCollection('EMPTY', [itemOf('EMPTY', 'e', days[0]!)], {}, null) });
  return { fresh, store, engine, operators, fill, publisher: new LayerPublisher(store, engine) };
}

/** load_collection as layers write it. */
export const load = (id: string, more: object = {}) => ({
  process_id: 'load_collection',
  arguments: { id, spatial_extent: { from_parameter: 'spatial_extent' }, temporal_extent: { from_parameter: 'temporal_extent' }, ...more },
});
export const embed = (from = 'load', model: unknown = 'pca') => ({ process_id: 'compress_embed', arguments: { data: { from_node: from }, model }, result: true });

/** A definition as a user writes it. */
export function definition(id: string, graph: object, layer: object = {}, text: object = {}): Record<string, unknown> {
  return { id, description: `Layer ${id}.`, license: 'CC0-1.0', ...text, 'lamina:layer': { process_graph: graph, ...layer } };
}
