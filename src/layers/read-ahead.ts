/**
 * Blocks for runs that read a whole cube, window by window: while the last blocks of a window are computed, the
 * first ones of the next are asked for, so that the workers have something to do between two windows.
 */
import { isEmbedSource, type BlockSource } from './block-source.ts';
import type { EmbedSource } from './compute-block.ts';
import { charge, EmbedBlocks, type BlockFacts, type BlockWish, type WantedBlock } from './embed-blocks.ts';
import type { StoredBlock } from './block-file.ts';
import { BLOCK_PATCHES } from './patch-lattice.ts';
import { Scan } from './scan.ts';

/** Blocks asked for before their window is: as many as one read has under way. A wrong guess costs no more than that. */
const AHEAD = 8;

/** What was asked for ahead of the next read. */
interface Ahead {
  readonly facts: BlockFacts;
  readonly names: ReadonlySet<string>;
  /** Settled when all have arrived, or can't; never rejects. */
  readonly done: Promise<void>;
}

interface Progress {
  readonly scan: Scan;
  ahead: Ahead | null;
}

type Put<W> = (block: StoredBlock | null, of: W) => void;

/** EmbedBlocks that guesses the next window from the order of those before it. Counts a block that it had computed as computed, once. */
export class ReadingAheadBlocks extends EmbedBlocks {
  readonly #progress = new WeakMap<BlockSource, Progress>();

  override async read<W extends WantedBlock>(wanted: readonly W[], wish: BlockWish, put: Put<W>): Promise<void> {
    const [first] = wanted;
    if (!first || !isEmbedSource(first.source)) return super.read(wanted, wish, put);
    const progress = this.#of(first.source);
    const { ahead } = progress;
    progress.ahead = null;
    const coming = comingBlocks(first.source, wanted, progress.scan);
    let left = wanted.length;
    const ask = () => {
      if (coming.length > 0) progress.ahead = this.#ask(coming, wish);
    };
    const reading = this.#readBoth(wanted, ahead, wish, (block, of) => {
      put(block, of);
      if (--left === AHEAD) ask();
    });
    // All blocks of a small window are under way at once.
    if (wanted.length <= AHEAD) ask();
    return reading;
  }

  #of(source: EmbedSource): Progress {
    const known = this.#progress.get(source);
    if (known) return known;
    const made: Progress = { scan: new Scan(lastBlock(source)), ahead: null };
    this.#progress.set(source, made);
    return made;
  }

  /** Errors are those of the read that wants the block; a canceled run wants none. */
  #ask(coming: readonly WantedBlock[], wish: BlockWish): Ahead {
    const facts = { cached: 0, computed: 0, blockCpuSeconds: 0, blockSamples: 0 };
    // What can't be computed is found again, and noted, when its window is read.
    const { failures: _, onBlock: __, ...own } = wish;
    const done = super.read(coming, { ...own, facts }, () => {}).catch(() => {});
    return { facts, names: new Set(coming.map(nameOf)), done };
  }

  /** Those asked for ahead are counted as they were come by then; reading finds them in the cache or under way. */
  async #readBoth<W extends WantedBlock>(wanted: readonly W[], ahead: Ahead | null, wish: BlockWish, put: Put<W>): Promise<void> {
    if (!ahead) return super.read(wanted, wish, put);
    const isAhead = (want: W) => ahead.names.has(nameOf(want));
    const facts = { cached: 0, computed: 0, blockCpuSeconds: 0, blockSamples: 0 };
    await Promise.all([
      super.read(wanted.filter(isAhead), { ...wish, facts }, put),
      super.read(wanted.filter((want) => !isAhead(want)), wish, put),
    ]);
    await ahead.done;
    charge(wish.facts, facts);
    const found = facts.cached + facts.computed;
    charge(wish.facts, ahead.facts);
    wish.facts.computed += ahead.facts.computed;
    wish.facts.cached += Math.max(0, found - ahead.facts.computed);
  }
}

function nameOf({ index, position }: WantedBlock): string {
  return JSON.stringify([index.x, index.y, position]);
}

function lastBlock({ lattice: { grid, first } }: EmbedSource): { x: number; y: number } {
  return { x: Math.floor((grid.width - 1 + first.x) / BLOCK_PATCHES), y: Math.floor((grid.height - 1 + first.y) / BLOCK_PATCHES) };
}

/** The first blocks of the window that seems to come next, without those beyond the cube and those of this window. */
function comingBlocks(source: EmbedSource, wanted: readonly WantedBlock[], scan: Scan): WantedBlock[] {
  const start = { x: Math.min(...wanted.map(({ index }) => index.x)), y: Math.min(...wanted.map(({ index }) => index.y)) };
  const next = scan.next(start);
  if (!next) return [];
  const end = lastBlock(source);
  const here = new Set(wanted.map(nameOf));
  const moved = wanted.map((want) => ({ ...want, index: { x: want.index.x + next.x - start.x, y: want.index.y + next.y - start.y } }));
  return moved.filter((want) => want.index.x <= end.x && want.index.y <= end.y && !here.has(nameOf(want))).slice(0, AHEAD);
}
