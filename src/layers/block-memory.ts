/** Decoded blocks in memory: the least recently used go first when there are too many bytes. */
import type { StoredBlock } from './block-file.ts';

/** What an entry without a block is counted as. */
const MARKER_BYTES = 256;

/** Keys remembered without their blocks. */
const MAX_REMEMBERED = 16_384;

export class BlockMemory {
  /** null: a block without a single valid sample. */
  readonly #blocks = new Map<string, StoredBlock | null>();
  /** Keys that were asked about once, the newest last. */
  readonly #once = new Set<string>();
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

  /**
   * Whether a block that is cheap to read again should be kept: not when it is asked for the first time, so that
   * who reads through a large area does not push out what others read again and again.
   */
  isWanted(key: string): boolean {
    if (this.#once.delete(key) || this.#blocks.has(key)) return true;
    this.#once.add(key);
    if (this.#once.size > MAX_REMEMBERED) this.#once.delete(this.#once.values().next().value!);
    return false;
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
