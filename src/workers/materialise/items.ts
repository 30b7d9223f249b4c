/** The STAC items of materialised files, and the collection that holds them: ordinary files, readable by anybody. */
import { deriveCollection } from '../../catalog/ingest/collection.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import type { StacAsset, StacItem } from '../../catalog/types.ts';
import type { Cube } from '../../cube/cube.ts';
import { embeddingProperties } from '../../layers/embedding-properties.ts';
import type { Layer } from '../../layers/layer.ts';
import type { Materialisation } from '../../catalog/materialisations.ts';
import { fileItem } from '../file-item.ts';

export interface ItemParts {
  readonly id: string;
  readonly layer: Layer;
  readonly record: Materialisation;
  /** What the files hold. */
  readonly cube: Cube;
  /** First and last instant; equal for the files of one date. */
  readonly time: readonly [string, string];
  /** '<collection>/<item>' of what they were made from. */
  readonly sources: readonly string[];
  readonly assets: Readonly<Record<string, StacAsset>>;
}

/** The item of one or more files. */
export function materialItem({ id, layer, record, cube, time, sources, assets }: ItemParts): StacItem {
  const created = new Date().toISOString();
  return fileItem({
    id, collection: layer.files, cube, time, created, sources, assets,
    properties: {
      'lamina:layer': layer.id,
      'lamina:materialisation': record.id,
      ...(layer.operator ? embeddingProperties(layer.operator, record.view, layer.definition.process_graph, created) : { 'processing:datetime': created }),
    },
    links: [{ rel: 'related', href: `/stac/collections/${layer.id}`, type: 'application/json', title: layer.id }],
  });
}

/** Adds an item to the collection of the layer's files, which is made when it is the first. */
export async function publishItem(catalog: CatalogStore, layer: Layer, item: StacItem, grid: Cube['grid']): Promise<void> {
  const id = layer.files;
  const described = await catalog.collection(layer.id);
  const text = {
    title: `Files of ${described?.title ?? layer.id}`,
    description: `Areas and dates of the layer ${layer.id} that were written to files. Requests for the layer read them instead of computing.`,
    license: described?.license ?? 'other',
    keywords: ['embeddings', 'materialised', layer.id],
  };
  const known = await catalog.collection(id);
  const present = known ? await catalog.items({ collection: id, bbox: null, interval: null }) : [];
  const items = [...present.filter((other) => other.id !== item.id), item];
  const { visibility, owner } = layer.definition;
  const collection = deriveCollection(id, items, text, known);
  await catalog.putCollection({ ...collection, 'lamina:files': { layer: layer.id, ...(visibility && { visibility }), ...(owner !== undefined && { owner }) } });
  if (grid) await catalog.fixAnchor(id, { crs: grid.crs, x: grid.originX, y: grid.originY, stepX: grid.stepX, stepY: grid.stepY });
  await catalog.putItems(id, [item]);
}
