/** A cube in windows of some blocks: for who wants all of it computed, and none of it in memory. */
import type { Window } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';

/** Blocks along the edge of what is read at once: bounds memory, keeps the embed workers busy. */
const BLOCKS_ACROSS = 4;
/** Cells along the edge of a block where the cube does not say. */
const USUAL_BLOCK = 256;

/** Windows of some blocks that cover a cube: all bands, and one position at a time on every other dimension. */
export function* windowsOf(cube: Cube): Generator<Window> {
  const edge = BLOCKS_ACROSS * (cube.attributes.blockSize ?? USUAL_BLOCK);
  const steps = cube.dimensions.map((d) => (d.type === 'bands' ? d.size : d.axis ? edge : 1));
  const start = cube.shape.map(() => 0);
  if (cube.shape.includes(0)) return;
  for (;;) {
    yield { start: [...start], size: start.map((from, i) => Math.min(steps[i]!, cube.shape[i]! - from)) };
    let axis = start.length - 1;
    for (; axis >= 0; axis--) {
      start[axis]! += steps[axis]!;
      if (start[axis]! < cube.shape[axis]!) break;
      start[axis] = 0;
    }
    if (axis < 0) return;
  }
}
