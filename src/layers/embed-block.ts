/** A computed block of embeddings, and how it is kept in the object store. */
import { promisify } from 'node:util';
import { crc32, zstdCompress, zstdDecompress } from 'node:zlib';
import type { ObjectStore } from '../storage/object-store.ts';

export interface EmbedBlock {
  readonly dimensions: number;
  /** Patches along an edge. */
  readonly edge: number;
  /** [dimensions, edge, edge]; arbitrary where `nulls` is 1. */
  readonly vectors: Float32Array;
  /** [edge, edge]; 1 = no-data. */
  readonly nulls: Uint8Array;
}

const MAGIC = 0x314b424c; // 'LBK1'
const HEADER_BYTES = 20;
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Header (magic, dimensions, edge, raw length, CRC-32 of the body), then zstd of nulls and vectors. */
export async function encodeBlock(block: EmbedBlock): Promise<Uint8Array> {
  const { vectors, nulls } = block;
  const raw = new Uint8Array(nulls.byteLength + vectors.byteLength);
  raw.set(nulls);
  raw.set(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength), nulls.byteLength);
  const body = await compress(raw);
  const out = Buffer.alloc(HEADER_BYTES + body.length);
  [MAGIC, block.dimensions, block.edge, raw.length, crc32(body)].forEach((word, i) => out.writeUInt32LE(word, i * 4));
  out.set(body, HEADER_BYTES);
  return out;
}

/** null when the bytes are no whole block: the caller computes it again. */
export async function decodeBlock(bytes: Uint8Array): Promise<EmbedBlock | null> {
  if (bytes.length < HEADER_BYTES) return null;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [magic, dimensions, edge, rawLength, checksum] = [0, 4, 8, 12, 16].map((at) => view.readUInt32LE(at)) as [number, number, number, number, number];
  const body = view.subarray(HEADER_BYTES);
  if (magic !== MAGIC || crc32(body) !== checksum) return null;
  const raw = await decompress(body);
  const cells = edge * edge;
  if (raw.length !== rawLength || rawLength !== cells + cells * dimensions * 4) return null;
  const vectors = new Float32Array(cells * dimensions);
  new Uint8Array(vectors.buffer).set(raw.subarray(cells));
  return { dimensions, edge, nulls: new Uint8Array(raw.subarray(0, cells)), vectors };
}

/** Where the block of a key lives. Two levels of folders keep directories small. */
export function blockObjectKey(key: string): string {
  return `blocks/${key.slice(0, 2)}/${key.slice(2, 4)}/${key}.lbk`;
}

/** The stored block, or null when there is none or it is damaged. */
export async function readBlock(store: ObjectStore, key: string): Promise<EmbedBlock | null> {
  const bytes = await store.get(blockObjectKey(key));
  return bytes === null ? null : decodeBlock(bytes);
}

/** Stores a block under its key. A block is a function of its key, so overwriting one changes nothing but heals damage. */
export async function writeBlock(store: ObjectStore, key: string, block: EmbedBlock): Promise<void> {
  await store.put(blockObjectKey(key), await encodeBlock(block));
}
