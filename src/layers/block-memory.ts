/** Decoded blocks in memory: the least recently used go first when there are too many bytes. */
import type { StoredBlock } from './block-file.ts';

/** What an entry without a block is counted as. */
const MARKER_BYTES = 256;

export class BlockMemory {
  /** null: a block without a single valid sample. */
  readonly #blocks = new Map<string, StoredBlock | null>();
  readonly #limit: number;
  #used = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The block, null for one that is known to be empty, undefined when nothing is known. */
  get(key: string): StoredBlock | null | undefined {
    const block = this.#blocks.get(key);
    if (block === undefined) return undefined;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    return block;
  }

  put(key: string, block: StoredBlock | null): void {
    if (this.#blocks.has(key)) return;
    this.#blocks.set(key, block);
    this.#used += sizeOf(block);
    for (const [oldest, old] of this.#blocks) {
      if (this.#used <= this.#limit) break;
      this.#blocks.delete(oldest);
      this.#used -= sizeOf(old);
    }
  }
}

function sizeOf(block: StoredBlock | null): number {
  return MARKER_BYTES + (block === null ? 0 : block.data.byteLength + (block.nulls?.byteLength ?? 0));
}
