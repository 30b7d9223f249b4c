/**
 * Decoded blocks in memory. A block that is being decoded is decoded once, and one that was asked for once stays
 * only for a while: who reads through a large area takes no more than a share of the memory, and pushes out nothing
 * that others read again and again. (The scheme is 2Q: Johnson and Shasha, VLDB 1994.)
 */
import type { Samples } from '../../cube/dtype.ts';

interface Entry {
  readonly block: Promise<Samples>;
  /** 0 while it is being decoded. */
  sizeBytes: number;
}

/** Share of the memory for blocks that nobody has asked for again. */
const FRESH_SHARE = 1 / 16;
/** Keys that are remembered after their blocks have gone: when they come again, they stay. */
const MAX_REMEMBERED = 16_384;

export class BlockCache {
  readonly #limitBytes: number;
  /** Asked for once, the oldest first. */
  readonly #fresh = new Group();
  /** Asked for again, the least recently used first. */
  readonly #kept = new Group();
  readonly #remembered = new Set<string>();
  /** Blocks served without decoding, and blocks decoded, since the start. */
  hits = 0;
  misses = 0;

  /** With a limit of 0 nothing is kept, but concurrent requests still share the work. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#fresh.sizeBytes + this.#kept.sizeBytes;
  }

  /** The block of a key, if it is there or being decoded. Must not be changed by the caller. */
  get(key: string): Promise<Samples> | undefined {
    const entry = this.#fresh.take(key) ?? this.#kept.take(key);
    if (!entry) return undefined;
    this.hits++;
    this.#kept.add(key, entry);
    return entry.block;
  }

  /** Remembers a block that is being decoded. A failed one is forgotten, so the next request tries again. */
  set(key: string, block: Promise<Samples>): void {
    this.misses++;
    const entry: Entry = { block, sizeBytes: 0 };
    (this.#remembered.delete(key) ? this.#kept : this.#fresh).add(key, entry);
    const groupOf = () => [this.#fresh, this.#kept].find((group) => group.has(key, entry));
    block.then(
      (samples) => {
        groupOf()?.grow(entry, samples.byteLength);
        this.#makeRoom();
      },
      () => void groupOf()?.take(key),
    );
  }

  #makeRoom(): void {
    this.#fresh.shrink(this.#limitBytes * FRESH_SHARE, (key) => this.#remember(key));
    this.#kept.shrink(this.#limitBytes - this.#fresh.sizeBytes);
  }

  #remember(key: string): void {
    this.#remembered.add(key);
    if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(this.#remembered.values().next().value!);
  }
}

/** Blocks in the order in which they leave. */
class Group {
  readonly #entries = new Map<string, Entry>();
  sizeBytes = 0;

  has(key: string, entry: Entry): boolean {
    return this.#entries.get(key) === entry;
  }

  add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.sizeBytes += entry.sizeBytes;
  }

  take(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.sizeBytes -= entry.sizeBytes;
    return entry;
  }

  /** Its block has been decoded. */
  grow(entry: Entry, sizeBytes: number): void {
    entry.sizeBytes = sizeBytes;
    this.sizeBytes += sizeBytes;
  }

  shrink(limitBytes: number, onLeave: (key: string) => void = () => {}): void {
    for (const [key, { sizeBytes }] of this.#entries) {
      if (this.sizeBytes <= limitBytes) return;
      if (sizeBytes === 0) continue;
      this.take(key);
      onLeave(key);
    }
  }
}
