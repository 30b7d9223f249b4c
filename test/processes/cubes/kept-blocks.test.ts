import { expect, it } from 'vitest';
import { createBlock } from '../../../src/cube/block.ts';
import { KeptBlocks } from '../../../src/processes/cubes/kept-blocks.ts';

it('lets go what was used longest ago, and never keeps more than it may', () => {
  const kept = new KeptBlocks(100);
  const block = (size: number) => createBlock('uint8', [size]);
  kept.keep('a', block(40));
  kept.keep('b', block(40));
  kept.get('a');
  kept.keep('c', block(40));
  expect(['a', 'b', 'c'].filter((key) => kept.get(key))).toEqual(['a', 'c']);
  kept.keep('huge', block(101));
  expect(kept.get('huge')).toBeUndefined();
  kept.keep('all', block(100));
  expect(['a', 'c', 'all'].filter((key) => kept.get(key))).toEqual(['all']);
});
