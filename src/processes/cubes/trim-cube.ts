/** trim_cube: drops labels with nothing but no-data. The one process that has to look at all pixels at once. */
import type { Block, Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { pickLabels } from '../../cube/view.ts';
import { splitWindow } from '../../cube/window.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf } from './arguments.ts';

/** Samples looked at in one step. */
const STEP = 1 << 22;

export const trimCube: Implementation = {
  async run(args, { scope }) {
    const cube = cubeOf(args, 'trim_cube');
    const used = await usedLabels(cube, scope.signal);
    return cube.dimensions.reduce((trimmed, { type }, i) => pickLabels(trimmed, i, keptLabels(used[i]!, type === 'spatial')), cube);
  },
};

/** For each dimension, 1 for the labels that have a valid sample. */
async function usedLabels(cube: Cube, signal: AbortSignal): Promise<Uint8Array[]> {
  const used = cube.shape.map((size) => new Uint8Array(size));
  for (const window of splitWindow(cube.fullWindow(), STEP)) {
    markUsed(await cube.read(window, signal), window, used);
  }
  return used;
}

function markUsed({ data, nulls, shape }: Block, window: Window, used: readonly Uint8Array[]): void {
  const at = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    if (!nulls?.[i]) at.forEach((position, d) => { used[d]![window.start[d]! + position] = 1; });
    for (let d = at.length - 1; d >= 0 && ++at[d]! === shape[d]; d--) at[d] = 0;
  }
}

/** Space is cut at its ends only, so that it stays regular; other labels may go anywhere. */
function keptLabels(used: Uint8Array, isSpatial: boolean): number[] {
  const indices = [...used].flatMap((flag, i) => (flag ? [i] : []));
  if (!isSpatial || indices.length === 0) return indices;
  const first = indices[0]!;
  return Array.from({ length: indices.at(-1)! - first + 1 }, (_, i) => first + i);
}
