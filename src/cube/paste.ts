/** Copying between blocks: row by row with typed-array moves, no-data flags included. */
import { createBlock, createNullBlock, product, strides, type Block, type Window } from './block.ts';
import { commonWindow, isEmptyWindow, isSameWindow } from './window.ts';

/**
 * Copies the common part of two windows from `source` to `target`. Both blocks are dense and row-major,
 * and their windows count cells in the same cube. Samples are converted when the types differ. A target
 * without flags gets them when the source has no-data.
 */
export function pasteBlock(target: Block, targetWindow: Window, source: Block, sourceWindow: Window): void {
  const common = commonWindow(targetWindow, sourceWindow);
  if (isEmptyWindow(common)) return;
  const flags = flagsFor(target, source);
  eachRun(common, targetWindow, sourceWindow, (to, from, length) => {
    target.data.set(source.data.subarray(from, from + length), to);
    if (!flags) return;
    if (source.nulls) flags.set(source.nulls.subarray(from, from + length), to);
    else flags.fill(0, to, to + length);
  });
}

/** The samples of `wanted` out of a block that covers `blockWindow`; no-data where the block does not reach. */
export function cropBlock(block: Block, blockWindow: Window, wanted: Window): Block {
  if (isSameWindow(blockWindow, wanted)) return block;
  const inside = isSameWindow(commonWindow(blockWindow, wanted), wanted);
  const out = inside ? createBlock(block.dtype, wanted.size) : createNullBlock(block.dtype, wanted.size);
  pasteBlock(out, wanted, block, blockWindow);
  return out;
}

/** The same block without flags when no sample is no-data, so that later loops can take the fast way. */
export function withoutIdleNulls(block: Block): Block {
  return block.nulls && !block.nulls.includes(1) ? { ...block, nulls: null } : block;
}

function flagsFor(target: Block, source: Block): Uint8Array | null {
  if (target.nulls || !source.nulls) return target.nulls;
  // The one place that fills in flags later: a block is created without them when nobody expects no-data.
  const open: { nulls: Uint8Array | null } = target;
  open.nulls = new Uint8Array(product(target.shape));
  return open.nulls;
}

type CopyRun = (targetOffset: number, sourceOffset: number, length: number) => void;

/** Visits the longest runs of cells that lie one after the other in both windows. */
function eachRun(common: Window, target: Window, source: Window, copy: CopyRun): void {
  const targetStrides = strides(target.size);
  const sourceStrides = strides(source.size);
  let runDimension = common.size.length - 1;
  while (runDimension > 0 && common.size[runDimension] === target.size[runDimension] && common.size[runDimension] === source.size[runDimension]) {
    runDimension--;
  }
  const runLength = product(common.size.slice(Math.max(0, runDimension)));
  const visit = (dimension: number, to: number, from: number) => {
    const toStart = to + ((common.start[dimension] ?? 0) - (target.start[dimension] ?? 0)) * (targetStrides[dimension] ?? 1);
    const fromStart = from + ((common.start[dimension] ?? 0) - (source.start[dimension] ?? 0)) * (sourceStrides[dimension] ?? 1);
    if (dimension >= runDimension) {
      copy(toStart, fromStart, runLength);
      return;
    }
    for (let i = 0; i < common.size[dimension]!; i++) {
      visit(dimension + 1, toStart + i * targetStrides[dimension]!, fromStart + i * sourceStrides[dimension]!);
    }
  };
  visit(0, 0, 0);
}
