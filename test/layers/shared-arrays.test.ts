import { expect, it } from 'vitest';
import { SharedArrays } from '../../src/layers/shared-arrays.ts';

it('lends shared memory, and the same again when it was given back', () => {
  const arrays = new SharedArrays(1024);
  const first = arrays.take(10);
  expect(first.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(arrays.take(10)).not.toBe(first);
  arrays.giveBack(first);
  expect(arrays.take(11)).not.toBe(first);
  expect(arrays.take(10)).toBe(first);
});

it('keeps no more than its limit, and lets go of lengths that are out of use', () => {
  const arrays = new SharedArrays(100 * 4);
  const [old, a, b] = [arrays.take(60), arrays.take(50), arrays.take(50)];
  for (const array of [old, a, b]) arrays.giveBack(array);
  expect(new Set([arrays.take(50), arrays.take(50)])).toEqual(new Set([a, b]));
  expect(arrays.take(60)).not.toBe(old);
  const large = arrays.take(200);
  arrays.giveBack(large);
  expect(arrays.take(200)).not.toBe(large);
});
