import { expect, it } from 'vitest';
import { asBuffer, findByte } from '../../src/cube/find-byte.ts';

it('finds the first byte at or after a place, in a part of an array too', () => {
  const bytes = new Uint8Array([9, 0, 1, 0, 1, 0]);
  expect([findByte(bytes, 1), findByte(bytes, 1, 2), findByte(bytes, 1, 3), findByte(bytes, 1, 5), findByte(bytes, 7), findByte(bytes, 1, 6)]).toEqual([2, 2, 4, -1, -1, -1]);
  expect(findByte(bytes.subarray(3, 5), 1)).toBe(1);
  expect(findByte(bytes.subarray(3, 3), 0)).toBe(-1);
});

it('gives a view, not a copy', () => {
  const bytes = new Uint8Array(4);
  asBuffer(bytes.subarray(1))[0] = 5;
  expect(bytes[1]).toBe(5);
});
