/** Arithmetic on windows: hyper-rectangles of a cube, one entry per dimension. */
import type { CellWindow } from '../geo/grid.ts';
import { product, type Window } from './block.ts';
import type { Dimension } from './dimension.ts';

/** The common part of two windows of the same rank; sizes are 0 where they do not meet. */
export function commonWindow(a: Window, b: Window): Window {
  const start = a.start.map((s, i) => Math.max(s, b.start[i]!));
  const size = a.size.map((n, i) => Math.max(0, Math.min(a.start[i]! + n, b.start[i]! + b.size[i]!) - start[i]!));
  return { start, size };
}

/** True when both windows cover the same cells. */
export function isSameWindow(a: Window, b: Window): boolean {
  return a.start.length === b.start.length
    && a.start.every((s, i) => s === b.start[i])
    && a.size.every((n, i) => n === b.size[i]);
}

/** True when the window has no cell. */
export function isEmptyWindow(window: Window): boolean {
  return product(window.size) === 0;
}

/** The same window with one dimension replaced. */
export function withRange(window: Window, dimension: number, start: number, size: number): Window {
  return { start: window.start.with(dimension, start), size: window.size.with(dimension, size) };
}

/** The window without one dimension. */
export function withoutDimension(window: Window, dimension: number): Window {
  return { start: window.start.toSpliced(dimension, 1), size: window.size.toSpliced(dimension, 1) };
}

/** The window with a dimension put in before position `dimension`. */
export function withInserted(window: Window, dimension: number, start: number, size: number): Window {
  return { start: window.start.toSpliced(dimension, 0, start), size: window.size.toSpliced(dimension, 0, size) };
}

/** The cells of the x and y dimensions; `x` and `y` are their positions in the cube. */
export function cellsOf(window: Window, x: number, y: number): CellWindow {
  return { x: window.start[x]!, y: window.start[y]!, width: window.size[x]!, height: window.size[y]! };
}

/** The window with other cells on x and y. */
export function withCells(window: Window, x: number, y: number, cells: CellWindow): Window {
  return withRange(withRange(window, x, cells.x, cells.width), y, cells.y, cells.height);
}

/** Positions of the x and y dimensions; undefined when the cube lacks one. */
export function spatialAxes(dimensions: readonly Dimension[]): { readonly x: number; readonly y: number } | undefined {
  const x = dimensions.findIndex((d) => d.axis === 'x');
  const y = dimensions.findIndex((d) => d.axis === 'y');
  return x < 0 || y < 0 ? undefined : { x, y };
}

/**
 * The window cut into smaller ones of at most `maxSamples`, in row-major order. Dimensions in `whole` are
 * never cut; the others are cut from the outermost inwards, so pieces stay compact in memory.
 */
export function* splitWindow(window: Window, maxSamples: number, whole: readonly number[] = []): Generator<Window> {
  const total = product(window.size);
  if (total === 0) return;
  const cut = window.size.findIndex((n, i) => n > 1 && !whole.includes(i));
  if (total <= maxSamples || cut < 0) {
    yield window;
    return;
  }
  const perStep = total / window.size[cut]!;
  const step = Math.max(1, Math.floor(maxSamples / perStep));
  for (let offset = 0; offset < window.size[cut]!; offset += step) {
    const size = Math.min(step, window.size[cut]! - offset);
    yield* splitWindow(withRange(window, cut, window.start[cut]! + offset, size), maxSamples, whole);
  }
}
