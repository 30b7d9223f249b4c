import { expect, it } from 'vitest';
import { withMinusValues } from '../../src/commands/minus-values.ts';

it.each([
  [['A', '--bbox', '-5,50,6,51', '--all'], ['A', '--bbox=-5,50,6,51', '--all']],
  [['--bbox=-5,50,6,51', 'B'], ['--bbox=-5,50,6,51', 'B']],
  [['--bbox', '5,50,6,51'], ['--bbox', '5,50,6,51']],
  [['--all', '--bbox', '-.5,1,2,3'], ['--all', '--bbox=-.5,1,2,3']],
  [['-5', 'A'], ['-5', 'A']],
  [[], []],
])('%j are read as %j', (words, read) => {
  expect(withMinusValues(words)).toEqual(read);
});
