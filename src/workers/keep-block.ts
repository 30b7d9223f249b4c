/** Computes a block, stores it and notes it in the list of what the cache holds. */
import { product } from '../cube/block.ts';
import { during, OpenEOError } from '../errors.ts';
import type { BlockCatalog, CacheEntry } from '../layers/block-catalog.ts';
import type { StoredBlock } from '../layers/block-file.ts';
import { blockKey, footprintOf, isEmbedSource, windowOf, type BlockSource } from '../layers/block-source.ts';
import { computeBlock, type Position, type StageSeconds } from '../layers/compute-block.ts';
import { blockObjectKey, storedBlock, writeStored } from '../layers/embed-block.ts';
import type { BlockOutcome, BlockTask } from '../layers/embed-blocks.ts';
import type { OperatorRuntime } from '../operators/operator.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface BlockKeeper {
  readonly store: ObjectStore;
  readonly runtime: OperatorRuntime;
  readonly catalog: BlockCatalog;
  /** What lies under the key is damaged: it is replaced. */
  readonly heal: boolean;
}

/** The pixels are not those that the task was made for. It is tried again, or made anew by who wants the block. */
export class SourceChanged extends OpenEOError<'Internal'> {
  constructor() {
    super('Internal', { message: 'the source data changed while the block was waiting to be computed' });
  }
}

/** Computes and stores a block. One without a valid sample is noted as empty and gets no object. */
export async function keepBlock({ store, runtime, catalog, heal }: BlockKeeper, task: BlockTask, source: BlockSource, position: Position, signal: AbortSignal): Promise<BlockOutcome> {
  const stages: StageSeconds = {};
  const block = await compute(source, position, task, runtime, signal, stages);
  // Pixels that were replaced while they were read must not be kept under the key of the old ones.
  if ((await blockKey(source, position, task.block)) !== task.key) throw new SourceChanged();
  const entry = taskEntry(task, source);
  const samples = product(windowOf(source, position, task.block).size);
  if (block.nulls !== null && !block.nulls.includes(0)) {
    if (heal) await store.delete(entry.objectKey);
    catalog.note({ ...entry, state: 'empty' });
    return { computed: true, isEmpty: true, samples, stages };
  }
  const bytes = await writeStored(store, task.key, block, { heal });
  catalog.note({ ...entry, state: 'stored', bytes });
  return { computed: true, samples, stages };
}

async function compute(source: BlockSource, position: Position, task: BlockTask, runtime: OperatorRuntime, signal: AbortSignal, stages: StageSeconds): Promise<StoredBlock> {
  if (isEmbedSource(source)) return storedBlock(await computeBlock(source, position, task.block, runtime, signal, stages));
  const began = performance.now();
  const block = await during('read', () => source.cube.read(windowOf(source, position, task.block), signal));
  stages.read = (performance.now() - began) / 1000;
  return block;
}

/** What a task says of its block; the place only when its source could be opened. */
export function taskEntry(task: BlockTask, source: BlockSource | undefined): Omit<CacheEntry, 'state'> {
  const time = source?.cube.find('temporal')?.name;
  return {
    objectKey: blockObjectKey(task.key), kind: 'block', blockKey: task.key, layer: task.layer ?? null, operator: task.operator,
    footprint: source ? footprintOf(source, task.block) : null,
    label: time === undefined || task.position[time] === undefined ? null : String(task.position[time]),
  };
}
