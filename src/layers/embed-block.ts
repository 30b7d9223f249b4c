/** A computed block of embeddings, and how blocks lie in the object store. */
import type { ObjectStore } from '../storage/object-store.ts';
import { decodeFile, encodeFile, type StoredBlock } from './block-file.ts';

export interface EmbedBlock {
  readonly dimensions: number;
  /** Patches along an edge. */
  readonly edge: number;
  /** [dimensions, edge, edge]; arbitrary where `nulls` is 1. */
  readonly vectors: Float32Array;
  /** [edge, edge]; 1 = no-data. */
  readonly nulls: Uint8Array;
}

/** Embeddings in the form of all blocks: the flags are those of whole vectors. Shares the memory. */
export function storedBlock({ dimensions, edge, vectors, nulls }: EmbedBlock): StoredBlock {
  return { dtype: 'float32', shape: [dimensions, edge, edge], data: vectors as Float32Array<ArrayBuffer>, nulls };
}

/** The reverse of `storedBlock`; null for a block that holds no embeddings. Shares the memory. */
export function embedBlock({ dtype, shape, data, nulls }: StoredBlock): EmbedBlock | null {
  const [dimensions, edge, width] = shape;
  if (dtype !== 'float32' || shape.length !== 3 || edge !== width || nulls?.length !== edge! * edge!) return null;
  return { dimensions: dimensions!, edge: edge!, vectors: data as Float32Array, nulls };
}

/** Without a single vector. */
export function emptyEmbedBlock(dimensions: number, edge: number): EmbedBlock {
  return { dimensions, edge, vectors: new Float32Array(dimensions * edge * edge), nulls: new Uint8Array(edge * edge).fill(1) };
}

/** The bytes of a block of embeddings. */
export function encodeBlock(block: EmbedBlock): Promise<Uint8Array> {
  return encodeFile(storedBlock(block));
}

/** null when the bytes are no whole block of embeddings: the caller computes it again. */
export async function decodeBlock(bytes: Uint8Array): Promise<EmbedBlock | null> {
  const stored = await decodeFile(bytes);
  return stored && embedBlock(stored);
}

const SUFFIX = '.lbk';
/** What the keys of all blocks begin with. */
export const BLOCK_PREFIX = 'blocks/';

/** Where the block of a key lives. Two levels of folders keep directories small. */
export function blockObjectKey(key: string): string {
  return `${BLOCK_PREFIX}${key.slice(0, 2)}/${key.slice(2, 4)}/${key}${SUFFIX}`;
}

/** The key of the block that an object holds; null for other objects. */
export function keyOfObject(objectKey: string): string | null {
  const key = objectKey.slice(objectKey.lastIndexOf('/') + 1, -SUFFIX.length);
  return key !== '' && blockObjectKey(key) === objectKey ? key : null;
}

/** What lies under a key: a block, nothing (null), or something that is no whole block ('damaged'). */
export async function readStored(store: ObjectStore, key: string): Promise<StoredBlock | null | 'damaged'> {
  const bytes = await store.get(blockObjectKey(key));
  return bytes === null ? null : (await decodeFile(bytes)) ?? 'damaged';
}

/** The stored block of embeddings, or null when there is none or it is damaged. */
export async function readBlock(store: ObjectStore, key: string): Promise<EmbedBlock | null> {
  const stored = await readStored(store, key);
  return stored === null || stored === 'damaged' ? null : embedBlock(stored);
}

/**
 * Stores a block under its key and gives the size of its file. A block is a function of its key, so one that
 * is there already stays; only `heal` replaces what is there, because it was found damaged.
 */
export async function writeStored(store: ObjectStore, key: string, block: StoredBlock, { heal = false } = {}): Promise<number> {
  const bytes = await encodeFile(block);
  await store.put(blockObjectKey(key), bytes, { ifAbsent: !heal });
  return bytes.length;
}

/** `writeStored` of a block of embeddings. */
export async function writeBlock(store: ObjectStore, key: string, block: EmbedBlock, options: { heal?: boolean } = {}): Promise<void> {
  await writeStored(store, key, storedBlock(block), options);
}
