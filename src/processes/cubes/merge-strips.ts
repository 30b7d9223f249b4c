/**
 * Reducers of a single process whose result for all pixels follows from those for parts of them. They are
 * applied to strips, and then to what came out, so no more than a strip has to be in memory.
 */
import type { Block } from '../../cube/block.ts';
import { allocate, type DType } from '../../cube/dtype.ts';
import type { KernelData } from '../../graph/kernel.ts';
import type { ProcessNode } from '../../graph/wire.ts';
import { compileList, type PixelReducer } from './pixel-lists.ts';

export interface Merger {
  readonly dtype: DType;
  /** Begins with a number of layers, each of which gets a value. */
  readonly start: (layers: number) => Merge;
}

export interface Merge {
  /** Takes in a strip [layers, pixels]. */
  readonly add: (strip: Block, pixels: number) => void;
  readonly finish: () => Omit<Block, 'shape'>;
}

/** Processes that give of their own results the result for everything. */
const SELF_MERGING = new Set(['sum', 'product', 'min', 'max', 'any', 'all']);

/** Those in which rounding adds up: they work on double precision between the strips. */
const ADDING = new Set(['sum', 'product', 'mean']);

/** How to merge the results of a reducer; null when they can't be merged. */
export function mergerOf(reducer: PixelReducer, dtype: DType): Merger | null {
  const node = onlyNode(reducer);
  if (node === null) return null;
  const { process_id: process, arguments: { ignore_nodata: ignore = true } } = node;
  const target = compileList(reducer, dtype, 2).dtype;
  const partial = ADDING.has(process) && dtype !== 'bool' ? 'float64' : dtype;
  const strips = (layers: number) => new Strips(reducer, partial, layers);
  if (SELF_MERGING.has(process)) return { dtype: target, start: (layers) => mergeAgain(strips(layers), reducer, target) };
  if (process === 'mean' && typeof ignore === 'boolean') return { dtype: target, start: (layers) => mergeMeans(strips(layers), target, ignore) };
  // Counts beyond 2²⁴ have no float32 of their own.
  return process === 'count' ? { dtype: 'float64', start: (layers) => mergeCounts(strips(layers), 'float64') } : null;
}

/** The node of a reducer that has one only, which works on the pixels as they are. */
function onlyNode({ reducer }: PixelReducer): ProcessNode | null {
  const nodes: ProcessNode[] = Object.values(reducer.processGraph);
  const [node] = nodes;
  if (!node || nodes.length !== 1 || (node.namespace ?? 'backend') !== 'backend') return null;
  const data = node.arguments['data'] as { from_parameter?: unknown } | undefined;
  return data?.from_parameter === 'data' ? node : null;
}

interface Part extends KernelData {
  /** Valid pixels per layer. */
  readonly valid: readonly number[];
}

/** The results for strips, one after the other. */
class Strips {
  readonly layers: number;
  readonly parts: Part[] = [];
  #dtype: DType;
  readonly #reducer: PixelReducer;
  readonly #input: DType;

  constructor(reducer: PixelReducer, input: DType, layers: number) {
    this.#reducer = reducer;
    this.#input = input;
    this.#dtype = input;
    this.layers = layers;
  }

  /** Type of the results. */
  get dtype(): DType {
    return this.#dtype;
  }

  add(strip: Block, pixels: number): void {
    const kernel = compileList(this.#reducer, this.#input, pixels);
    this.#dtype = kernel.dtype;
    const valid = Array.from({ length: this.layers }, (_, layer) => pixels - countFlags(strip.nulls, layer * pixels, pixels));
    this.parts.push({ ...kernel.run([{ data: asType(strip, this.#input), nulls: strip.nulls }], this.layers, 1), valid });
  }
}

function asType({ dtype, data }: Block, wanted: DType): Block['data'] {
  if (dtype === wanted) return data;
  const converted = allocate(wanted, data.length);
  converted.set(data);
  return converted;
}

function countFlags(nulls: Uint8Array | null, start: number, count: number): number {
  let sum = 0;
  if (nulls) for (let i = start; i < start + count; i++) sum += nulls[i]!;
  return sum;
}

function mergeAgain(strips: Strips, reducer: PixelReducer, dtype: DType): Merge {
  return {
    add: (strip, pixels) => strips.add(strip, pixels),
    finish: () => {
      const { parts, layers } = strips;
      const data = allocate(strips.dtype, parts.length * layers);
      const nulls = new Uint8Array(data.length);
      for (const [i, part] of parts.entries()) {
        data.set(part.data, i * layers);
        if (part.nulls) nulls.set(part.nulls, i * layers);
      }
      const merged = compileList(reducer, strips.dtype, parts.length).run([{ data, nulls }], 1, layers);
      const out = allocate(dtype, layers);
      out.set(merged.data);
      return { dtype, data: out, nulls: merged.nulls };
    },
  };
}

/** Means weighted by what they are means of. Where no-data is not ignored, a strip without mean leaves none for the whole. */
function mergeMeans(strips: Strips, dtype: DType, ignoresNodata: boolean): Merge {
  return {
    add: (strip, pixels) => strips.add(strip, pixels),
    finish: () => {
      const data = allocate(dtype, strips.layers);
      const nulls = new Uint8Array(strips.layers);
      for (let layer = 0; layer < strips.layers; layer++) {
        const known = strips.parts.filter((part) => !part.nulls?.[layer]);
        const isBroken = !ignoresNodata && known.length < strips.parts.length;
        const count = known.reduce((sum, part) => sum + part.valid[layer]!, 0);
        if (count === 0 || isBroken) nulls[layer] = 1;
        else data[layer] = known.reduce((sum, part) => sum + part.data[layer]! * (part.valid[layer]! / count), 0);
      }
      return { dtype, data, nulls };
    },
  };
}

function mergeCounts(strips: Strips, dtype: DType): Merge {
  return {
    add: (strip, pixels) => strips.add(strip, pixels),
    finish: () => {
      const data = allocate(dtype, strips.layers);
      for (let layer = 0; layer < strips.layers; layer++) data[layer] = strips.parts.reduce((sum, part) => sum + part.data[layer]!, 0);
      return { dtype, data, nulls: null };
    },
  };
}
