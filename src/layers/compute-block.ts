/** Computes one block of embeddings out of a source cube: gather pixels with halo, mask, run the operator. */
import type { Block, Window } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { isFloat } from '../cube/dtype.ts';
import { asBuffer, findByte } from '../cube/find-byte.ts';
import { during } from '../errors.ts';
import type { Operator, OperatorRuntime } from '../operators/operator.ts';
import type { EmbedBlock } from './embed-block.ts';
import { blockPixels, BLOCK_PATCHES, type BlockIndex, type PatchLattice } from './patch-lattice.ts';
import { SharedArrays } from './shared-arrays.ts';

/** What is embedded: a cube seen through an operator. */
export interface EmbedSource {
  readonly cube: Cube;
  readonly operator: Operator;
  readonly lattice: PatchLattice;
  /** For each input band of the operator, its index on the cube's bands dimension. */
  readonly bands: readonly number[];
}

/** Position on the dimensions other than x, y and bands: name → index. */
export type Position = Readonly<Record<string, number>>;

/** The window of the source cube that a block depends on. */
export function sourceWindowOf(source: EmbedSource, position: Position, block: BlockIndex): Window {
  const pixels = blockPixels(source.lattice, block);
  const low = Math.min(...source.bands);
  const high = Math.max(...source.bands);
  const range = source.cube.dimensions.map((d): [number, number] => {
    if (d.axis === 'x') return [pixels.x, pixels.width];
    if (d.axis === 'y') return [pixels.y, pixels.height];
    if (d.type === 'bands') return [low, high - low + 1];
    return [position[d.name]!, 1];
  });
  return { start: range.map((r) => r[0]), size: range.map((r) => r[1]) };
}

/** Seconds that the stages of a block took. */
export interface StageSeconds {
  download?: number;
  read?: number;
  infer?: number;
}

/** Reads the pixels and runs the operator; a block without a valid patch is not sent to it. Adds to `took` what each stage took. */
export async function computeBlock(source: EmbedSource, position: Position, block: BlockIndex, runtime: OperatorRuntime, signal: AbortSignal, took: StageSeconds = {}): Promise<EmbedBlock> {
  const window = sourceWindowOf(source, position, block);
  const pixels = await timed('read', took, () => source.cube.read(window, signal));
  const { input, invalid, edge } = gather(source, pixels);
  const nulls = invalid ? nullPatches(invalid, edge, source) : new Uint8Array(BLOCK_PATCHES * BLOCK_PATCHES);
  const { dimensions } = source.operator.manifest.output;
  const length = dimensions * BLOCK_PATCHES * BLOCK_PATCHES;
  const vectors = nulls.includes(0) ? await inferred(source.operator, took, () => runtime.run(source.operator, input, edge, edge, signal)) : new Float32Array(length);
  // Not after a failure: the thread may still be reading it.
  inputs.giveBack(input);
  if (vectors.length !== length) throw new Error(`operator ${source.operator.reference} gave ${vectors.length} values instead of ${length}`);
  return { dimensions, edge: BLOCK_PATCHES, vectors, nulls };
}

/** The files of the operator are fetched first, where they are not on this machine yet. */
async function inferred(operator: Operator, took: StageSeconds, run: () => Promise<Float32Array>): Promise<Float32Array> {
  await timed('download', took, () => operator.folder());
  return timed('infer', took, run);
}

async function timed<T>(stage: keyof StageSeconds, took: StageSeconds, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const done = await during(stage, work);
  took[stage] = (performance.now() - began) / 1000;
  return done;
}

/** Memory of inputs, used again: fresh memory costs as much as filling it. */
const inputs = new SharedArrays(64 * 2 ** 20);

/** Pixels as [bands, rows, columns] float32 in the operator's band order, gaps filled; and which pixels have a gap (null: none). */
function gather(source: EmbedSource, pixels: Block): { input: Float32Array; invalid: Uint8Array | null; edge: number } {
  const { cube, bands, operator } = source;
  const edge = pixels.shape[cube.dimensions.findIndex((d) => d.axis === 'x')]!;
  const strides = axisStrides(cube, pixels.shape);
  const lowest = Math.min(...bands);
  const input = inputs.take(bands.length * edge * edge);
  let invalid: Uint8Array | null = null;
  bands.forEach((band, channel) => {
    const plane = { from: (band - lowest) * strides.bands, to: channel * edge * edge, edge, ...strides };
    copyPlane(pixels, plane, input);
    if (!mayHaveGaps(pixels, plane)) return;
    invalid ??= new Uint8Array(edge * edge);
    fillGaps(pixels, plane, input, invalid, operator.manifest.input.fill);
  });
  return { input, invalid, edge };
}

/** Where a band lies in a block, and where it goes in the input. */
interface Plane {
  readonly from: number;
  readonly to: number;
  readonly edge: number;
  readonly x: number;
  readonly y: number;
}

/** What lies in one piece is copied (and converted) by the engine: this is the hot path. */
function copyPlane({ data }: Block, { from, to, edge, x, y }: Plane, input: Float32Array): void {
  if (x === 1 && y === edge) return input.set(data.subarray(from, from + edge * edge), to);
  for (let row = 0; row < edge; row++) {
    const start = from + row * y;
    const target = to + row * edge;
    if (x === 1) input.set(data.subarray(start, start + edge), target);
    else for (let column = 0; column < edge; column++) input[target + column] = data[start + column * x]!;
  }
}

/** Only the border of a scene has no-data, as a rule: the other planes need no second look. */
function mayHaveGaps({ dtype, nulls }: Block, { from, edge, x, y }: Plane): boolean {
  if (isFloat(dtype)) return true;
  const isDense = x === 1 && y === edge;
  return nulls !== null && (!isDense || findByte(nulls.subarray(from, from + edge * edge), 1) >= 0);
}

/** No-data, and NaN, which no encoder could mean anything by, get the operator's fill. */
function fillGaps(pixels: Block, plane: Plane, input: Float32Array, invalid: Uint8Array, fill: number): void {
  const { from, edge, x, y } = plane;
  if (!isFloat(pixels.dtype) && x === 1 && y === edge) return fillNulls(pixels.nulls!.subarray(from, from + edge * edge), plane.to, input, invalid, fill);
  for (let row = 0; row < edge; row++) fillRow(pixels, plane, row, input, invalid, fill);
}

/** Whole numbers have no NaN: only nulls are looked for. */
function fillNulls(nulls: Uint8Array, to: number, input: Float32Array, invalid: Uint8Array, fill: number): void {
  const flags = asBuffer(nulls);
  for (let at = flags.indexOf(1); at >= 0; at = flags.indexOf(1, at)) {
    const end = flags.indexOf(0, at);
    const stop = end < 0 ? flags.length : end;
    input.fill(fill, to + at, to + stop);
    invalid.fill(1, at, stop);
    at = stop;
  }
}

function fillRow({ data, nulls }: Block, { from, to, edge, x, y }: Plane, row: number, input: Float32Array, invalid: Uint8Array, fill: number): void {
  for (let column = 0, at = from + row * y; column < edge; column++, at += x) {
    const value = data[at]!;
    if ((nulls === null || nulls[at] === 0) && value === value) continue;
    input[to + row * edge + column] = fill;
    invalid[row * edge + column] = 1;
  }
}

function axisStrides(cube: Cube, shape: readonly number[]): { bands: number; y: number; x: number } {
  const out = { bands: 0, y: 0, x: 0 };
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const dimension = cube.dimensions[i]!;
    if (dimension.axis === 'x') out.x = step;
    else if (dimension.axis === 'y') out.y = step;
    else if (dimension.type === 'bands') out.bands = step;
    step *= shape[i]!;
  }
  return out;
}

/** 1 for each patch that has fewer valid pixels than the operator asks for. */
function nullPatches(invalid: Uint8Array, edge: number, source: EmbedSource): Uint8Array {
  const { patch, halo } = source.lattice;
  const needed = source.operator.manifest.min_valid * patch * patch;
  const nulls = new Uint8Array(BLOCK_PATCHES * BLOCK_PATCHES);
  for (let row = 0; row < BLOCK_PATCHES; row++) {
    for (let column = 0; column < BLOCK_PATCHES; column++) {
      let valid = 0;
      for (let y = 0; y < patch; y++) {
        const start = (halo + row * patch + y) * edge + halo + column * patch;
        for (let x = 0; x < patch; x++) valid += 1 - invalid[start + x]!;
      }
      if (valid === 0 || valid < needed) nulls[row * BLOCK_PATCHES + column] = 1;
    }
  }
  return nulls;
}
