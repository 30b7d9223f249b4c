/**
 * How embeddings are described in STAC: the collection of a layer, its items, and the fields that a
 * result with embeddings carries (`emb:*` of the embeddings extension 0.0.1, processing 1.2,
 * projection 2, raster 2).
 * Hrefs are paths of the service; the API makes URLs of them.
 */
import type { StacBand, StacCollection, StacItem, StacLink } from '../catalog/types.ts';
import type { Operator } from '../operators/operator.ts';
import { embeddingProperties } from './embedding-properties.ts';
import { usedExtensions } from './extensions.ts';
import type { Layer } from './layer.ts';

export const COG_MEDIA_TYPE = 'image/tiff; application=geotiff; profile=cloud-optimized';

/** Names of the first `count` dimensions: e000, e001, … */
export function embeddingLabels(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `e${String(i).padStart(3, '0')}`);
}

function chipLayout(operator: Operator): object {
  const { patch } = operator.manifest;
  return { layout_type: 'regular_grid', chip_size: [patch, patch], stride: [patch, patch] };
}

/** The full STAC Collection of a layer: what its file says, completed with what source and operator know. */
export function describeLayer(layer: Layer, file: StacCollection, source: StacCollection): StacCollection {
  const operator = layer.operator!;
  const { manifest } = operator;
  const labels = embeddingLabels(manifest.output.dimensions);
  const bands: StacBand[] = labels.map((name, i) => ({ name, description: `Dimension ${i} of ${manifest.name} ${manifest.version}` }));
  const seen = {
    'cube:dimensions': cubeDimensions(source, labels),
    summaries: { ...projectionSummary(source), gsd: [manifest.input.gsd * manifest.patch], bands },
    item_assets: { embeddings: { title: 'Embeddings, computed on demand', type: COG_MEDIA_TYPE, roles: ['data', 'virtual'], data_type: 'float32' } },
  };
  return {
    ...file,
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: usedExtensions(seen),
    keywords: [...new Set([...(file.keywords ?? []), 'embeddings', 'virtual', manifest.name])],
    extent: source.extent,
    'emb:type': manifest.patch === 1 ? 'pixel' : 'chip',
    'emb:dimensions': manifest.output.dimensions,
    'emb:chip_layout': chipLayout(operator),
    data_type: 'float32',
    gsd: manifest.input.gsd * manifest.patch,
    bands,
    ...seen,
    'lamina:layer': { ...layer.definition, operator: operator.reference },
    links: [
      ...(file.links ?? []),
      { rel: 'emb:source-data', href: `/stac/collections/${source.id}`, type: 'application/json', title: source.title ?? source.id },
      { rel: 'derived_from', href: `/stac/collections/${source.id}`, type: 'application/json', title: source.title ?? source.id },
    ],
  };
}

function cubeDimensions(source: StacCollection, labels: readonly string[]): Record<string, unknown> {
  const kept = Object.entries(source['cube:dimensions']).filter(([, d]) => (d as { type?: string }).type !== 'bands').map(([name, dimension]) => {
    // The step of the source is not the layer's: without one a client asks the cube itself.
    const { step: _, ...rest } = dimension as Record<string, unknown>;
    return [name, rest];
  });
  return { ...Object.fromEntries(kept), embedding: { type: 'bands', values: labels } };
}

function projectionSummary(source: StacCollection): Record<string, unknown> {
  const codes = source.summaries['proj:code'];
  return codes === undefined ? {} : { 'proj:code': codes };
}

/** Path under which the service computes and serves the file of a layer's item. */
export function layerFileHref(layer: string, item: string): string {
  return `/layers/${encodeURIComponent(layer)}/${encodeURIComponent(item)}/embeddings.tif`;
}

/** The item of a layer that stands for one raw item. Its file is computed when somebody fetches it. */
export function describeLayerItem(layer: Layer, raw: StacItem): StacItem {
  const operator = layer.operator!;
  const { manifest } = operator;
  const { datetime, start_datetime: start, end_datetime: end } = raw.properties;
  const href = `/stac/collections/${raw.collection}/items/${encodeURIComponent(raw.id)}`;
  const links: StacLink[] = [
    { rel: 'derived_from', href, type: 'application/geo+json', title: raw.id },
    { rel: 'emb:source-data', href, type: 'application/geo+json', title: raw.id },
  ];
  const properties = {
    datetime,
    ...(start === undefined ? {} : { start_datetime: start }),
    ...(end === undefined ? {} : { end_datetime: end }),
    gsd: manifest.input.gsd * manifest.patch,
    ...(typeof raw.properties['proj:code'] === 'string' ? { 'proj:code': raw.properties['proj:code'] } : {}),
    ...embeddingProperties(operator, 'float32', layer.definition.process_graph, null),
  };
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: usedExtensions(properties),
    id: raw.id,
    collection: layer.id,
    geometry: raw.geometry,
    bbox: raw.bbox,
    properties,
    links,
    assets: {
      embeddings: {
        href: layerFileHref(layer.id, raw.id),
        type: COG_MEDIA_TYPE,
        title: 'Embeddings, computed on demand',
        roles: ['data', 'virtual'],
        data_type: 'float32',
        bands: embeddingLabels(manifest.output.dimensions).map((name) => ({ name })),
      },
    },
  };
}
