/** The cube of a materialisation: what the layer has in the area, grown to whole blocks so that files can stand in for them. */
import type { MaterialisationRequest } from '../../catalog/materialisations.ts';
import type { Window } from '../../cube/block.ts';
import { cropCells, pickLabels } from '../../cube/view.ts';
import { spatialAxes, withCells } from '../../cube/window.ts';
import type { Cube } from '../../cube/cube.ts';
import type { CellWindow } from '../../geo/grid.ts';
import { WGS84 } from '../../geo/crs.ts';
import { OpenEOError } from '../../errors.ts';
import { blockLayoutOf, type BlockLayout } from '../../layers/block-layout.ts';
import { layerOf, type Layer } from '../../layers/layer.ts';
import { EngineScope, type Engine } from '../../layers/scope.ts';
import { viewedCube } from '../../layers/view.ts';
import { silentLog } from '../../log.ts';

export interface Area {
  readonly layer: Layer;
  /** In the view that was asked for. */
  readonly cube: Cube;
  /** Where the cube lies in the blocks of the layer; undefined when its vectors are not read through blocks as they are. */
  readonly layout: BlockLayout | undefined;
  /** The cells of the cube, as the layout counts them. */
  readonly cells: CellWindow;
  /** The cells of whole blocks around them: what is beyond `cells` is no-data. */
  readonly wholeCells: CellWindow;
}

/** Throws CollectionNotFound and NoDataAvailable, and what the layer's graph throws. */
export async function openArea(engine: Engine, request: MaterialisationRequest, signal: AbortSignal): Promise<Area> {
  const stored = await engine.catalog.collection(request.layer);
  const layer = stored && layerOf(stored, engine.operators);
  if (!layer) throw new OpenEOError('CollectionNotFound', { identifier: request.layer });
  const scope = new EngineScope(engine, { signal, log: silentLog });
  const [west, south, east, north] = request.bbox ?? [];
  const cube = await scope.loadCollection({
    id: layer.id,
    spatialExtent: west === undefined ? null : { west, south: south!, east: east!, north: north!, crs: WGS84 },
    temporalExtent: request.interval,
    bands: null,
    properties: null,
  });
  const { grid } = cube;
  if (!grid) throw new OpenEOError('FormatUnsuitable', {}, { detail: `Layer '${layer.id}' has no x and y dimensions on a regular grid.` });
  const layout = blockLayoutOf(cube);
  const all = { x: 0, y: 0, width: grid.width, height: grid.height };
  const wholeCells = layout?.whole(all) ?? all;
  const cells = trimmed(cube, wholeCells);
  return { layer, cells, wholeCells, layout, cube: inView(cropCells(cube, cells), layer, request) };
}

/** Without the rows and columns at its borders that no file touches on any date. */
function trimmed(cube: Cube, { x, y, width, height }: CellWindow): CellWindow {
  const isEmpty = (cells: CellWindow) => cube.isEmpty?.(windowOver(cube, cells)) ?? false;
  let [left, right, top, bottom] = [x, x + width, y, y + height];
  while (right - left > 1 && isEmpty({ x: left, y: top, width: 1, height: bottom - top })) left++;
  while (right - left > 1 && isEmpty({ x: right - 1, y: top, width: 1, height: bottom - top })) right--;
  while (bottom - top > 1 && isEmpty({ x: left, y: top, width: right - left, height: 1 })) top++;
  while (bottom - top > 1 && isEmpty({ x: left, y: bottom - 1, width: right - left, height: 1 })) bottom--;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The window of some cells, whole on the other dimensions. */
function windowOver(cube: Cube, cells: CellWindow): Window {
  const { x, y } = spatialAxes(cube.dimensions)!;
  return withCells(cube.fullWindow(), x, y, cells);
}

function inView(cube: Cube, layer: Layer, { view }: MaterialisationRequest): Cube {
  if (view === 'float32') return cube;
  if (!layer.operator || cube.attributes.operator === undefined) throw new OpenEOError('FormatUnsuitable', {}, { detail: `Layer '${layer.id}' holds no embeddings: it can't be stored as ${view}.` });
  const { manifest } = layer.operator;
  return viewedCube(cube, manifest, { quantization: view, count: manifest.output.dimensions });
}

/** One entry per date, in order; one without a date for a layer without time. */
export function datesOf(cube: Cube): { readonly index: number; readonly datetime: string | null; readonly cube: Cube }[] {
  const axis = cube.dimensions.findIndex((d) => d.type === 'temporal');
  if (axis < 0) return [{ index: 0, datetime: null, cube }];
  return cube.labels(cube.dimensions[axis]!.name).map((label, index) => ({ index, datetime: String(label), cube: pickLabels(cube, axis, [index]) }));
}
