/** Computed blocks that are kept for a while, because the same ones are asked for in slices. */
import type { Block } from '../../cube/block.ts';

export class KeptBlocks {
  readonly #blocks = new Map<string, Block>();
  readonly #capacity: number;
  #bytes = 0;

  /** @param capacity bytes; the blocks that were used longest ago go first */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): Block | undefined {
    const block = this.#blocks.get(key);
    if (!block) return undefined;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    return block;
  }

  /** Keeps the block unless it is larger than everything that may be kept. */
  keep(key: string, block: Block): void {
    if (sizeOf(block) > this.#capacity || this.#blocks.has(key)) return;
    this.#blocks.set(key, block);
    this.#bytes += sizeOf(block);
    for (const [oldest, old] of this.#blocks) {
      if (this.#bytes <= this.#capacity) return;
      this.#blocks.delete(oldest);
      this.#bytes -= sizeOf(old);
    }
  }
}

const sizeOf = ({ data, nulls }: Block) => data.byteLength + (nulls?.byteLength ?? 0);
