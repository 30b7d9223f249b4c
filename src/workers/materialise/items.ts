/** The STAC items of materialised files, and the collection that holds them: ordinary files, readable by anybody. */
import type { CollectionText } from '../../catalog/ingest/collection.ts';
import { describeCollection } from '../../catalog/ingest/register.ts';
import { publishItems } from '../../catalog/publish-items.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import type { StacAsset, StacCollection, StacItem } from '../../catalog/types.ts';
import type { Cube } from '../../cube/cube.ts';
import { embeddingProperties } from '../../layers/embedding-properties.ts';
import { markOfFiles, type Layer } from '../../layers/layer.ts';
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
export async function publishItem(catalog: CatalogStore, layer: Layer, item: StacItem): Promise<void> {
  const text = textOf(layer, (await catalog.collection(layer.id))!);
  await publishItems(catalog, { collection: layer.files, items: [item], text, fields: markOfFiles(layer.id, layer.definition), check: () => {} });
}

/** Describes the collection by all that is in it: once, when everything is written. */
export async function describeFiles(catalog: CatalogStore, layer: Layer): Promise<void> {
  const [described, known] = [(await catalog.collection(layer.id))!, await catalog.collection(layer.files)];
  if (known) await describeCollection(layer.files, catalog, textOf(layer, described), { ...known, ...markOfFiles(layer.id, layer.definition) });
}

function textOf({ id }: Layer, { title, license }: StacCollection): CollectionText {
  return {
    title: `Files of ${title ?? id}`,
    description: `Areas and dates of the layer ${id} that were written to files. Requests for the layer read them instead of computing.`,
    license,
    keywords: ['embeddings', 'materialised', id],
  };
}
