/** What STAC metadata tell about embeddings of others. */
import type { EmbeddingFacts } from '../../cube/cube.ts';
import type { Grid } from '../../geo/grid.ts';
import type { StacLink } from '../types.ts';
import type { Fields } from './documents.ts';

/**
 * Facts from the `emb:*` fields of item and collection. The operator is the pinned reference for
 * embeddings of this service, else the model that is linked, else the collection.
 */
export function embeddingFacts(item: Fields, collection: Fields | null, bands: number, grid: Grid): EmbeddingFacts {
  const properties = item['properties'] as Fields;
  const summaries = (collection?.['summaries'] ?? {}) as Fields;
  const of = (name: string) => properties[name] ?? collection?.[name] ?? first(summaries[name]);
  const model = modelLink(item) ?? modelLink(collection);
  const id = String(collection?.['id'] ?? item['collection'] ?? item['id']);
  const runtime = properties['emb:runtime_parameters'] as Fields | undefined;
  return {
    operator: textOf(runtime?.['operator']) ?? model?.href ?? id,
    name: model?.title ?? textOf(collection?.['title']) ?? id,
    version: textOf(of('processing:version')) ?? textOf(of('version')) ?? '',
    dimensions: numberOf(of('emb:dimensions')) ?? bands,
    patch: patchOf(of('emb:type'), of('emb:chip_layout')),
    gsd: numberOf(of('gsd')) ?? grid.stepX,
    norm: null,
  };
}

/** An embedding per pixel unless chips of a size are told. */
function patchOf(type: unknown, layout: unknown): number {
  const size = (layout as { chip_size?: unknown } | undefined)?.chip_size;
  const edge = Array.isArray(size) ? numberOf(size[0]) : undefined;
  return type === 'pixel' ? 1 : edge ?? 1;
}

function modelLink(fields: Fields | null): StacLink | undefined {
  const links = fields?.['links'];
  return Array.isArray(links) ? (links as StacLink[]).find((link) => link?.rel === 'emb:model' && typeof link.href === 'string') : undefined;
}

const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);
const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
const numberOf = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
