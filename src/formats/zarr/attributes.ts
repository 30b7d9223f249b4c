/** What a store says of itself: the Zarr conventions `proj:`, `spatial:` and, for embeddings, `geoemb:`. */
import type { Cube } from '../../cube/cube.ts';
import { epsgCode } from '../../geo/crs.ts';
import { gridBounds, type Grid } from '../../geo/grid.ts';
import type { Attributes, Json } from './metadata.ts';

/** Addresses that only the caller knows; without them the store names model and sources by URN. */
export interface References {
  readonly model?: string;
  readonly sources?: readonly string[];
}

/** How the codes of quantised embeddings become values; in the words of `geoemb:quantization`. */
export type QuantizationText = Readonly<Record<string, Json>>;

const conventions = {
  proj: {
    uuid: 'f17cb550-5864-4468-aeb7-f3180cfb622f',
    name: 'proj:',
    schema_url: 'https://raw.githubusercontent.com/zarr-conventions/proj/refs/tags/v0.1/schema.json',
    spec_url: 'https://github.com/zarr-conventions/proj/blob/v0.1/README.md',
    description: 'Coordinate reference system',
  },
  spatial: {
    uuid: '689b58e2-cf7b-45e0-9fff-9cfc0883d6b4',
    name: 'spatial:',
    schema_url: 'https://raw.githubusercontent.com/zarr-conventions/spatial/refs/tags/v0.1/schema.json',
    spec_url: 'https://github.com/zarr-conventions/spatial/blob/v0.1/README.md',
    description: 'From array indices to coordinates',
  },
  geoemb: {
    uuid: '61c12cc5-0e28-4056-999a-480cf3fb7e4c',
    name: 'geoemb:',
    schema_url: 'https://raw.githubusercontent.com/geo-embeddings/embeddings-zarr-convention/refs/tags/v1/schema.json',
    spec_url: 'https://github.com/geo-embeddings/embeddings-zarr-convention/blob/v1/README.md',
    description: 'Geospatial embeddings and where they come from',
  },
} as const;

/** Attributes of the root group. */
export function rootAttributes(cube: Cube, dtype: string, references: References, quantization: QuantizationText | null): Attributes {
  const { embedding } = cube.attributes;
  return {
    Conventions: 'CF-1.8',
    source: 'Lamina',
    zarr_conventions: [conventions.proj, conventions.spatial, ...(embedding ? [conventions.geoemb] : [])],
    ...spatialAttributes(cube.grid!),
    ...prefixed('geoemb:', { ...embeddingFields(cube, dtype, references), ...(embedding && quantization && { quantization }) }),
  };
}

/** `proj:*` and `spatial:*` of a grid. */
export function spatialAttributes(grid: Grid): Attributes {
  const { west, south, east, north } = gridBounds(grid);
  const transform = [grid.stepX, 0, grid.originX, 0, -grid.stepY, grid.originY];
  return {
    'proj:code': epsgCode(grid.crs) === undefined ? null : grid.crs,
    ...(/^[A-Z]+CRS\[/.test(grid.crs) && { 'proj:wkt2': grid.crs }),
    'proj:transform': transform,
    'proj:shape': [grid.height, grid.width],
    'spatial:dimensions': ['y', 'x'],
    'spatial:transform': transform,
    'spatial:shape': [grid.height, grid.width],
    'spatial:bbox': [west, south, east, north],
    'spatial:registration': 'pixel',
  };
}

/** What embeddings are, in the words that `emb:` and `geoemb:` share; null when the cube holds none. */
export function embeddingFields(cube: Cube, dtype: string, references: References): Attributes | null {
  const { embedding, sources = [] } = cube.attributes;
  if (!embedding) return null;
  const { patch, gsd, operator, name, version, dimensions } = embedding;
  const edges = [patch, patch];
  return {
    type: patch > 1 ? 'chip' : 'pixel',
    dimensions: cube.find('bands')?.size ?? dimensions,
    model: references.model ?? modelUrn(operator),
    source_data: references.sources ?? sources.map(itemUrn),
    data_type: dtype,
    gsd,
    build_version: `${name} ${version}`,
    ...(patch > 1 && { chip_layout: { layout_type: 'regular_grid', chip_size: edges, stride: edges } }),
  };
}

function prefixed(prefix: string, fields: Attributes): Attributes {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [`${prefix}${key}`, value]));
}

/** 'pca@sha256:…' as a URN. */
function modelUrn(reference: string): string {
  return `urn:lamina:operator:${reference}`;
}

/** '<collection>/<item>' as a URN; a URL stays what it is. */
function itemUrn(source: string): string {
  return /^https?:/.test(source) ? source : `urn:stac:item:${source}`;
}
