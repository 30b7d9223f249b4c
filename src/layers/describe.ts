/**
 * How layers are described in STAC: their collections, completed with what the graph's result is and with
 * what the source knows today, and their items (see embedding-properties.ts for `emb:*`).
 * Hrefs are paths of the service; the API makes URLs of them.
 */
import type { StacAsset, StacBand, StacCollection, StacItem, StacLink } from '../catalog/types.ts';
import type { BandDescription, Cube, Quantization } from '../cube/cube.ts';
import { isFloat, type DType } from '../cube/dtype.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { epsgCode, isGeographic, transformBounds, WGS84 } from '../geo/crs.ts';
import type { Grid } from '../geo/grid.ts';
import { quantizationFields, SCALE_BAND } from '../formats/embedding-codes.ts';
import type { Operator } from '../operators/operator.ts';
import { encodingOf } from '../operators/quantize.ts';
import { embeddingProperties } from './embedding-properties.ts';
import { usedExtensions, VERSION_EXTENSION } from './extensions.ts';
import { blockCost } from './lamina-extension.ts';
import type { LayerText } from './layer-fields.ts';
import { modelLinks } from './model-links.ts';
import { embeddingPicture, pictureLinks, rendersOf, resultPicture, type Picture } from './renders.ts';
import type { Layer, LayerDefinition } from './layer.ts';

export const COG_MEDIA_TYPE = 'image/tiff; application=geotiff; profile=cloud-optimized';

type Fields = Readonly<Record<string, unknown>>;

/** Names of the first `count` dimensions: e000, e001, … */
export function embeddingLabels(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `e${String(i).padStart(3, '0')}`);
}

/** The view of a layer's files, and the others that it offers. */
export function viewsOf({ views }: LayerDefinition): readonly [Quantization, ...Quantization[]] {
  return (views as [Quantization, ...Quantization[]] | undefined) ?? ['float32'];
}

/** The view of a layer's own files. */
function fileView(definition: LayerDefinition): Quantization {
  return viewsOf(definition)[0];
}

/** Asset keys of a layer's items: 'embeddings' is the name that the embeddings extension wants. */
export function assetKey({ operator, definition }: Layer, view: Quantization): string {
  if (!operator) return 'data';
  return view === fileView(definition) ? 'embeddings' : `embeddings_${view}`;
}

/** The file beside the codes of `int8_per_vector` that holds the scale of each vector. */
export const SCALE_FILE = 'embeddings_scale.tif';

/** Path under which the service computes and serves the file of a layer's item. */
export function layerFileHref(layer: Layer, item: string, view: Quantization = fileView(layer.definition)): string {
  const query = view === fileView(layer.definition) ? '' : `?view=${view}`;
  return `/layers/${encodeURIComponent(layer.id)}/${encodeURIComponent(item)}/${layer.operator ? 'embeddings' : 'data'}.tif${query}`;
}

/** What a trial of the graph has shown. */
export interface LayerResult {
  readonly cube: Cube;
  readonly operator: Operator | null;
  readonly root: StacCollection;
}

/** The collection of a layer as it is stored: what was written of it, and what the result of its graph is. */
export function describeResult(text: LayerText, definition: LayerDefinition, { cube, operator, root }: LayerResult): StacCollection {
  const { grid } = cube;
  const bands = (cube.attributes.bands ?? []).map(stacBand);
  return {
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: [],
    ...text,
    extent: root.extent,
    data_type: cube.attributes.encoding?.dtype ?? cube.dtype,
    // Of degrees nobody can tell how many metres they are.
    ...(grid && !isGeographic(grid.crs) ? { gsd: grid.stepX } : {}),
    ...(bands.length > 0 ? { bands } : {}),
    'cube:dimensions': Object.fromEntries(cube.dimensions.map((d) => [d.name, storedDimension(d, grid)])),
    summaries: {},
    'lamina:layer': { ...definition, ...(operator ? { operator: operator.reference } : {}) },
  };
}

function stacBand({ name, description, common_name: common, center_wavelength: wavelength, unit }: BandDescription): StacBand {
  return { name, ...(description === undefined ? {} : { description }), ...(unit === undefined ? {} : { unit }), ...(common === undefined ? {} : { 'eo:common_name': common }), ...(wavelength === undefined ? {} : { 'eo:center_wavelength': wavelength }) };
}

function storedDimension(dimension: Cube['dimensions'][number], grid: Grid | null): Fields {
  if (dimension.type === 'spatial') return { type: 'spatial', axis: dimension.axis, ...(grid ? { reference_system: epsgCode(grid.crs) ?? grid.crs } : {}) };
  if (dimension.type === 'temporal') return { type: 'temporal' };
  return { type: dimension.type === 'bands' ? 'bands' : 'other', values: dimension.labels ?? [] };
}

/** The full STAC Collection of a layer: what is stored of it, completed with what source and operator know. */
export function describeLayer(layer: Layer, stored: StacCollection, root: StacCollection): StacCollection {
  const { operator, definition } = layer;
  const embedded = operator ? describeEmbedding(operator, stored) : null;
  const bands = embedded?.bands ?? stored.bands ?? [];
  const dimensions = cubeDimensions(Object.keys(stored['cube:dimensions']).length > 0 ? stored['cube:dimensions'] : undescribed(root, embedded?.labels ?? []), root);
  const { gsd = embedded?.gsd, version } = stored;
  const picture = pictureOfLayer(layer, { ...stored, bands });
  const seen = {
    'cube:dimensions': dimensions,
    summaries: { ...projectionSummary(dimensions, root), ...(gsd === undefined ? {} : { gsd: [gsd] }), ...(bands.length > 0 ? { bands } : {}) },
    ...(definition.has_items === false ? {} : { item_assets: itemAssets(layer) }),
    ...rendersOf(picture),
  };
  return {
    ...stored,
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: [...usedExtensions(seen), ...(version === undefined ? [] : [VERSION_EXTENSION])],
    keywords: [...new Set([...(stored.keywords ?? []), 'virtual', ...(operator ? ['embeddings', operator.manifest.name] : [])])],
    extent: root.extent,
    ...embedded?.fields,
    ...(gsd === undefined ? {} : { gsd }),
    ...(bands.length > 0 ? { bands } : {}),
    ...seen,
    'lamina:layer': { ...definition, ...(operator ? { operator: operator.reference } : {}) },
    ...(operator ? { 'lamina:views': viewsOf(definition), 'lamina:block': blockCost(operator.manifest) } : {}),
    links: [...stored.links, ...sourceLinks(layer), ...pictureLinks(picture, layer.id)],
  };
}

/** How a layer is drawn where a client chooses no bands of its own. */
function pictureOfLayer(layer: Layer, collection: StacCollection): Picture | null {
  const { operator, definition } = layer;
  if (definition.has_items === false) return null;
  return operator ? pictureOfVectors(layer, operator, collection.bands ?? []) : resultPicture(collection, assetKey(layer, fileView(definition)));
}

/** The same of the files of an operator, of which an item knows as much as the collection. */
function pictureOfVectors(layer: Layer, operator: Operator, bands: readonly { readonly name?: string }[]): Picture | null {
  const view = fileView(layer.definition);
  return embeddingPicture(operator, assetKey(layer, view), view, bands.map(({ name }) => String(name)));
}

function sourceLinks({ operator, definition }: Layer): StacLink[] {
  const sources = (operator ? ['emb:source-data', 'derived_from'] : ['derived_from']).flatMap((rel) =>
    definition.sources.map((id) => ({ rel, href: `/stac/collections/${encodeURIComponent(id)}`, type: 'application/json', title: id })));
  return [...sources, ...modelLinks(operator)];
}

/** What the operator tells. The labels of a stored description come first: a graph may keep some of them only. */
function describeEmbedding({ manifest }: Operator, stored: StacCollection): { fields: Fields; labels: string[]; bands: readonly StacBand[]; gsd: number } {
  const labels = stored.bands?.map((band) => String(band.name)) ?? embeddingLabels(manifest.output.dimensions);
  const { patch } = manifest;
  return {
    labels,
    bands: stored.bands ?? labels.map((name, i) => ({ name, description: `Dimension ${i} of ${manifest.name} ${manifest.version}` })),
    gsd: manifest.input.gsd * patch,
    fields: {
      'emb:type': patch === 1 ? 'pixel' : 'chip',
      'emb:dimensions': labels.length,
      'emb:chip_layout': { layout_type: 'regular_grid', chip_size: [patch, patch], stride: [patch, patch] },
      data_type: 'float32',
    },
  };
}

/** Dimensions of a layer whose result was never described: those of the source, embeddings in the place of bands. */
function undescribed(root: StacCollection, labels: readonly string[]): Fields {
  const kept = Object.entries(root['cube:dimensions']).filter(([, d]) => (d as { type?: string }).type !== 'bands');
  return { ...Object.fromEntries(kept), embedding: { type: 'bands', values: labels } };
}

/** The stored dimensions with today's extents of the source. */
function cubeDimensions(stored: Fields, root: StacCollection): Record<string, unknown> {
  const sources = Object.values(root['cube:dimensions']) as readonly Fields[];
  return Object.fromEntries(Object.entries(stored as Readonly<Record<string, Fields>>).map(([name, dimension]) => {
    // The step of the source is not the layer's: without one a client asks the cube itself.
    const { step: _, ...own } = dimension;
    if (own['type'] === 'temporal') return [name, { ...own, extent: root.extent.temporal.interval[0] }];
    if (own['type'] !== 'spatial') return [name, own];
    const source = sources.find(({ type, axis }) => type === 'spatial' && axis === own['axis']);
    return [name, spatialDimension(own, source, root)];
  }));
}

/** On the reference system of the source its own extent, on another one that of its box. */
function spatialDimension(own: Fields, source: Fields | undefined, root: StacCollection): Fields {
  const system = own['reference_system'];
  const codes = root.summaries['proj:code'];
  const isOfSource = system === undefined || system === source?.['reference_system'] || (Array.isArray(codes) && codes.includes(crsName(system)));
  if (isOfSource && source?.['extent'] !== undefined) return { ...own, extent: source['extent'], ...(source['reference_system'] === undefined ? {} : { reference_system: source['reference_system'] }) };
  const box = root.extent.spatial.bbox[0]!;
  const [west, south, east, north] = withoutHeights(box);
  const { west: left, east: right, south: bottom, north: top } = transformBounds({ crs: WGS84, west, south, east, north }, crsName(system));
  return { ...own, extent: own['axis'] === 'x' ? [left, right] : [bottom, top] };
}

const crsName = (system: unknown): string => (typeof system === 'number' ? `EPSG:${system}` : typeof system === 'string' ? system : WGS84);

function projectionSummary(dimensions: Fields, root: StacCollection): Record<string, unknown> {
  const x = Object.values(dimensions).find((d) => (d as Fields)['axis'] === 'x') as Fields | undefined;
  const codes = root.summaries['proj:code'];
  const system = x?.['reference_system'];
  const source = (Object.values(root['cube:dimensions']) as readonly Fields[]).find(({ axis }) => axis === 'x')?.['reference_system'];
  if (system === undefined || system === source) return codes === undefined ? {} : { 'proj:code': codes };
  return { 'proj:code': [crsName(system)] };
}

function itemAssets(layer: Layer): Record<string, unknown> {
  return Object.fromEntries(viewsOf(layer.definition).map((view) => [assetKey(layer, view), fileAsset(layer, view)]));
}

/** What all files of a layer have in common. */
function fileAsset({ operator, definition }: Layer, view: Quantization): Fields {
  if (!operator) return { title: 'Result, computed on demand', type: COG_MEDIA_TYPE, roles: ['data', 'virtual'] };
  const encoding = encodingOf(operator.manifest, view);
  const { dtype, nodata } = encoding;
  const title = view === fileView(definition) ? 'Embeddings, computed on demand' : `Embeddings as ${view}, computed on demand`;
  return { title, type: COG_MEDIA_TYPE, roles: ['data', 'virtual'], data_type: dtype, nodata: Number.isNaN(nodata) ? 'nan' : nodata, ...(view === 'float32' ? {} : { 'lamina:quantization': quantizationFields(encoding, SCALE_FILE) }) };
}

/** What is known of the cube in a layer's item: where its cells lie, and their bands. */
export interface ItemResult {
  readonly grid: Grid;
  readonly bands: readonly BandDescription[];
  readonly dtype: DType;
  /** The no-data value of whole numbers; those of floating point are NaN. */
  readonly nodata: number | null;
}

/** The item of a layer that stands for one raw item. Its files are computed when somebody fetches them. */
export function describeLayerItem(layer: Layer, raw: StacItem, result: ItemResult | null = null): StacItem {
  const { operator, definition } = layer;
  const { datetime, start_datetime: start, end_datetime: end } = raw.properties;
  const href = `/stac/collections/${raw.collection}/items/${encodeURIComponent(raw.id)}`;
  const links = (operator ? ['derived_from', 'emb:source-data'] : ['derived_from']).map((rel): StacLink => ({ rel, href, type: 'application/geo+json', title: raw.id }));
  const picture = operator && result ? pictureOfVectors(layer, operator, result.bands) : null;
  const crs = result?.grid.crs ?? raw.properties['proj:code'];
  const gsd = result && !isGeographic(result.grid.crs) ? result.grid.stepX : operator && operator.manifest.input.gsd * operator.manifest.patch;
  const properties = {
    datetime,
    ...(start === undefined ? {} : { start_datetime: start }),
    ...(end === undefined ? {} : { end_datetime: end }),
    ...(gsd === null ? {} : { gsd }),
    ...(typeof crs === 'string' && epsgCode(crs) !== undefined ? { 'proj:code': crs } : {}),
    ...(operator
      ? { ...embeddingProperties(operator, fileView(definition), definition.process_graph, null), 'lamina:block': blockCost(operator.manifest) }
      : { 'processing:expression': { format: 'openeo', expression: { process_graph: definition.process_graph } } }),
    ...rendersOf(picture),
  };
  const assets = Object.fromEntries(viewsOf(definition).flatMap((view): [string, StacAsset][] => {
    const [key, asset] = [assetKey(layer, view), itemAsset(layer, raw.id, view, result)];
    return view === 'int8_per_vector' ? [[key, asset], [`${key}_scale`, scaleAsset(layer, raw.id, key, result)]] : [[key, asset]];
  }));
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: usedExtensions(properties, assets),
    id: raw.id, collection: layer.id, geometry: raw.geometry, bbox: raw.bbox, properties, links: [...links, ...modelLinks(operator), ...pictureLinks(picture, layer.id, raw)], assets,
  };
}

/** With the place of its cells, which clients need to lay out a cube before they have read a byte. */
function itemAsset(layer: Layer, item: string, view: Quantization, result: ItemResult | null): StacAsset {
  const names = result?.bands.map((band) => band.name) ?? (layer.operator ? embeddingLabels(layer.operator.manifest.output.dimensions) : []);
  return {
    href: layerFileHref(layer, item, view),
    ...fileAsset(layer, view),
    ...(layer.operator || !result ? {} : samplesOf(result)),
    ...(result ? projectionOf(result.grid) : {}),
    ...(names.length > 0 ? { bands: names.map((name, i) => ({ name, ...linearScale(layer, view, i) })) } : {}),
  };
}

/** How the codes of a dimension become values, where that is a line. */
function linearScale({ operator }: Layer, view: Quantization, dimension: number): Fields {
  if (!operator || view !== 'int8') return {};
  const { scale, offset } = operator.manifest.quantization.int8;
  return { 'raster:scale': scale[dimension], 'raster:offset': offset[dimension] };
}

/** No number without its scale: the companion of the codes that have one for each vector. */
function scaleAsset(layer: Layer, item: string, codes: string, result: ItemResult | null): StacAsset {
  return {
    href: `/layers/${encodeURIComponent(layer.id)}/${encodeURIComponent(item)}/${SCALE_FILE}`,
    title: 'Scale of each vector, computed on demand', type: COG_MEDIA_TYPE, roles: ['data', 'virtual'],
    data_type: 'float32', nodata: 'nan', 'lamina:scale_of': codes,
    ...(result ? projectionOf(result.grid) : {}),
    bands: [{ name: SCALE_BAND }],
  };
}

function samplesOf({ dtype, nodata }: ItemResult): Fields {
  if (isFloat(dtype)) return { data_type: dtype, nodata: 'nan' };
  return { data_type: dtype, ...(nodata === null ? {} : { nodata }) };
}

function projectionOf({ originX, originY, stepX, stepY, width, height }: Grid): Fields {
  return {
    'proj:shape': [height, width],
    'proj:transform': [stepX, 0, originX, 0, -stepY, originY],
    'proj:bbox': [originX, originY - height * stepY, originX + width * stepX, originY],
    'raster:spatial_resolution': stepX,
  };
}
