/** The JSON documents of a Zarr v3 hierarchy, and the small arrays that are written whole. */
import { zstdCompressSync } from 'node:zlib';
import type { DType } from '../../cube/dtype.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type Attributes = Readonly<Record<string, Json>>;

/** An object of a store: its key below the root, and what is in it. */
export interface ZarrObject {
  readonly key: string;
  readonly bytes: Uint8Array;
}

export type ZarrType = Exclude<DType, 'bool'> | 'int64' | 'string';

export interface ArrayDocument {
  readonly name: string;
  readonly dtype: ZarrType;
  readonly shape: readonly number[];
  readonly dimensions: readonly string[];
  readonly fill: number | string;
  readonly attributes: Attributes;
}

export interface Sharding {
  readonly shard: readonly number[];
  readonly chunk: readonly number[];
  readonly level: number;
}

/** A small array with everything that is in it. */
export interface WholeArray extends ArrayDocument {
  readonly values: Float64Array | Float32Array | BigInt64Array | readonly string[];
}

const SINGLE_BYTES: readonly ZarrType[] = ['int8', 'uint8'];
const COORDINATE_LEVEL = 3;

/** `zarr.json` of an array in shards. */
export function shardedArray(array: ArrayDocument, { shard, chunk, level }: Sharding): Json {
  const codecs = [bytesCodec(array.dtype), zstdCodec(level)];
  const index = [bytesCodec('int64'), { name: 'crc32c' }];
  const sharding = { name: 'sharding_indexed', configuration: { chunk_shape: chunk, codecs, index_codecs: index, index_location: 'end' } };
  return arrayDocument(array, shard, [sharding]);
}

/** `zarr.json` of an array in one chunk. */
export function wholeArray(array: WholeArray): Json {
  const codecs = array.dtype === 'string' ? [{ name: 'vlen-utf8' }] : [bytesCodec(array.dtype)];
  return arrayDocument(array, array.shape.map((size) => Math.max(1, size)), [...codecs, zstdCodec(COORDINATE_LEVEL)]);
}

/** The only chunk of an array that is written whole; an array without dimensions holds its fill value and needs none. */
export function wholeChunk(array: WholeArray): ZarrObject[] {
  if (array.shape.length === 0) return [];
  const { values } = array;
  const bytes = ArrayBuffer.isView(values) ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength) : encodeStrings(values);
  return [{ key: `${array.name}/c/${array.shape.map(() => 0).join('/')}`, bytes: zstdCompressSync(bytes) }];
}

/** `zarr.json` of the root, with the documents of all arrays, so that a reader needs no other request. */
export function rootGroup(attributes: Attributes, arrays: Readonly<Record<string, Json>>): Json {
  return {
    zarr_format: 3,
    node_type: 'group',
    attributes,
    consolidated_metadata: { kind: 'inline', must_understand: false, metadata: arrays },
  };
}

/** A JSON document as an object of the store. */
export function document(key: string, content: Json): ZarrObject {
  return { key, bytes: Buffer.from(`${JSON.stringify(content, null, 1)}\n`) };
}

/** Numbers that JSON lacks have names in Zarr. */
function fillValue(fill: number | string): Json {
  if (typeof fill === 'string' || Number.isFinite(fill)) return fill;
  return Number.isNaN(fill) ? 'NaN' : fill > 0 ? 'Infinity' : '-Infinity';
}

function arrayDocument({ shape, dtype, fill, attributes, dimensions }: ArrayDocument, chunk: readonly number[], codecs: readonly Json[]): Json {
  return {
    zarr_format: 3,
    node_type: 'array',
    shape,
    data_type: dtype,
    chunk_grid: { name: 'regular', configuration: { chunk_shape: chunk } },
    chunk_key_encoding: { name: 'default', configuration: { separator: '/' } },
    fill_value: fillValue(fill),
    codecs,
    attributes,
    dimension_names: dimensions,
    storage_transformers: [],
  };
}

function bytesCodec(dtype: ZarrType): Json {
  return SINGLE_BYTES.includes(dtype) ? { name: 'bytes' } : { name: 'bytes', configuration: { endian: 'little' } };
}

const zstdCodec = (level: number): Json => ({ name: 'zstd', configuration: { level, checksum: false } });

/** The codec `vlen-utf8`: the number of texts, then each with its length before it. */
function encodeStrings(texts: readonly string[]): Uint8Array {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const pieces = texts.flatMap((text) => {
    const bytes = Buffer.from(text, 'utf8');
    return [number(bytes.byteLength), bytes];
  });
  return Buffer.concat([number(texts.length), ...pieces]);
}
