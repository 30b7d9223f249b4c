/**
 * A checksum that is as fast as memory: blocks are checked at every reading, and CRC-32 took a fifth of it.
 *
 * Sixteen 32-bit lanes, each over every sixteenth word: lane ← rotl((lane xor word) · P, 13). Every step is
 * reversible, so a change in one word always shows; others are missed once in 2³². It finds accidents of disks
 * and networks, and is no protection against forgers. Words after the end count as zero; the length is part.
 */
import { encodeModule, signed, unsigned } from '../graph/wasm/binary.ts';
import { Scratch } from '../graph/wasm/engine.ts';
import { plain, simd, types, type SimdOp } from '../graph/wasm/opcodes.ts';

/** The multiplier of FNV's successors: a prime with bits all over (xxHash's first). */
const PRIME = 0x9e3779b1;
const LANES = 16;
const STRIDE = LANES * 4;
/** Bytes that are looked at in one call; they stay in the second cache. */
const PIECE = 2 ** 18;
const PAGES = PIECE / 2 ** 16 + 1;

/** Lanes lie at the beginning of the memory, the bytes behind them. */
const [POSITION, FIRST, PRIMES] = [1, 2, 6];
const VECTORS = [0, 1, 2, 3] as const;

const op = (name: SimdOp, ...rest: readonly number[]) => [0xfd, ...unsigned(simd[name]), ...rest];
const get = (local: number) => [plain['local.get'], ...unsigned(local)];
const set = (local: number) => [plain['local.set'], ...unsigned(local)];
const integer = (value: number) => [plain['i32.const'], ...signed(value)];
const at = (offset: number) => [0, ...unsigned(offset)];

const step = (k: number) => [
  ...get(FIRST + k), ...get(POSITION), ...op('v128.load', ...at(STRIDE + 16 * k)), ...op('v128.xor'), ...get(PRIMES), ...op('i32x4.mul'), ...set(FIRST + k),
  ...get(FIRST + k), ...integer(13), ...op('i32x4.shl'), ...get(FIRST + k), ...integer(19), ...op('i32x4.shr_u'), ...op('v128.or'), ...set(FIRST + k),
];

/** `run(n)`: takes n bytes, a multiple of the stride, into the lanes. */
const module = encodeModule({
  locals: [[1, types.i32], [5, types.v128]],
  code: [
    ...op('v128.const', ...new Uint8Array(Uint32Array.of(PRIME, PRIME, PRIME, PRIME).buffer)), ...set(PRIMES),
    ...VECTORS.flatMap((k) => [...integer(0), ...op('v128.load', ...at(16 * k)), ...set(FIRST + k)]),
    plain.loop, types.none,
    ...VECTORS.flatMap(step),
    ...get(POSITION), ...integer(STRIDE), plain['i32.add'], ...set(POSITION),
    ...get(POSITION), ...get(0), plain['i32.lt_u'], plain.br_if, 0, plain.end,
    ...VECTORS.flatMap((k) => [...integer(0), ...get(FIRST + k), ...op('v128.store', ...at(16 * k))]),
    ...integer(0), plain.end,
  ],
}, PAGES);

/** One memory per thread, made when first needed. */
let scratch: Scratch | null = null;

/** The checksum of some runs of bytes, one after the other; each run but the last must be a multiple of 64 bytes long. */
export function checksum(...runs: readonly Uint8Array[]): number {
  scratch ??= new Scratch(PAGES);
  const run = scratch.load(module);
  const lanes = new Int32Array(scratch.bytes.buffer, 0, LANES);
  lanes.forEach((_, i) => (lanes[i] = Math.imul(i + 1, PRIME)));
  let length = 0;
  for (const bytes of runs) {
    for (let from = 0; from < bytes.length; from += PIECE) take(scratch.bytes, bytes.subarray(from, from + PIECE), run);
    length += bytes.length;
  }
  return lanes.reduce((sum, lane) => mixed(sum, lane), mixed(length, PRIME)) >>> 0;
}

function take(memory: Uint8Array, piece: Uint8Array, run: (n: number) => number): void {
  const padded = Math.ceil(piece.length / STRIDE) * STRIDE;
  memory.set(piece, STRIDE);
  memory.fill(0, STRIDE + piece.length, STRIDE + padded);
  run(padded);
}

/** Every bit of both counts for every bit of the sum (the last steps of MurmurHash3). */
function mixed(sum: number, lane: number): number {
  let h = Math.imul((sum << 13 | sum >>> 19) ^ lane, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return h ^ h >>> 16;
}
