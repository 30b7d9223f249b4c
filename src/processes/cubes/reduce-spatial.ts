/** reduce_spatial: one value for all pixels of x and y. */
import { withNewValues } from '../../cube/attributes.ts';
import { createBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube, CubeAttributes } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { permute } from '../../cube/permute.ts';
import { withoutGrid } from '../../cube/view.ts';
import { spatialAxes, splitWindow } from '../../cube/window.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { MAX_SAMPLES } from './kernels.ts';
import { compileList, MAX_PIXELS, type PixelReducer } from './pixel-lists.ts';
import { mergerOf, type Merger } from './merge-strips.ts';

const ID = 'reduce_spatial';

export const reduceSpatial: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const axes = spatialAxes(cube.dimensions);
    if (!axes) throw invalidArgument(ID, 'data', 'the cube has no x and y dimensions');
    const reducer: PixelReducer = { process: ID, reducer: callbackOf(args, ID, 'reducer'), constants: contextOf(args) };
    return reduced(cube, axes, readerOf(cube, axes, reducer), meaningOf(ID, args));
  },
};

interface Axes {
  readonly x: number;
  readonly y: number;
}

/** Computes the values of a window of the remaining dimensions, given as a window of the cube. */
interface Reader {
  readonly dtype: Block['dtype'];
  /** Layers (windows of single pixels) that it can work on at once. */
  readonly layers: number;
  readonly read: (source: Window, signal: AbortSignal) => Promise<Omit<Block, 'shape'>>;
}

function reduced(cube: Cube, { x, y }: Axes, reader: Reader, meaning: string): Cube {
  const [width, height] = [cube.dimensions[x]!.size, cube.dimensions[y]!.size];
  const [first, second] = x < y ? [x, y] : [y, x];
  const withoutAxes = <T>(list: readonly T[]): T[] => list.toSpliced(second, 1).toSpliced(first, 1);
  const withAxes = (list: readonly number[], onX: number, onY: number) => list.toSpliced(first, 0, x < y ? onX : onY).toSpliced(second, 0, x < y ? onY : onX);
  const whole = ({ start, size }: Window): Window => ({ start: withAxes(start, 0, 0), size: withAxes(size, width, height) });
  return withoutGrid(cube).with({
    dimensions: withoutAxes(cube.dimensions),
    dtype: reader.dtype,
    attributes: attributesOf(cube.attributes),
    read: async (window, signal) => {
      const out = createBlock(reader.dtype, window.size);
      for (const part of splitWindow(window, reader.layers)) pasteBlock(out, window, { ...await reader.read(whole(part), signal), shape: part.size }, part);
      return out;
    },
    fingerprint: async (window) => digest([meaning, window.size, await cube.fingerprint(whole(window))]),
  });
}

function attributesOf(attributes: CubeAttributes): CubeAttributes {
  const { anchor: _, blockSize: __, ...kept } = withNewValues(attributes);
  return kept;
}

function readerOf(cube: Cube, axes: Axes, reducer: PixelReducer): Reader {
  const pixels = cube.dimensions[axes.x]!.size * cube.dimensions[axes.y]!.size;
  if (pixels <= MAX_PIXELS) return readerAtOnce(cube, axes, reducer, pixels);
  const merger = mergerOf(reducer, cube.dtype);
  if (merger) return readerOfStrips(cube, axes, merger);
  throw invalidArgument(ID, 'reducer', `it needs all ${pixels} pixels at once, and at most ${MAX_PIXELS} are possible. A reducer that is a single mean, sum, product, min, max, count, any or all has no such limit; for others use aggregate_spatial_window or resample_spatial first`);
}

function readerAtOnce(cube: Cube, axes: Axes, reducer: PixelReducer, pixels: number): Reader {
  const kernel = compileList(reducer, cube.dtype, pixels);
  return {
    dtype: kernel.dtype,
    layers: Math.max(1, Math.floor(MAX_SAMPLES / Math.max(1, pixels))),
    read: async (source, signal) => ({ dtype: kernel.dtype, ...kernel.run([await readLayers(cube, axes, source, signal)], product(source.size) / Math.max(1, pixels), 1) }),
  };
}

/** Reads the pixels strip by strip, and keeps what the merger needs of each. */
function readerOfStrips(cube: Cube, axes: Axes, merger: Merger): Reader {
  const width = cube.dimensions[axes.x]!.size;
  const height = cube.dimensions[axes.y]!.size;
  const isOther = (_: number, i: number) => i !== axes.x && i !== axes.y;
  return {
    dtype: merger.dtype,
    layers: Math.max(1, Math.floor(MAX_PIXELS / width)),
    read: async (source, signal) => {
      const layers = product(source.size.filter(isOther));
      const rows = Math.max(1, Math.floor(MAX_PIXELS / (width * layers)));
      const merge = merger.start(layers);
      for (let row = 0; row < height; row += rows) {
        const count = Math.min(rows, height - row);
        merge.add(await readLayers(cube, axes, { start: source.start.with(axes.y, row), size: source.size.with(axes.y, count) }, signal), count * width);
      }
      return merge.finish();
    },
  };
}

/** A window with x and y last. */
async function readLayers(cube: Cube, { x, y }: Axes, window: Window, signal: AbortSignal): Promise<Block> {
  const order = [...window.size.keys()].filter((i) => i !== x && i !== y).concat(y, x);
  return permute(await cube.read(window, signal), order);
}
