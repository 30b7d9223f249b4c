/**
 * Gets cached blocks: from memory, from the object store, out of a materialised file, or computed once by
 * whoever computes blocks. Blocks that are known to be empty, or that could not be computed, are no work.
 */
import { OpenEOError } from '../errors.ts';
import type { EmbedRequest, Onto } from '../graph/scope.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { Log } from '../log.ts';
import type { RuntimeChoice } from '../operators/runtime-choice.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { noCatalog, poisonError, type BlockCatalog, type CacheRow, type FilePointer } from './block-catalog.ts';
import { decodeSmallFile, type StoredBlock } from './block-file.ts';
import { BlockMemory } from './block-memory.ts';
import { blockKey, isEmbedSource, labelsAt, shapeOf, windowOf, type BlockSource } from './block-source.ts';
import type { EmbedSource, Position, StageSeconds } from './compute-block.ts';
import { blockObjectKey, embedBlock, emptyEmbedBlock, readStored, type EmbedBlock } from './embed-block.ts';
import type { BlockIndex } from './patch-lattice.ts';

export { blockKey } from './block-source.ts';

/** A block to compute, in words that another process understands. Travels on the embed queue. */
export interface BlockTask {
  /** Content key; also the task id. */
  readonly key: string;
  /** The graph that makes the source cube. */
  readonly origin: ProcessGraph;
  /** The pixels that it is put on first, if not its own. */
  readonly onto?: Onto;
  /** Pinned operator reference, 'pca@sha256:…'; null: the samples of the cube as they are. */
  readonly operator: string | null;
  readonly block: BlockIndex;
  /** Dimension name → label, for dimensions other than x, y and bands. */
  readonly position: Readonly<Record<string, string | number>>;
  /** The layer that it is computed for, if any. */
  readonly layer?: string | null;
  /** Whose files the origin loads; absent: it loads none. */
  readonly filesOf?: string;
  /** How the job that asked first wants the operator run. In no key: whoever asks next gets the same vectors. */
  readonly run?: RuntimeChoice;
}

/** How the blocks of a run were come by; ends up in the job log and in the response header. */
export interface BlockFacts {
  cached: number;
  computed: number;
  /** What the workers that computed them have told: processor seconds, and source samples. */
  blockCpuSeconds?: number;
  blockSamples?: number;
}

/** Adds what a computed block took to the facts that count it. */
export function charge(facts: BlockFacts, { blockCpuSeconds = 0, blockSamples = 0 }: Pick<BlockFacts, 'blockCpuSeconds' | 'blockSamples'>): void {
  if (facts.blockCpuSeconds !== undefined) facts.blockCpuSeconds += blockCpuSeconds;
  if (facts.blockSamples !== undefined) facts.blockSamples += blockSamples;
}

/** On whose behalf a block is asked for. */
export interface BlockWish {
  /** Whose request it is, so that nobody's requests push out those of others; null for the service itself. */
  readonly user: string | null;
  /** The layer that was loaded; null for compress_embed in a graph of the user. */
  readonly layer: string | null;
  /** Counts how blocks were come by. */
  readonly facts: BlockFacts;
  /** How operators are run for it; absent: as their references say. */
  readonly run?: RuntimeChoice;
  readonly signal: AbortSignal;
  /** Tells whoever asked what he should know of how a block was computed; may be called with the same words again. */
  readonly warn?: (message: string) => void;
  /** Told of each block that has come, however it was come by. */
  readonly onBlock?: (block: WantedBlock) => void;
  /** Told when a block was computed. */
  readonly onComputed?: (outcome: BlockOutcome) => void;
  /** Takes note of blocks that can't be computed, so that the others are; absent: the first one ends the reading. */
  readonly failures?: BlockFailures;
}

/** What becomes of blocks that can't be computed. */
export interface BlockFailures {
  /** Failures that were noted in the catalog before are no reason not to try again; milliseconds since 1970. */
  readonly since: number;
  /** The block counts as no-data from here on. Throws when the run should end: also the given error, if it says nothing about the block. */
  note(block: WantedBlock, wish: Pick<BlockWish, 'layer'>, error: unknown): void;
}

/** What became of a task. */
export interface BlockOutcome {
  /** false: the block was already there when the task began (a retry, or a race that another worker won). */
  readonly computed: boolean;
  /** The block has no valid sample: there is no object. */
  readonly isEmpty?: boolean;
  /** Processor time and source samples that it took. */
  readonly cpuSeconds?: number;
  readonly samples?: number;
  /** Seconds that its stages took. */
  readonly stages?: StageSeconds;
  /** For the log of the run that wanted the block. */
  readonly warnings?: readonly string[];
}

/**
 * Has a block computed and stored; resolves when it is there, or is known to be empty. Concurrent requests
 * for one key compute it once.
 */
export type BlockComputer = (task: BlockTask, source: BlockSource, position: Position, wish: BlockWish & Elsewhere) => Promise<BlockOutcome | undefined | void>;

export interface Elsewhere {
  /** Whether a block without an object can be had all the same: it was moved into a file while it was waited for. Absent: it can't. */
  readonly isElsewhere?: () => Promise<boolean>;
}

export interface EmbedBlocksOptions {
  readonly store: ObjectStore;
  readonly compute: BlockComputer;
  /** Bytes of decoded blocks kept in memory. */
  readonly memoryBytes?: number;
  /** Remembers what the object store can't tell; absent: nothing does. */
  readonly catalog?: BlockCatalog;
  /** Reads a block out of a materialised file; null when the file is gone or not what it was. */
  readonly fromFile?: (pointer: FilePointer, shape: readonly number[]) => Promise<StoredBlock | null>;
  readonly log?: Log;
}

/** How the source cube of a block is made. */
export type BlockOrigin = Pick<EmbedRequest, 'origin' | 'onto'>;

/** A block that somebody wants. */
export interface WantedBlock {
  readonly source: BlockSource;
  readonly made: BlockOrigin;
  readonly index: BlockIndex;
  readonly position: Position;
}

/** A block that a run is having computed. */
interface UnderWay {
  readonly block: Promise<StoredBlock | null>;
  /** Of the run that began. */
  readonly signal: AbortSignal;
}

/** Blocks read or computed at the same time by one read: keeps the workers busy, bounds what waits in memory. */
const PARALLEL_BLOCKS = 8;

/** A block may be evicted between its computation and its reading: then it is computed again, so often. */
const MAX_ROUNDS = 3;

export class EmbedBlocks {
  readonly #options: EmbedBlocksOptions;
  readonly #store: ObjectStore;
  readonly #catalog: BlockCatalog;
  readonly #memory: BlockMemory;
  readonly #underWay = new Map<string, UnderWay>();

  constructor(options: EmbedBlocksOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#catalog = options.catalog ?? noCatalog;
    this.#memory = new BlockMemory(options.memoryBytes ?? 128 * 2 ** 20);
  }

  /** One block of embeddings, float32 whatever view the caller wants of it. Throws what `read` throws. */
  async get(source: EmbedSource, made: BlockOrigin, index: BlockIndex, position: Position, wish: BlockWish): Promise<EmbedBlock> {
    let found: EmbedBlock | null = null;
    await this.read([{ source, made, index, position }], wish, (block) => (found = block && ownCopy(embedBlock(block))));
    const [dimensions, edge] = shapeOf(source, position, index) as [number, number];
    return found ?? emptyEmbedBlock(dimensions, edge);
  }

  /**
   * Hands each block to `take` as soon as it is there, in any order; null for a block without a valid sample.
   * The samples are good until `take` returns: their memory may be used again.
   * What is missing is looked up in the catalog with one query. Throws Internal, naming the place, the layer
   * and the reason, for a block that could not be computed a short time ago.
   */
  async read<W extends WantedBlock>(wanted: readonly W[], wish: BlockWish, take: (block: StoredBlock | null, of: W) => void): Promise<void> {
    const put = (block: StoredBlock | null, of: W) => {
      take(block, of);
      wish.onBlock?.(of);
    };
    const missing: { readonly want: W; readonly key: string }[] = [];
    await inLanes(wanted, wish.signal, async (want) => {
      // No file touches the window: not worth a key, let alone a task.
      if (want.source.cube.isEmpty?.(windowOf(want.source, want.position, want.index))) return put(null, want);
      const key = await orNoted(want, wish, () => blockKey(want.source, want.position, want.index));
      if (key === null) return put(null, want);
      const known = this.#glance(key) ?? (await this.#known(key));
      if (known === undefined) missing.push({ want, key });
      else {
        wish.facts.cached++;
        put(known, want);
      }
    });
    if (missing.length === 0) return;
    const rows = await this.#catalog.find(missing.map(({ key }) => blockObjectKey(key)));
    await inLanes(missing, wish.signal, async ({ want, key }) => {
      put(await orNoted(want, wish, () => this.#recall(key, rows.get(blockObjectKey(key)), want, wish)), want);
    });
  }

  /**
   * A block on a local disk that nobody has asked for yet, in memory that is used again: making room for blocks
   * that are read once takes longer than reading them. undefined when there is none, or it may be damaged.
   */
  #glance(key: string): StoredBlock | undefined {
    if (!this.#store.glance || this.#memory.isWanted(key)) return undefined;
    const bytes = this.#store.glance(blockObjectKey(key));
    const block = bytes && decodeSmallFile(bytes);
    if (block) this.#catalog.touch(blockObjectKey(key));
    return block ?? undefined;
  }

  /** From memory or the object store; undefined when it is in neither. */
  async #known(key: string): Promise<StoredBlock | null | undefined> {
    const remembered = this.#memory.get(key);
    const block = remembered === undefined ? await this.#stored(key) : remembered;
    if (block === undefined) return undefined;
    this.#memory.put(key, block);
    this.#catalog.touch(blockObjectKey(key));
    return block;
  }

  /** A damaged object is removed, so that nobody takes it for the block. */
  async #stored(key: string): Promise<StoredBlock | undefined> {
    const stored = await readStored(this.#store, key);
    if (stored !== 'damaged') return stored ?? undefined;
    this.#options.log?.warning('A cached block is damaged; it is computed again.', { data: { key } });
    await this.#store.delete(blockObjectKey(key));
    return undefined;
  }

  /** What the catalog knows of a block that is in neither memory nor store; else it is computed. */
  async #recall(key: string, row: CacheRow | undefined, want: WantedBlock, wish: BlockWish): Promise<StoredBlock | null> {
    const known = row && (await this.#catalogued(row, want, wish.failures?.since));
    if (known === undefined) {
      wish.facts.computed++;
      return this.#once(key, wish.signal, () => this.#computed(key, want, wish));
    }
    wish.facts.cached++;
    this.#memory.put(key, known);
    this.#catalog.touch(blockObjectKey(key));
    return known;
  }

  /** `since`: earlier failures don't count. */
  async #catalogued(row: CacheRow, { source, position, index }: WantedBlock, since = 0): Promise<StoredBlock | null | undefined> {
    if (row.state === 'empty') return null;
    if (row.state === 'failed' && row.retry !== null && row.retry.getTime() > Date.now() && (row.failed?.getTime() ?? 0) >= since) throw poisonError(row);
    if (row.state !== 'filed' || row.pointer === null) return undefined;
    return (await this.#options.fromFile?.(row.pointer, shapeOf(source, position, index))) ?? undefined;
  }

  async #computed(key: string, { source, made, index, position }: WantedBlock, wish: BlockWish): Promise<StoredBlock | null> {
    const task: BlockTask = {
      key, origin: made.origin, ...(made.onto && { onto: made.onto }), operator: isEmbedSource(source) ? source.operator.reference : null,
      block: index, position: labelsAt(source, position), layer: wish.layer, ...(wish.user !== null && loadsFiles(made.origin) && { filesOf: wish.user }),
      ...(wish.run && isEmbedSource(source) && { run: wish.run }),
    };
    const wanted = { source, made, index, position };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      let filed: StoredBlock | null | undefined;
      const isElsewhere = async () => {
        const row = (await this.#catalog.find([blockObjectKey(key)])).get(blockObjectKey(key));
        filed = row && (await this.#catalogued(row, wanted));
        return filed !== undefined;
      };
      const outcome = await this.#options.compute(task, source, position, { ...wish, isElsewhere });
      if (outcome?.computed) wish.onComputed?.(outcome);
      if (outcome?.computed) charge(wish.facts, { blockCpuSeconds: outcome.cpuSeconds ?? 0, blockSamples: outcome.samples ?? 0 });
      for (const warning of outcome?.warnings ?? []) wish.warn?.(warning);
      let block = outcome?.isEmpty ? null : filed ?? (await this.#stored(key));
      if (block === undefined && (await isElsewhere())) block = filed;
      if (block === undefined) continue;
      this.#memory.put(key, block);
      return block;
    }
    throw new OpenEOError('StorageFailure', {}, { detail: `Block ${key} was computed ${MAX_ROUNDS} times and could not be read afterwards.` });
  }

  /** Runs of this process share the work for a block. */
  async #once(key: string, signal: AbortSignal, make: () => Promise<StoredBlock | null>): Promise<StoredBlock | null> {
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

/** Work for a block; what fails there is an error, or null where somebody takes note of it. */
async function orNoted<T>(want: WantedBlock, wish: BlockWish, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!wish.failures || wish.signal.aborted) throw error;
    wish.failures.note(want, wish, error);
    return null;
  }
}

/** Paths of files say nothing of their owner; whoever computes the block must know him. */
function loadsFiles(origin: ProcessGraph): boolean {
  return Object.values(origin).some(({ process_id: id }) => id === 'load_uploaded_files');
}

function ownCopy(block: EmbedBlock | null): EmbedBlock | null {
  return block && { ...block, vectors: block.vectors.slice(), nulls: block.nulls.slice() };
}

/** Works through a list in order, several at a time; stops at the first error. */
async function inLanes<T>(list: readonly T[], signal: AbortSignal, work: (each: T) => Promise<void>): Promise<void> {
  let next = 0;
  let isBroken = false;
  const lane = async () => {
    while (next < list.length && !isBroken) {
      signal.throwIfAborted();
      await work(list[next++]!);
    }
  };
  const guarded = () => lane().catch((error: unknown) => {
    isBroken = true;
    throw error;
  });
  await Promise.all(Array.from({ length: Math.min(PARALLEL_BLOCKS, list.length) }, guarded));
}
