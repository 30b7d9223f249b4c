/** Decoded blocks in memory: least recently used ones leave first, and a block that is being decoded is decoded once. */
import type { Samples } from '../../cube/dtype.ts';

interface Entry {
  readonly block: Promise<Samples>;
  sizeBytes: number;
}

export class BlockCache {
  readonly #limitBytes: number;
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;
  /** Blocks served without decoding, and blocks decoded, since the start. */
  hits = 0;
  misses = 0;

  /** With a limit of 0 nothing is kept, but concurrent requests still share the work. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The block of a key, if it is there or being decoded. Must not be changed by the caller. */
  get(key: string): Promise<Samples> | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.hits++;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.block;
  }

  /** Remembers a block that is being decoded. A failed one is forgotten, so the next request tries again. */
  set(key: string, block: Promise<Samples>): void {
    this.misses++;
    const entry: Entry = { block, sizeBytes: 0 };
    this.#entries.set(key, entry);
    block.then((samples) => this.#keep(key, entry, samples.byteLength), () => this.#forget(key, entry));
  }

  #keep(key: string, entry: Entry, sizeBytes: number): void {
    if (this.#entries.get(key) !== entry) return;
    entry.sizeBytes = sizeBytes;
    this.#sizeBytes += sizeBytes;
    for (const [oldest, candidate] of this.#entries) {
      if (this.#sizeBytes <= this.#limitBytes) return;
      if (candidate.sizeBytes > 0) this.#forget(oldest, candidate);
    }
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    this.#sizeBytes -= entry.sizeBytes;
  }
}
