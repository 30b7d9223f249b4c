/**
 * apply_polygon: a child process for the pixels of every polygon. Pixels that belong to no polygon are no-data
 * in the result: nothing was computed for them.
 */
import { withNewValues } from '../../cube/attributes.ts';
import { readRegion, windowFor, type Region } from '../../cube/broadcast.ts';
import { createNullBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { DType } from '../../cube/dtype.ts';
import { shapesDigest } from '../../cube/geometries.ts';
import { permute } from '../../cube/permute.ts';
import { cellsOf, spatialAxes, withCells } from '../../cube/window.ts';
import { invalidArgument } from '../../errors.ts';
import { intersectWindows, type CellWindow } from '../../geo/grid.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf } from './arguments.ts';
import { runChild, type Child } from './child-cubes.ts';
import { meaningOf } from './fingerprint.ts';
import { geometriesOf, requirePolygons } from './geometries.ts';
import { gridOf } from './polygon-mask.ts';
import { maskedSegment, maskValueOf, refuseOverlaps, segmentsOf, type MaskValue, type Segment } from './segments.ts';

const ID = 'apply_polygon';

export const applyPolygon: Implementation = {
  async run(args) {
    const cube = cubeOf(args, ID);
    const grid = gridOf(cube, ID);
    const dimension = geometriesOf(args, ID, 'geometries');
    requirePolygons(dimension, ID, 'geometries');
    const segments = segmentsOf(grid, dimension.geometries);
    refuseOverlaps(segments);
    const refuse = (difference: string) => invalidArgument(ID, 'process', `it must keep the dimensions and the grid. ${difference}`);
    const child: Child = { process: ID, callback: callbackOf(args, ID, 'process'), ...contextOf(args), refuse, keepsLabels: false };
    const mask = maskValueOf(args['mask_value'], cube.dtype, ID);
    const { dtype } = segments.length > 0 ? await runChild(child, maskedSegment(cube, segments[0]!, mask)) : cube;
    return applied(cube, { segments, child, mask, dtype, meaning: digest([meaningOf(ID, args), shapesDigest(dimension.geometries)]) });
  },
};

interface Plan {
  readonly segments: readonly Segment[];
  readonly child: Child;
  readonly mask: MaskValue;
  readonly dtype: DType;
  readonly meaning: string;
}

function applied(cube: Cube, { segments, child, mask, dtype, meaning }: Plan): Cube {
  const { x, y } = spatialAxes(cube.dimensions)!;
  const others = [...cube.dimensions.keys()].filter((i) => i !== x && i !== y);
  const order = [...others, y, x];
  const touched = (window: Window) => segments.flatMap((segment) => {
    const cells = intersectWindows(segment.cells, cellsOf(window, x, y));
    return cells.width * cells.height > 0 ? [{ segment, cells }] : [];
  });
  /** Where some cells of the cube lie in the result of a segment's child. */
  const regionOf = (window: Window, { cells: origin }: Segment, cells: CellWindow): Region => {
    const part = withCells(window, x, y, { ...cells, x: cells.x - origin.x, y: cells.y - origin.y });
    return { names: order.map((i) => cube.dimensions[i]!.name), start: order.map((i) => part.start[i]!), size: order.map((i) => part.size[i]!) };
  };
  return cube.with({
    dtype,
    attributes: withNewValues(cube.attributes),
    read: async (window, signal) => {
      const out = createNullBlock(dtype, order.map((i) => window.size[i]!));
      for (const { segment, cells } of touched(window)) {
        const result = await runChild(child, maskedSegment(cube, segment, mask), signal);
        if (result.dtype !== dtype) throw invalidArgument(ID, 'process', `its values are of the type ${dtype} in one polygon and ${result.dtype} in another`);
        copyRuns(segment, cells, await readRegion(result, regionOf(window, segment, cells), signal), out, cellsOf(window, x, y));
      }
      return permute(out, order.map((_, i) => order.indexOf(i)));
    },
    fingerprint: async (window) => {
      const prints: unknown[] = [];
      for (const { segment, cells } of touched(window)) {
        const result = await runChild(child, maskedSegment(cube, segment, mask));
        prints.push([cells.x - window.start[x]!, cells.y - window.start[y]!, await result.fingerprint(windowFor(result, regionOf(window, segment, cells)))]);
      }
      return digest([meaning, window.size, window.start[x], window.start[y], prints]);
    },
    isEmpty: (window) => touched(window).length === 0,
  });
}

/** Copies the cells of a polygon from a block of `cells` to one of a larger window; x and y come last in both. */
function copyRuns(segment: Segment, cells: CellWindow, from: Block, to: Block, target: CellWindow): void {
  const runs = segment.coverage.runs(0, cells);
  const layers = product(from.shape.slice(0, -2));
  for (let layer = 0; layer < layers; layer++) {
    for (let i = 0; i < runs.length; i += 3) {
      const [row, start, end] = [runs[i]!, runs[i + 1]!, runs[i + 2]!];
      const source = (layer * cells.height + row - cells.y) * cells.width + start - cells.x;
      const at = (layer * target.height + row - target.y) * target.width + start - target.x;
      const length = end - start;
      to.data.set(from.data.subarray(source, source + length), at);
      if (from.nulls) to.nulls!.set(from.nulls.subarray(source, source + length), at);
      else to.nulls!.fill(0, at, at + length);
    }
  }
}
