/** Runs a program on blocks: tiles go into the scratch memory, through the function and back out. */
import { findByte } from '../../cube/find-byte.ts';
import { allocate, sampleSize } from '../../cube/dtype.ts';
import type { KernelData } from '../kernel.ts';
import { Scratch, type Run } from '../wasm/engine.ts';
import { SCRATCH_PAGES } from './layout.ts';
import type { Encoded, LaneResult } from './program.ts';

/** Fewer cells than this are done before a module is compiled. */
const MIN_CELLS = 2048;
/** Shorter rows are no work for lanes. */
const MIN_ROW = 64;

let scratch: Scratch | null = null;

/** Whether a block of this shape is worth it. */
export function isForLanes(outer: number, inner: number): boolean {
  return inner >= MIN_ROW && outer * inner >= MIN_CELLS;
}

/** The functions of a program, loaded when they are first needed. */
export interface LaneFunctions {
  readonly encoded: Encoded;
  plain: Run | null;
  guarded: Run | null;
}

interface Job {
  readonly functions: LaneFunctions;
  readonly inputs: readonly { readonly bytes: Uint8Array; readonly nulls: Uint8Array | null }[];
  readonly inner: number;
  readonly out: Uint8Array;
  /** Made with the first result that is no-data: memory outside of the heap that nobody needs makes the collector look at all of it. */
  outNulls: Uint8Array<ArrayBuffer> | null;
}

/** Gives what the program's JavaScript kernel gives for [outer, length, inner]. */
export function runLanes(functions: LaneFunctions, inputs: readonly KernelData[], outer: number, inner: number): KernelData {
  const { layout, program } = functions.encoded;
  const data = allocate(program.dtype, outer * program.plain.length * inner);
  const job: Job = {
    functions, inner, out: bytesOf(data), outNulls: null,
    inputs: inputs.map((input) => ({ bytes: bytesOf(input.data), nulls: input.nulls })),
  };
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i += layout.cells) runTile(job, o, i, Math.min(layout.cells, inner - i));
  }
  return { data, nulls: job.outNulls };
}

const bytesOf = (samples: KernelData['data']) => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);

function runTile(job: Job, o: number, i: number, n: number): void {
  const memory = (scratch ??= new Scratch(SCRATCH_PAGES));
  const isGuarded = copyIn(job, memory, o, i, n);
  const run = isGuarded ? loadGuarded(job.functions, memory) : loadPlain(job.functions, memory);
  const { plain, guarded } = job.functions.encoded.program;
  copyOut(job, memory, { o, i, n }, isGuarded ? guarded : plain, run(n) === 1);
}

const loadPlain = (functions: LaneFunctions, memory: Scratch) => (functions.plain ??= memory.load(functions.encoded.plain));
const loadGuarded = (functions: LaneFunctions, memory: Scratch) => (functions.guarded ??= memory.load(functions.encoded.guarded));

/** Copies the rows of a tile; returns whether there is no-data among them. */
function copyIn({ functions: { encoded: { layout, program } }, inputs, inner }: Job, { bytes }: Scratch, o: number, i: number, n: number): boolean {
  const { cells } = layout;
  const mayHaveNulls = inputs.some(({ nulls }) => nulls !== null);
  let hasNulls = false;
  inputs.forEach(({ bytes: source, nulls }, input) => {
    const { dtype, length } = program.inputs[input]!;
    const size = sampleSize(dtype);
    const flagBase = layout.flagBase[input]!;
    for (let k = 0; k < length; k++) {
      const from = (o * length + k) * inner + i;
      bytes.set(source.subarray(from * size, (from + n) * size), layout.sampleBase[input]! + k * cells * size);
      if (nulls !== null) bytes.set(nulls.subarray(from, from + n), flagBase + k * cells);
    }
    if (!mayHaveNulls) return;
    const rows = bytes.subarray(flagBase, flagBase + length * cells);
    if (nulls === null) rows.fill(0);
    else hasNulls ||= hasFlag(rows, cells, n);
  });
  return hasNulls;
}

/** Whether one of the first n bytes of any row is 1. */
function hasFlag(rows: Uint8Array, cells: number, n: number): boolean {
  if (n === cells) return findByte(rows, 1) >= 0;
  for (let start = 0; start < rows.length; start += cells) if (findByte(rows.subarray(start, start + n), 1) >= 0) return true;
  return false;
}

/** Copies the results; flags only when the function has seen one that is set, which a cell beyond the tile may have been. */
function copyOut(
  job: Job, { bytes }: Scratch, { o, i, n }: { readonly o: number; readonly i: number; readonly n: number }, results: readonly LaneResult[], isAlarmed: boolean,
): void {
  const { functions: { encoded: { layout, program } }, inner, out } = job;
  const { cells } = layout;
  const size = sampleSize(program.dtype);
  const length = program.plain.length;
  for (let k = 0; k < length; k++) {
    const to = (o * length + k) * inner + i;
    const base = layout.outBase + k * cells * size;
    out.set(bytes.subarray(base, base + n * size), to * size);
    // Nothing was written to the flags of a result that is never no-data.
    if (!isAlarmed || results[k]!.isNull === null) continue;
    const flags = bytes.subarray(layout.outFlagBase + k * cells, layout.outFlagBase + k * cells + n);
    if (job.outNulls === null && findByte(flags, 1) < 0) continue;
    job.outNulls ??= new Uint8Array(out.length / size);
    job.outNulls.set(flags, to);
  }
}
