/** Key-value metadata of the file: `geo` as GeoParquet 1.1 defines it, and `emb` with what the vectors are. */
import type { Cube, Encoding } from '../../cube/cube.ts';
import { embeddingFields, spatialAttributes, type References } from '../zarr/attributes.ts';
import type { Box, GeometryKind } from './cell-shapes.ts';

const GEOPARQUET_VERSION = '1.1.0';
const EMBEDDING_VERSION = '0.0.1';

/** The `geo` text. The reference system is left out, which means longitude and latitude (OGC:CRS84). */
export function geoMetadata(kind: GeometryKind, extent: Box | null): Record<string, unknown> {
  return geometryColumn({ geometry_types: [kind === 'point' ? 'Point' : 'Polygon'], ...(kind === 'polygon' && { orientation: 'counterclockwise' }) }, extent);
}

/** The same for geometries of users, of the named types, which are oriented in whatever way. */
export function featureGeoMetadata(types: readonly string[], extent: Box | null): Record<string, unknown> {
  return geometryColumn({ geometry_types: types }, extent);
}

function geometryColumn(facts: Readonly<Record<string, unknown>>, extent: Box | null): Record<string, unknown> {
  const covering = Object.fromEntries(['xmin', 'ymin', 'xmax', 'ymax'].map((name) => [name, ['bbox', name]]));
  const bbox = extent && { bbox: [extent.xmin, extent.ymin, extent.xmax, extent.ymax] };
  return {
    version: GEOPARQUET_VERSION,
    primary_column: 'geometry',
    columns: { geometry: { encoding: 'WKB', ...facts, edges: 'planar', ...bbox, covering: { bbox: covering } } },
  };
}

/** The `emb` text: model, sources, quantisation, and the grid that the cells lie on; null for cubes that hold no embeddings. */
export function embeddingMetadata(cube: Cube, dtype: string, references: References): Record<string, unknown> | null {
  const fields = embeddingFields(cube, dtype, references);
  if (!fields) return null;
  const quantization = quantizationOf(cube.attributes.encoding);
  return { version: EMBEDDING_VERSION, ...fields, ...(quantization && { quantization }), ...spatialAttributes(cube.grid!) };
}

/** As `emb:quantization` of the STAC extension says it; a scale per vector is in the column beside it. */
function quantizationOf(encoding: Encoding | undefined): Record<string, unknown> | null {
  if (!encoding || encoding.method === 'float32') return null;
  const { method, dtype, scale, offset, gain, threshold } = encoding;
  const types = { original_dtype: 'float32', quantized_dtype: dtype };
  switch (method) {
    case 'int8': return { method: 'linear', ...types, scale, offset, formula: 'value = code * scale + offset' };
    case 'int8_per_vector': return { method: 'per_pixel_scale', ...types, scale: { type: 'array', array_name: 'scale' }, formula: 'value = code * scale' };
    case 'int8_power2': return { method: 'power', ...types, power: 2, scale: 127.5, gain: gain ?? 1, formula: 'value = gain * sign(code) * (code / scale) ** power' };
    case 'binary': return { method: 'binary', ...types, quantized_dtype: 'bit', threshold, bit_order: 'first dimension in the highest bit', formula: 'bit = value > threshold' };
    case 'float16': return { method: 'cast', ...types };
  }
}
