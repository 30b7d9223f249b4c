/** Gets blocks of embeddings: from memory, from the object store, or computed once by whoever computes blocks. */
import { createHash } from 'node:crypto';
import type { EmbedRequest, Onto } from '../graph/scope.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { sourceWindowOf, type EmbedSource, type Position } from './compute-block.ts';
import { readBlock, type EmbedBlock } from './embed-block.ts';
import type { BlockIndex } from './patch-lattice.ts';

/** A block to compute, in words that another process understands. Travels on the embed queue. */
export interface BlockTask {
  /** Content key; also the task id. */
  readonly key: string;
  /** The graph that makes the source cube. */
  readonly origin: ProcessGraph;
  /** The pixels that it is put on first, if not its own. */
  readonly onto?: Onto;
  /** Pinned operator reference, 'pca@sha256:…'. */
  readonly operator: string;
  readonly block: BlockIndex;
  /** Dimension name → label, for dimensions other than x, y and bands. */
  readonly position: Readonly<Record<string, string | number>>;
}

/** How the blocks of a run were come by; ends up in the job log and in the response header. */
export interface BlockFacts {
  cached: number;
  computed: number;
}

/** On whose behalf a block is asked for. */
export interface BlockWish {
  /** Whose request it is, so that nobody's requests push out those of others; null for the service itself. */
  readonly user: string | null;
  /** The layer that was loaded; null for compress_embed in a graph of the user. */
  readonly layer: string | null;
  /** Counts how blocks were come by. */
  readonly facts: BlockFacts;
  readonly signal: AbortSignal;
}

/** Has a block computed and stored; resolves when it is there. Concurrent requests for one key compute it once. */
export type BlockComputer = (task: BlockTask, source: EmbedSource, position: Position, wish: BlockWish) => Promise<void>;

export interface EmbedBlocksOptions {
  readonly store: ObjectStore;
  readonly compute: BlockComputer;
  /** Bytes of decoded blocks kept in memory. */
  readonly memoryBytes?: number;
}

/** A block that a run is having computed. */
interface UnderWay {
  readonly block: Promise<EmbedBlock>;
  /** Of the run that began. */
  readonly signal: AbortSignal;
}

export class EmbedBlocks {
  readonly #store: ObjectStore;
  readonly #compute: BlockComputer;
  readonly #memory: BlockMemory;
  readonly #underWay = new Map<string, UnderWay>();

  constructor(options: EmbedBlocksOptions) {
    this.#store = options.store;
    this.#compute = options.compute;
    this.#memory = new BlockMemory(options.memoryBytes ?? 128 * 2 ** 20);
  }

  /** The block, float32 whatever view the caller wants of it. */
  async get(source: EmbedSource, made: Pick<EmbedRequest, 'origin' | 'onto'>, index: BlockIndex, position: Position, wish: BlockWish): Promise<EmbedBlock> {
    const key = await blockKey(source, position, index);
    const known = this.#memory.get(key) ?? (await readBlock(this.#store, key));
    if (known) {
      wish.facts.cached++;
      this.#memory.put(key, known);
      return known;
    }
    wish.facts.computed++;
    const task: BlockTask = { key, origin: made.origin, ...(made.onto && { onto: made.onto }), operator: source.operator.reference, block: index, position: labelsAt(source, position) };
    return this.#once(key, wish.signal, async () => {
      await this.#compute(task, source, position, wish);
      const block = await readBlock(this.#store, key);
      if (!block) throw new Error(`block ${key} was computed but is not in the store`);
      this.#memory.put(key, block);
      return block;
    });
  }

  /** Runs of this process share the work for a block. */
  async #once(key: string, signal: AbortSignal, make: () => Promise<EmbedBlock>): Promise<EmbedBlock> {
    for (;;) {
      const other = this.#underWay.get(key);
      if (!other) break;
      try {
        return await other.block;
      } catch (error) {
        // Who began was canceled. We were not: we begin anew.
        if (!other.signal.aborted || signal.aborted) throw error;
      }
    }
    const block = make().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, { block, signal });
    return block;
  }
}

/**
 * Content key of a block: operator (manifest and model), input bands, patch geometry and the
 * fingerprint of the pixels it depends on. Nothing about who asks, and nothing about the view.
 */
export async function blockKey(source: EmbedSource, position: Position, index: BlockIndex): Promise<string> {
  const window = sourceWindowOf(source, position, index);
  const pixels = await source.cube.fingerprint(window);
  const lowest = Math.min(...source.bands);
  const bands = source.bands.map((b) => b - lowest);
  return createHash('sha256').update(JSON.stringify(['embed-block/1', source.operator.digest, bands, index, pixels])).digest('hex');
}

function labelsAt(source: EmbedSource, position: Position): Record<string, string | number> {
  return Object.fromEntries(Object.entries(position).map(([name, index]) => [name, source.cube.labels(name)[index]!]));
}

/** Least-recently-used decoded blocks, bounded in bytes. */
class BlockMemory {
  readonly #blocks = new Map<string, EmbedBlock>();
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): EmbedBlock | undefined {
    const block = this.#blocks.get(key);
    if (block) {
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
    }
    return block;
  }

  put(key: string, block: EmbedBlock): void {
    if (this.#blocks.has(key)) return;
    this.#blocks.set(key, block);
    this.#used += block.vectors.byteLength;
    for (const [oldest, old] of this.#blocks) {
      if (this.#used <= this.#limit) break;
      this.#blocks.delete(oldest);
      this.#used -= old.vectors.byteLength;
    }
  }
}
