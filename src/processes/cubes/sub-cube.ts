/** Parts of a cube that stand on their own: whoever reads beyond one finds no-data and not its neighbours. */
import { withPickedBands } from '../../cube/attributes.ts';
import { createNullBlock, type Block, type Window } from '../../cube/block.ts';
import type { Cube, CubeAttributes } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { pickFrom, withLabels, type Dimension, type Label } from '../../cube/dimension.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { commonWindow, isEmptyWindow, isSameWindow, spatialAxes } from '../../cube/window.ts';
import { cellCentre, cropGrid } from '../../geo/grid.ts';
import { formatInstant, instant } from './temporal.ts';

/**
 * The part of a cube that a window covers. The window may reach beyond the cube on every dimension: there it
 * holds no-data, under labels that go on like the last ones.
 */
export function subCube(cube: Cube, part: Window): Cube {
  const source = (window: Window) => ({ start: window.start.map((s, i) => s + part.start[i]!), size: window.size });
  const inside = (window: Window) => commonWindow(source(window), insideOf(cube, part));
  const axes = cube.grid && spatialAxes(cube.dimensions)!;
  const { isEmpty } = cube;
  return cube.with({
    dimensions: cube.dimensions.map((_, i) => partOf(cube, i, part.start[i]!, part.size[i]!)),
    grid: axes && cropGrid(cube.grid!, { x: part.start[axes.x]!, y: part.start[axes.y]!, width: part.size[axes.x]!, height: part.size[axes.y]! }),
    attributes: attributesOf(cube, part),
    read: (window, signal) => readPadded(cube, source(window), inside(window), signal),
    fingerprint: async (window) => {
      const [whole, valid] = [source(window), inside(window)];
      if (isSameWindow(whole, valid)) return cube.fingerprint(whole);
      const offset = valid.start.map((s, i) => s - whole.start[i]!);
      return digest(['part', whole.size, offset, valid.size, isEmptyWindow(valid) ? null : await cube.fingerprint(valid)]);
    },
    isEmpty: (window) => isEmptyWindow(inside(window)) || isEmpty?.(inside(window)) === true,
  });
}

/** The cells of a window that the cube has. */
export function insideOf(cube: Cube, window: Window): Window {
  return commonWindow(window, cube.fullWindow());
}

/** Reads a window of which only the part `inside` is to be taken from the cube; the rest is no-data. */
export async function readPadded(cube: Cube, window: Window, inside: Window, signal: AbortSignal): Promise<Block> {
  if (isSameWindow(window, inside)) return cube.read(window, signal);
  const out = createNullBlock(cube.dtype, window.size);
  if (!isEmptyWindow(inside)) pasteBlock(out, window, await cube.read(inside, signal), inside);
  return out;
}

/** Labels of a range of positions, which may reach beyond the dimension. */
export function labelsBetween(cube: Cube, at: number, start: number, size: number): Label[] {
  const { name, axis, size: length } = cube.dimensions[at]!;
  if (cube.grid && (axis === 'x' || axis === 'y')) {
    return Array.from({ length: size }, (_, i) => cellCentre(cube.grid!, start + i, start + i)[axis === 'x' ? 0 : 1]);
  }
  const labels = cube.labels(name);
  const isInside = start >= 0 && start + size <= length;
  if (isInside) return labels.slice(start, start + size);
  const beyond = labelsBeyond(labels);
  return Array.from({ length: size }, (_, i) => (start + i >= 0 && start + i < length ? labels[start + i]! : beyond(start + i)));
}

/** Labels before the first and after the last: in equal steps for numbers and dates, else made up. */
function labelsBeyond(labels: readonly Label[]): (position: number) => Label {
  const last = labels.length - 1;
  const series = (numbers: readonly number[], single: number) => (position: number) => (position < 0
    ? numbers[0]! + position * (last > 0 ? numbers[1]! - numbers[0]! : single)
    : numbers[last]! + (position - last) * (last > 0 ? numbers[last]! - numbers[last - 1]! : single));
  if (labels.every((label) => typeof label === 'number')) return series(labels, 1);
  const times = labels.map((label) => instant(String(label)));
  if (!times.some(Number.isNaN)) {
    const time = series(times, 86_400_000);
    return (position) => formatInstant(time(position))!;
  }
  return (position) => (position < 0 ? `before${position}` : `after+${position - last}`);
}

function partOf(cube: Cube, at: number, start: number, size: number): Dimension {
  const dimension = cube.dimensions[at]!;
  if (start === 0 && size === dimension.size) return dimension;
  if (!dimension.labels) return { ...dimension, size };
  if (start >= 0 && start + size <= dimension.size) return pickFrom(dimension, range(start, size));
  return withLabels(dimension, labelsBetween(cube, at, start, size));
}

function attributesOf(cube: Cube, part: Window): CubeAttributes {
  const at = cube.dimensions.findIndex((d) => d.type === 'bands');
  if (at < 0 || !cube.attributes.bands) return cube.attributes;
  const [start, size] = [part.start[at]!, part.size[at]!];
  if (start >= 0 && start + size <= cube.dimensions[at]!.size) return withPickedBands(cube.attributes, range(start, size));
  const names = labelsBetween(cube, at, start, size);
  const { encoding: _, ...kept } = cube.attributes;
  return { ...kept, bands: names.map((name, i) => cube.attributes.bands![start + i] ?? { name: String(name) }) };
}

const range = (start: number, size: number) => Array.from({ length: size }, (_, i) => start + i);
