/** aggregate_spatial: zonal statistics, one value of the pixels of each geometry for every other label. */
import { withNewValues } from '../../cube/attributes.ts';
import type { Cube, CubeAttributes } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Dimension } from '../../cube/dimension.ts';
import { shapesDigest, type GeometryDimension } from '../../cube/geometries.ts';
import { Coverage } from '../../geo/coverage.ts';
import type { CellWindow } from '../../geo/grid.ts';
import { intersectWindows } from '../../geo/grid.ts';
import { spatialAxes, withCells } from '../../cube/window.ts';
import type { Window } from '../../cube/block.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { callbackOf, contextOf, cubeOf, optionalTextOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { geometriesOf } from './geometries.ts';
import { gridOf } from './polygon-mask.ts';
import { ZONE_FACTS, ZoneReader } from './zones.ts';
import { ZoneKernels } from './zone-kernels.ts';

const ID = 'aggregate_spatial';

export const aggregateSpatial: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    gridOf(cube, ID);
    const geometry = geometriesOf(args, ID, 'geometries');
    const target = optionalTextOf(args, ID, 'target_dimension');
    const kernels = new ZoneKernels(callbackOf(args, ID, 'reducer'), cube.dtype, contextOf(args));
    return aggregated(cube, { geometry, target, kernels, meaning: meaningOf(ID, { ...args, geometries: undefined }) });
  },
};

interface Zoning {
  readonly geometry: GeometryDimension;
  /** Name of the dimension of the value and the counts; null: only the value. */
  readonly target: string | null;
  readonly kernels: ZoneKernels;
  readonly meaning: string;
}

function aggregated(cube: Cube, { geometry, target, kernels, meaning }: Zoning): Cube {
  const axes = spatialAxes(cube.dimensions)!;
  const others = cube.dimensions.filter((_, i) => i !== axes.x && i !== axes.y);
  const dimensions = resultDimensions(geometry, others, target);
  const { shapes, crs } = geometry.geometries;
  const coverage = new Coverage(cube.grid!, shapes, crs);
  const reader = new ZoneReader(cube, coverage, kernels, target !== null);
  return cube.with({
    dimensions,
    grid: null,
    dtype: reader.dtype,
    attributes: withoutPlace(withNewValues(cube.attributes)),
    read: (window, signal) => reader.read(window, signal),
    fingerprint: async (window) => digest([
      meaning, shapesDigest(geometry.geometries, window.start[0], window.size[0]), window,
      await cube.fingerprint(sourceWindow(cube, window, axes, coverage.extent())),
    ]),
  });
}

function resultDimensions(geometry: GeometryDimension, others: readonly Dimension[], target: string | null): Dimension[] {
  const clash = others.find((d) => d.name === geometry.name);
  if (clash) throw invalidArgument(ID, 'geometries', `their dimension is called '${geometry.name}', as is one of the data; rename either with rename_dimension`);
  if (target === null) return [geometry, ...others];
  if (target === geometry.name || others.some((d) => d.name === target)) throw new OpenEOError('TargetDimensionExists', {}, { detail: `It is '${target}'.` });
  return [geometry, ...others, { name: target, type: 'other', size: ZONE_FACTS.length, labels: ZONE_FACTS }];
}

/** What attributes say of cells is of no meaning for geometries. */
function withoutPlace(attributes: CubeAttributes): CubeAttributes {
  const { anchor: _, blockSize: __, nodata: ___, ...kept } = attributes;
  return kept;
}

/** The window of the source that a window of the result may depend on. */
function sourceWindow(cube: Cube, window: Window, axes: { readonly x: number; readonly y: number }, extent: CellWindow | null): Window {
  const { width, height } = cube.grid!;
  const cells = intersectWindows(extent ?? { x: 0, y: 0, width: 0, height: 0 }, { x: 0, y: 0, width, height });
  let next = 1;
  const range = cube.dimensions.map((_, i) => (i === axes.x || i === axes.y ? [0, 1] as const : [window.start[next]!, window.size[next++]!] as const));
  return withCells({ start: range.map((r) => r[0]), size: range.map((r) => r[1]) }, axes.x, axes.y, cells);
}
