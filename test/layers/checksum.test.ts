import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checksum } from '../../src/layers/checksum.ts';

const PRIME = 0x9e3779b1;
const rotated = (value: number) => value << 13 | value >>> 19;

/** The same, word by word. */
function byHand(bytes: Uint8Array): number {
  const padded = new Uint8Array(Math.ceil(bytes.length / 64) * 64);
  padded.set(bytes);
  const lanes = Int32Array.from({ length: 16 }, (_, i) => Math.imul(i + 1, PRIME));
  new Int32Array(padded.buffer).forEach((word, i) => (lanes[i % 16] = rotated(Math.imul(lanes[i % 16]! ^ word, PRIME))));
  const mixed = (sum: number, lane: number) => {
    const first = Math.imul(rotated(sum) ^ lane, 0x85ebca6b);
    const second = Math.imul(first ^ first >>> 13, 0xc2b2ae35);
    return second ^ second >>> 16;
  };
  return lanes.reduce(mixed, mixed(bytes.length, PRIME)) >>> 0;
}

const noise = (length: number) => Uint8Array.from({ length }, (_, i) => Math.imul(i + 7, 2654435761) >>> 21);

it('is what its description says, whatever the length', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => checksum(bytes) === byHand(bytes)));
  for (const length of [2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1, 600_000]) expect(checksum(noise(length))).toBe(byHand(noise(length)));
});

it('is the same for one run of bytes and for several', () => {
  const bytes = noise(1000);
  expect(checksum(bytes.subarray(0, 64), bytes.subarray(64, 640), bytes.subarray(640))).toBe(checksum(bytes));
});

it('tells every flipped bit, two of a kind, words in another order, a lost page and a lost end', () => {
  const bytes = noise(4096 + 333);
  const right = checksum(bytes);
  const changed = (change: (copy: Uint8Array) => void) => {
    const copy = bytes.slice();
    change(copy);
    return checksum(copy);
  };
  for (let bit = 0; bit < bytes.length * 8; bit += 13) expect(changed((copy) => { copy[bit >> 3]! ^= 1 << (bit & 7); })).not.toBe(right);
  // The highest bits of two words in one lane: multiplication alone would let them cancel.
  expect(changed((copy) => { copy[3]! ^= 0x80; copy[67]! ^= 0x80; })).not.toBe(right);
  expect(changed((copy) => { copy.copyWithin(0, 64, 128); copy.set(bytes.subarray(0, 64), 64); })).not.toBe(right);
  expect(changed((copy) => { copy.fill(0, 1024, 2048); })).not.toBe(right);
  for (const cut of [1, 32, 333, 1000]) expect(checksum(bytes.subarray(0, bytes.length - cut))).not.toBe(right);
  // Zeros at the end are padding like any other but for the length.
  expect(checksum(new Uint8Array(64))).not.toBe(checksum(new Uint8Array(128)));
});
