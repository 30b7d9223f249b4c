/**
 * How the codes of an embedding asset become vectors, as its metadata tell: `lamina:quantization` or
 * `emb:quantization` of the asset, the item or the collection (names as providers write them), tags of the
 * file, and the two products that say nothing: AlphaEarth (64 bands A00…A63 of int8) and TESSERA (int8
 * beside an asset `scales`).
 */
import type { DType } from '../../cube/dtype.ts';
import { baseName } from '../../formats/byte-source.ts';
import type { StacAsset, StacItem } from '../types.ts';
import { badUrl, type Fields } from './documents.ts';

export type Dequantization =
  | { readonly method: 'none' }
  /** 0 and 1; they stay uint8. */
  | { readonly method: 'binary' }
  /** value = code · scale + offset, one of each per band of the file. */
  | { readonly method: 'linear'; readonly scale: readonly number[]; readonly offset: readonly number[]; readonly nodata: number | null }
  /** value = gain · sign(code) · (code / 127.5)², −128 is no-data. */
  | { readonly method: 'power2'; readonly gain: number }
  /** value = code · scale of the vector, which lies in another asset; NaN or infinite: no-data. */
  | { readonly method: 'per_vector'; readonly scalesKey: string };

/** Names of methods in metadata, without case, spaces, '-' and '_'. */
const METHODS: Readonly<Record<string, Dequantization['method']>> = {
  none: 'none', identity: 'none', cast: 'none', float32: 'none', float16: 'none', binary: 'binary',
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
  /** Text tags of the file; null as long as it has not been opened. */
  readonly tags: Readonly<Record<string, string>> | null;
}

/**
 * True when the asset holds embeddings: it is called so or speaks of them itself; where no asset of the item
 * does, all do when the item or its collection speaks of embeddings.
 */
export function isEmbedding(key: string, item: StacItem, collection: Fields | null): boolean {
  const speaks = (fields: Fields) => Object.keys(fields).some((name) => name.startsWith('emb:') || name === 'lamina:quantization');
  const isOwn = ([name, asset]: [string, StacAsset]) => name === 'embeddings' || speaks(asset);
  if (isOwn([key, item.assets[key]!])) return true;
  return !Object.entries(item.assets).some(isOwn) && (speaks(item.properties) || (collection !== null && speaks(collection)));
}

/** What is said of the quantisation, wherever it stands; the asset before the item before the collection, the file last. */
function declared({ asset, item, collection, tags }: EmbeddingAsset): Fields | null {
  const summaries = collection?.['summaries'] as Fields | undefined;
  const values = [asset['lamina:quantization'], ...[asset, item.properties, collection, summaries].map((place) => place?.['emb:quantization'])];
  for (const value of values) {
    const one: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof one === 'string') return { method: one };
    if (typeof one === 'object' && one !== null) return one as Fields;
  }
  return tags === null ? null : declaredInFile(tags);
}

/** Tags that Lamina writes into its files; OlmoEarth and AlphaEarth use the same names. */
function declaredInFile({ QUANTIZATION: name, QUANTIZATION_METHOD: method = name, POWER: power, SCALE: scale, GAIN: gain, SCALE_FILE: file }: Readonly<Record<string, string>>): Fields | null {
  if (method === undefined) return null;
  const number = (key: string, text: string | undefined) => (text === undefined ? {} : { [key]: Number(text) });
  return { method, ...number('power', power), ...number('scale', scale), ...number('gain', gain), ...(file === undefined ? {} : { scale: { array_name: file } }) };
}

/** True when codes can't be understood without looking into the file. */
export function needsTags(asset: EmbeddingAsset): boolean {
  return asset.tags === null && declared(asset) === null && guessed(asset) === null;
}

/** How to decode. Throws ProcessParameterInvalid (load_stac, url) when that can't be known: codes are no vectors. */
export function dequantizationOf(asset: EmbeddingAsset): Dequantization {
  const said = declared(asset);
  if (said === null) return guessed(asset) ?? unknownCodes(asset);
  const name = typeof said['method'] === 'string' ? said['method'] : 'linear';
  const method = METHODS[name.toLowerCase().replace(/[\s_-]/g, '')];
  if (method === undefined) throw badUrl(`asset '${asset.key}' of item '${asset.item.id}' is quantised with '${name}', which can't be undone here; there are linear, power2 and per_pixel_scale`);
  // A method tells how one form of the vectors is stored; the file itself may hold another one.
  if (asset.dtype.startsWith('float')) return { method: 'none' };
  return made(method, said, asset);
}

function made(method: Dequantization['method'], said: Fields, asset: EmbeddingAsset): Dequantization {
  switch (method) {
    case 'none':
    case 'binary': return { method };
    case 'power2': return power(said, asset);
    case 'per_vector': return { method, scalesKey: scalesKey(said, asset) };
    case 'linear': return linear(said, asset);
  }
}

/** {power: 2, scale: 127.5} are the only constants in use; a gain is what the vectors were divided by before. */
function power({ power: exponent = 2, scale = POWER_DIVISOR, gain = 1 }: { power?: unknown; scale?: unknown; gain?: unknown }, { key, item }: EmbeddingAsset): Dequantization {
  const divisor: unknown = typeof scale === 'object' && scale !== null ? (scale as Fields)['scale'] : scale;
  if (exponent !== 2 || divisor !== POWER_DIVISOR || typeof gain !== 'number' || !(gain > 0)) {
    throw badUrl(`the quantisation of asset '${key}' of item '${item.id}' has other constants than power 2 and scale ${POWER_DIVISOR}, which are the ones that are understood`);
  }
  return { method: 'power2', gain };
}

function scalesKey(said: Fields, { key, item }: EmbeddingAsset): string {
  const { scale } = said;
  const named = [said['scale_asset'], said['array_name'], said['scales'], scale, (scale as Fields | null)?.['array_name'], (scale as Fields | null)?.['asset']].filter((name) => typeof name === 'string');
  const others = Object.entries(item.assets).filter(([other]) => other !== key);
  // What is named may be the key of an asset, or a file beside the codes.
  const isCalled = (name: string) => others.find(([other, { href }]) => other === name || baseName(href) === name)?.[0];
  const found = [...named, ...SCALES_KEYS].map(isCalled).find((name) => name !== undefined);
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

/** Without a word about quantisation: floats are vectors, known products are recognised; null for other codes. */
function guessed(asset: EmbeddingAsset): Dequantization | null {
  const { dtype, names, key, item } = asset;
  if (dtype.startsWith('float')) return { method: 'none' };
  const scales = SCALES_KEYS.find((name) => name !== key && name in item.assets);
  if (dtype === 'int8' && scales !== undefined) return { method: 'per_vector', scalesKey: scales };
  if (dtype === 'int8' && names.length === 64 && names.every((name, i) => name === `A${String(i).padStart(2, '0')}`)) return { method: 'power2', gain: 1 };
  if (asset.asset['raster:scale'] !== undefined || asset.asset.bands?.some((band) => band['raster:scale'] !== undefined)) return linear({}, asset);
  return null;
}

function unknownCodes({ dtype, key, item }: EmbeddingAsset): never {
  throw badUrl(`asset '${key}' of item '${item.id}' holds ${dtype} codes of embeddings, but nothing tells how they become vectors: its metadata need emb:quantization`);
}
