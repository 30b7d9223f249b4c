/**
 * Defines a layer: checks all that was written of it, tries its graph on an item of its source without
 * reading a pixel, and gives the collection as it is stored, its operators pinned to a digest. Whatever
 * is wrong is found before the layer appears, and all of it at once.
 */
import { Cube } from '../cube/cube.ts';
import { sampleSize } from '../cube/dtype.ts';
import { isOpenEOError } from '../errors.ts';
import { isGeographic } from '../geo/crs.ts';
import { validate } from '../graph/parse.ts';
import type { ItemSource } from '../catalog/item-source.ts';
import { itemInstant } from '../catalog/load-plan.ts';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import type { Operator } from '../operators/operator.ts';
import { quantizations } from '../operators/quantize.ts';
import { cellSource } from './block-source.ts';
import { describeResult } from './describe.ts';
import { EngineScope, type Engine } from './scope.ts';
import { itemExtent } from './item-extent.ts';
import { Faults, LayerInvalid } from './layer-faults.ts';
import { isObject, LAYER, readLayer, type LayerDraft, type LayerText } from './layer-fields.ts';
import { onGrid, pinOperators, sourcesOf } from './layer-graph.ts';
import { openGraph } from './layer-trial.ts';
import { definitionOf, isVisible, rootOf, type LayerDefinition } from './layer.ts';
import { BLOCK_PATCHES } from './patch-lattice.ts';
import { silentLog } from '../log.ts';

/** What a definition is checked against. */
export interface DefinitionContext {
  /** Opens cubes; `lazyEngine` is enough. */
  readonly engine: Engine;
  /** Raw items. */
  readonly items: ItemSource;
}

/** A definition that holds together in itself; nothing has been opened yet. */
export interface DraftedLayer {
  readonly text: LayerText;
  readonly definition: LayerDefinition;
  /** Operators as they were written → as they are pinned. */
  readonly resolved: ReadonlyMap<string, string>;
}

/** A layer that may appear. */
export interface DefinedLayer {
  readonly collection: StacCollection;
  readonly resolved: ReadonlyMap<string, string>;
}

/** Newest items of the source that a graph is tried on: its filters may leave out some of them. */
const TRIAL_ITEMS = 8;
/** Layers upon layers. */
const MAX_DEPTH = 20;

/**
 * Checks the body of a definition and that its sources exist, pins the operators, and puts the sources
 * on the grid. `author` is the user who publishes it, null for the deployment itself. Throws LayerInvalid.
 */
export async function draftLayer(body: unknown, { engine }: DefinitionContext, author: string | null): Promise<DraftedLayer> {
  const faults = new Faults();
  const read = readLayer(body, faults);
  if (!read) throw new LayerInvalid(nameOf(body), faults.list);
  const { text, draft } = read;
  checkOwner(draft, author, faults);
  // From here on the graph must be an object.
  if (faults.list.some(({ path }) => path === `${LAYER}/process_graph`)) throw new LayerInvalid(text.id, faults.list);
  const { graph, resolved } = pinOperators(draft.process_graph, draft.operator, engine.operators, faults);
  const sources = sourcesOf(graph, faults);
  if (draft.sources && !sameSet(draft.sources, sources)) faults.add(`${LAYER}/sources`, `must be [${sources.join(', ')}], which the graph loads; leave it out and it is filled in`);
  await checkSources(text.id, sources, engine, author ?? draft.owner ?? null, faults);
  for (const error of validate({ process_graph: graph }, engine.registry, ['spatial_extent', 'temporal_extent', 'operator'])) {
    // A missing operator has been told with its own words.
    if (error.code !== 'OperatorNotFound' && error.code !== 'OperatorUntrusted') faults.take(error, `${LAYER}/process_graph`);
  }
  if (faults.list.length > 0) throw new LayerInvalid(text.id, faults.list);
  const owner = author ?? draft.owner;
  const { operator: _, has_items: __, ...rest } = draft as LayerDraft & { has_items?: boolean };
  const definition: LayerDefinition = { ...rest, sources, process_graph: onGrid(graph, draft.grid), ...(owner === undefined ? {} : { owner }) };
  return { text, definition, resolved };
}

const nameOf = (body: unknown) => (isObject(body) && typeof body['id'] === 'string' ? body['id'] : '?');
const sameSet = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((id) => b.includes(id));

function checkOwner({ owner, visibility }: LayerDraft, author: string | null, faults: Faults): void {
  if (author !== null && owner !== undefined && owner !== author) faults.add(`${LAYER}/owner`, 'must be you; leave it out and it is filled in');
  if (author === null && owner === undefined && visibility === 'private') faults.add(`${LAYER}/visibility`, 'can\'t be \'private\' without an owner; add `owner`, or nobody will see the layer');
}

/** Every source must exist, be visible to the author, and not lead back to the layer itself. */
async function checkSources(id: string, sources: readonly string[], { catalog }: Engine, author: string | null, faults: Faults): Promise<void> {
  const path = `${LAYER}/process_graph`;
  for (const source of sources) {
    if (source === id) {
      faults.add(path, `loads the layer itself: ${id} → ${id}`);
      continue;
    }
    const found = await catalog.collection(source);
    if (!found || !isVisible(found, author ?? undefined)) faults.add(path, `loads the collection '${source}', which does not exist`, 'CollectionNotFound');
    else await findCircle(found, [id, source]);
  }
  async function findCircle(collection: StacCollection, trail: readonly string[]): Promise<void> {
    for (const next of definitionOf(collection)?.sources ?? []) {
      if (next === id) return faults.add(path, `goes round in a circle: ${[...trail, next].join(' → ')}`);
      if (trail.length > MAX_DEPTH) return faults.add(path, `builds on more than ${MAX_DEPTH} layers upon each other`);
      const inner = await catalog.collection(next);
      if (inner) await findCircle(inner, [...trail, next]);
    }
  }
}

/** Tries a drafted layer on its source, and describes what comes out. Throws LayerInvalid. */
export async function completeLayer({ text, definition: draft, resolved }: DraftedLayer, context: DefinitionContext): Promise<DefinedLayer> {
  const faults = new Faults();
  const root = await rootOf({ 'lamina:layer': draft, id: text.id } as unknown as StacCollection, (id) => context.engine.catalog.collection(id));
  const trial = await tryGraph(draft, root, context, faults);
  if (!trial) throw new LayerInvalid(text.id, faults.list);
  const { cube, item, newest } = trial;
  const reference = cube.attributes.operator;
  const operator = reference === undefined ? null : context.engine.operators.resolve(reference);
  const definition: LayerDefinition = {
    ...draft,
    ...(operator ? { operator: operator.reference } : {}),
    ...(await keepsDates(draft, newest, context.engine) ? {} : { has_items: false }),
  };
  checkCache(definition, operator, cube, faults);
  checkViews(definition, operator, cube, faults);
  await checkDivision(definition, item, context.engine, faults);
  if (faults.list.length > 0) throw new LayerInvalid(text.id, faults.list);
  return { collection: describeResult(text, definition, { cube, operator, root }), resolved };
}

/** The cube over the first of the newest items where the graph finds data. */
async function tryGraph(definition: LayerDefinition, root: StacCollection, { engine, items }: DefinitionContext, faults: Faults): Promise<{ cube: Cube; item: StacItem; newest: readonly StacItem[] } | null> {
  const page = await items.search({ collections: [root.id], limit: TRIAL_ITEMS });
  const path = `${LAYER}/process_graph`;
  if (page.items.length === 0) faults.add(path, `loads '${root.id}', which has no items yet; a layer can be tried and published when there are some`);
  for (const [index, item] of page.items.entries()) {
    try {
      const value = await openGraph(engine, definition.process_graph, item, { user: definition.owner ?? null });
      if (value instanceof Cube && value.grid) return { cube: value, item, newest: page.items };
      faults.add(path, value instanceof Cube ? 'must end in a data cube with x and y, but these are gone' : 'must end in a data cube; leave save_result out, and let the node whose result is the cube have `result`: true');
      return null;
    } catch (error) {
      if (isOpenEOError(error, 'NoDataAvailable') && index < page.items.length - 1) continue;
      takeTrialError(error, definition, path, faults);
      return null;
    }
  }
  return null;
}

function takeTrialError(error: unknown, { grid }: LayerDefinition, path: string, faults: Faults): void {
  if (grid && isOpenEOError(error, 'OperatorGridUnsuitable')) {
    const hint = isGeographic(grid.crs) ? ' A grid of degrees has no square pixels: choose a projected CRS.' : ' The resolution is that of the pixels; a patch operator gives a vector per resolution × patch.';
    return faults.add(isGeographic(grid.crs) ? `${LAYER}/grid/crs` : `${LAYER}/grid/resolution`, error.message + hint, error.code);
  }
  faults.take(error, path);
}

/** Whether the result for one item alone has exactly the date of the item; told by the first item that the graph does not leave out. */
async function keepsDates(definition: LayerDefinition, items: readonly StacItem[], engine: Engine): Promise<boolean> {
  for (const item of items) {
    try {
      const cube = await openGraph(engine, definition.process_graph, item, { user: definition.owner ?? null, isAlone: true });
      const dates = cube instanceof Cube ? cube.find('temporal') : undefined;
      return dates?.size === 1 && dates.labels?.[0] === itemInstant(item);
    } catch (error) {
      // Left out by a filter; or the second source of a merge has nothing at that instant.
      if (!isOpenEOError(error)) throw error;
    }
  }
  return false;
}

/** A cache that can't hold one block would compute everything again and again. */
function checkCache({ cache }: LayerDefinition, operator: Operator | null, cube: Cube, faults: Faults): void {
  if (cache?.max_bytes === undefined) return;
  const edge = operator ? BLOCK_PATCHES : cellSource(cube).edge;
  const bands = operator ? operator.manifest.output.dimensions : (cube.find('bands')?.size ?? 1);
  // Samples, and a byte per cell that says whether there are any.
  const block = edge * edge * (bands * (operator ? 4 : sampleSize(cube.dtype)) + 1);
  if (cache.max_bytes < block) faults.add(`${LAYER}/cache/max_bytes`, `must be ${block} at least: so large is one block of ${edge} × ${edge} ${operator ? 'vectors' : 'cells'} with ${bands} bands`);
}

function checkViews({ views }: LayerDefinition, operator: Operator | null, cube: Cube, faults: Faults): void {
  if (!views) return;
  const path = `${LAYER}/views`;
  if (!operator) return faults.add(path, 'can\'t be had: views are those of embeddings, and the result of this graph is none');
  const method = cube.attributes.encoding?.method ?? 'float32';
  if (method !== 'float32') return faults.add(path, `can't be had: the graph gives ${method} already; leave \`quantization\` out of it`);
  views.forEach((view, i) => {
    if (!quantizations.includes(view)) faults.add(`${path}/${i}`, `must be one of ${quantizations.join(', ')}, not '${view}'; the first dimensions are no view, they are chosen by their bands when the layer is loaded`);
  });
}

/** On a grid of the same reference system pixels are picked evenly only when one size divides the other. */
async function checkDivision({ grid, sources, owner, process_graph: graph }: LayerDefinition, item: StacItem, engine: Engine, faults: Faults): Promise<void> {
  if (!grid) return;
  const scope = new EngineScope(engine, { signal: AbortSignal.timeout(10_000), log: silentLog, user: owner ?? null });
  const load = Object.values(graph).find((node) => node.process_id === 'load_collection' && node.arguments['id'] === sources[0])!;
  const wanted: unknown = load.arguments['bands'];
  const bands = Array.isArray(wanted) && wanted.every((band) => typeof band === 'string') ? (wanted as string[]) : null;
  const source = await scope.loadCollection({ id: sources[0]!, spatialExtent: itemExtent(item), temporalExtent: null, bands, properties: null });
  if (!source.grid || source.grid.crs !== grid.crs) return;
  const ratio = Math.max(grid.resolution / source.grid.stepX, source.grid.stepX / grid.resolution);
  if (Math.abs(ratio - Math.round(ratio)) > 1e-6) {
    faults.add(`${LAYER}/grid/resolution`, `must be a whole multiple or a whole part of ${source.grid.stepX}, the pixels of '${sources[0]}': ${grid.resolution} would take them unevenly`);
  }
}
