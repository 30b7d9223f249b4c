/**
 * How the codes of an embedding asset become vectors, as its metadata tell: `emb:quantization` of the asset,
 * the item or the collection (names as providers write them), and the two products that say nothing:
 * AlphaEarth (64 bands A00…A63 of int8) and TESSERA (int8 beside an asset `scales`).
 */
import type { StacAsset, StacItem } from '../types.ts';
import type { DType } from '../../cube/dtype.ts';
import { badUrl, type Fields } from './documents.ts';

export type Dequantization =
  | { readonly method: 'none' }
  /** value = code · scale + offset, one of each per band of the file. */
  | { readonly method: 'linear'; readonly scale: readonly number[]; readonly offset: readonly number[]; readonly nodata: number | null }
  /** value = gain · sign(code) · (code / 127.5)², −128 is no-data. */
  | { readonly method: 'power2'; readonly gain: number }
  /** value = code · scale of the vector, which lies in another asset; NaN or infinite: no-data. */
  | { readonly method: 'per_vector'; readonly scalesKey: string };

/** Names of methods in metadata, without case, spaces, '-' and '_'. */
const METHODS: Readonly<Record<string, Dequantization['method']>> = {
  none: 'none', identity: 'none', float32: 'none', float16: 'none', binary: 'none',
  linear: 'linear', int8: 'linear', int8linear: 'linear', scalar: 'linear', affine: 'linear',
  power: 'power2', power2: 'power2', int8power2: 'power2', signedsquare: 'power2',
  perpixelscale: 'per_vector', pervectorscale: 'per_vector', perpixel: 'per_vector', pervector: 'per_vector', int8pervector: 'per_vector',
};

/** Keys under which the scales of vectors lie, when metadata do not name them. */
const SCALES_KEYS = ['scales', 'embeddings_scales', 'embeddings-scales', 'scale'];

const INT8_NODATA = -128;
const POWER_DIVISOR = 127.5;

/** What is known about one asset of embeddings. */
export interface EmbeddingAsset {
  readonly key: string;
  readonly asset: StacAsset;
  readonly item: StacItem;
  readonly collection: Fields | null;
  readonly dtype: DType;
  /** Names of the bands in the file, in order. */
  readonly names: readonly string[];
}

/** True when the asset holds embeddings: it is called so, or speaks of them, or its item or collection does. */
export function isEmbedding(key: string, asset: StacAsset, item: StacItem, collection: Fields | null): boolean {
  const speaks = (fields: Fields) => Object.keys(fields).some((name) => name.startsWith('emb:'));
  return key === 'embeddings' || speaks(asset) || speaks(item.properties) || (collection !== null && speaks(collection));
}

/** `emb:quantization` wherever it stands; the asset before the item before the collection. */
function declared({ asset, item, collection }: EmbeddingAsset): Fields | null {
  const summaries = collection?.['summaries'] as Fields | undefined;
  for (const place of [asset, item.properties, collection, summaries]) {
    const value = place?.['emb:quantization'];
    const one: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof one === 'string') return { method: one };
    if (typeof one === 'object' && one !== null) return one as Fields;
  }
  return null;
}

/** How to decode. Throws ProcessParameterInvalid (load_stac, url) when that can't be known: codes are no vectors. */
export function dequantizationOf(asset: EmbeddingAsset): Dequantization {
  const said = declared(asset);
  if (said === null) return guessed(asset);
  const name = String(said['method'] ?? 'linear');
  const method = METHODS[name.toLowerCase().replace(/[\s_-]/g, '')];
  if (method === undefined) throw badUrl(`asset '${asset.key}' of item '${asset.item.id}' is quantised with '${name}', which can't be undone here; there are linear, power2 and per_pixel_scale`);
  // A method tells how one form of the vectors is stored; the file itself may hold another one.
  if (asset.dtype.startsWith('float')) return { method: 'none' };
  return made(method, said, asset);
}

function made(method: Dequantization['method'], said: Fields, asset: EmbeddingAsset): Dequantization {
  switch (method) {
    case 'none': return { method };
    case 'power2': return power(said, asset);
    case 'per_vector': return { method, scalesKey: scalesKey(said, asset) };
    case 'linear': return linear(said, asset);
  }
}

/** {power: 2, scale: 127.5} are the only constants in use; a gain is what the vectors were divided by before. */
function power(said: Fields, { key, item }: EmbeddingAsset): Dequantization {
  const { power: exponent = 2, scale = POWER_DIVISOR, gain = 1 } = said as { power?: unknown; scale?: unknown; gain?: unknown };
  if (exponent !== 2 || scale !== POWER_DIVISOR || typeof gain !== 'number' || !(gain > 0)) {
    throw badUrl(`the quantisation of asset '${key}' of item '${item.id}' has other constants than power 2 and scale ${POWER_DIVISOR}, which are the ones that are understood`);
  }
  return { method: 'power2', gain };
}

function scalesKey(said: Fields, { key, item }: EmbeddingAsset): string {
  const { scale } = said;
  const named = [said['scale_asset'], said['array_name'], said['scales'], scale, (scale as Fields | null)?.['array_name'], (scale as Fields | null)?.['asset']].filter((name) => typeof name === 'string');
  const found = [...named, ...SCALES_KEYS].find((name) => name !== key && name in item.assets);
  if (found === undefined) throw badUrl(`item '${item.id}' has no asset with the scales of '${key}'; it is looked for as ${[...named, ...SCALES_KEYS].map((name) => `'${name}'`).join(', ')}`);
  return found;
}

function linear(said: Fields, { key, asset, item, names }: EmbeddingAsset): Dequantization {
  const spread = (value: unknown, field: string, fallback: number): number[] => {
    const list = Array.isArray(value) ? value : typeof value === 'number' ? names.map(() => value) : names.map((_, i) => (asset.bands?.[i]?.[field] ?? asset[field] ?? fallback) as number);
    // A file may hold the first dimensions only; the scales are those of all.
    if (list.length >= names.length && list.every((number) => typeof number === 'number' && Number.isFinite(number))) return list.slice(0, names.length) as number[];
    throw badUrl(`the quantisation of asset '${key}' of item '${item.id}' has ${list.length} values of ${field.replace('raster:', '')} for ${names.length} bands`);
  };
  const nodata = said['nodata'] ?? asset['nodata'] ?? asset.bands?.[0]?.['nodata'] ?? (asset['data_type'] === 'int8' ? INT8_NODATA : null);
  return { method: 'linear', scale: spread(said['scale'], 'raster:scale', 1), offset: spread(said['offset'], 'raster:offset', 0), nodata: typeof nodata === 'number' ? nodata : null };
}

/** Without a word about quantisation: floats are vectors, known products are recognised, other codes refused. */
function guessed(asset: EmbeddingAsset): Dequantization {
  const { dtype, names, key, item } = asset;
  if (dtype.startsWith('float')) return { method: 'none' };
  const scales = SCALES_KEYS.find((name) => name !== key && name in item.assets);
  if (dtype === 'int8' && scales !== undefined) return { method: 'per_vector', scalesKey: scales };
  if (dtype === 'int8' && names.length === 64 && names.every((name, i) => name === `A${String(i).padStart(2, '0')}`)) return { method: 'power2', gain: 1 };
  if (asset.asset['raster:scale'] !== undefined || asset.asset.bands?.some((band) => band['raster:scale'] !== undefined)) return linear({}, asset);
  throw badUrl(`asset '${key}' of item '${item.id}' holds ${dtype} codes of embeddings, but nothing tells how they become vectors: its metadata need emb:quantization`);
}
