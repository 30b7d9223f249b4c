/** compress_embed as a lazy cube: its windows are put together from blocks of embeddings. */
import { invalidArgument, OpenEOError } from '../errors.ts';
import { strides, type Block, type Window } from '../cube/block.ts';
import { Cube, type BandDescription, type CubeAttributes } from '../cube/cube.ts';
import { digest } from '../cube/digest.ts';
import type { Dimension } from '../cube/dimension.ts';
import { spatialAxes } from '../cube/window.ts';
import { matchBands } from '../operators/bands.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import type { CellWindow } from '../geo/grid.ts';
import type { EmbedRequest } from '../graph/scope.ts';
import { withBlockLayout, wholeBlocks, type BlockLayout, type PlacedBlock } from './block-layout.ts';
import { sourceWindowOf, type EmbedSource, type Position } from './compute-block.ts';
import type { StoredBlock } from './block-file.ts';
import { embedBlock, emptyEmbedBlock, type EmbedBlock } from './embed-block.ts';
import { embeddingLabels } from './describe.ts';
import { blockKey, type BlockWish, type EmbedBlocks } from './embed-blocks.ts';
import { onPixels, pixelGrid } from './own-grid.ts';
import { PastedVectors, type VectorAxes } from './paste-vectors.ts';
import { blockCells, blocksOf, BLOCK_PATCHES, patchLattice, type BlockIndex } from './patch-lattice.ts';
import { keptDimensions, viewedCube } from './view.ts';

export interface EmbedDependencies {
  readonly operators: OperatorRegistry;
  readonly blocks: Pick<EmbedBlocks, 'read'>;
  /** On whose behalf blocks are asked for. */
  readonly wish: Omit<BlockWish, 'signal'>;
}

/**
 * The embeddings of a cube, on the operator's patch lattice, with the dimension `embedding` in the place
 * of the bands. Throws OperatorNotFound, OperatorBandsMissing, OperatorGridUnsuitable, and
 * ProcessParameterInvalid for a cube without bands, x or y.
 */
export function embeddedCube(request: EmbedRequest, dependencies: EmbedDependencies): Cube {
  const source = embedSource(request, dependencies.operators);
  const { manifest } = source.operator;
  const view = { quantization: request.quantization, count: keptDimensions('compress_embed', request.dimensions, manifest) };
  const names = embeddingLabels(manifest.output.dimensions);
  const dimensions = request.data.dimensions.map((d) => embeddedDimension(d, names, source));
  const blocks = new BlockReader(source, request, dimensions, dependencies);
  const cube = viewedCube(new Cube({
    dimensions,
    grid: source.lattice.grid,
    dtype: 'float32',
    attributes: attributesOf(request, source, names),
    read: (window, signal) => blocks.read(window, signal),
    fingerprint: (window) => blocks.fingerprint(window),
    isEmpty: (window) => blocks.isEmpty(window),
    regrid: (grid, method) => embeddedCube({ ...request, onto: { grid: pixelGrid(grid, manifest), method, patch: manifest.patch } }, dependencies),
  }), manifest, view);
  const isWhole = view.quantization === 'float32' && view.count === names.length;
  return isWhole ? withBlockLayout(cube, blocks) : cube;
}

/** Checks that the operator can be applied to the cube, and how. */
export function embedSource(request: Pick<EmbedRequest, 'data' | 'model' | 'options' | 'onto'>, operators: OperatorRegistry): EmbedSource {
  const data = request.onto ? onPixels(request.data, request.onto) : request.data;
  const operator = operators.resolve(request.model, request.options);
  const bandsDimension = data.find('bands');
  if (!bandsDimension) throw new OpenEOError('DimensionMissing', {}, { detail: `compress_embed needs it to find the input bands of '${operator.manifest.name}'.` });
  if (!data.grid) throw invalidArgument('compress_embed', 'data', 'the cube needs x and y dimensions on a regular grid');
  const described: readonly BandDescription[] = data.attributes.bands ?? data.labels(bandsDimension.name).map((l) => ({ name: String(l) }));
  const bands = matchBands(operator.manifest, described);
  return { cube: data, operator, bands, lattice: patchLattice(data.grid, data.attributes.anchor, operator.manifest) };
}

function embeddedDimension(dimension: Dimension, names: readonly string[], source: EmbedSource): Dimension {
  if (dimension.type === 'bands') return { name: 'embedding', type: 'bands', size: names.length, labels: names };
  if (dimension.axis === 'x') return { name: dimension.name, type: 'spatial', axis: 'x', size: source.lattice.grid.width };
  if (dimension.axis === 'y') return { name: dimension.name, type: 'spatial', axis: 'y', size: source.lattice.grid.height };
  return dimension;
}

function attributesOf(request: EmbedRequest, source: EmbedSource, names: readonly string[]): CubeAttributes {
  const { sources, sourcesByLabel } = request.data.attributes;
  const { reference, manifest: { name, version, output, patch } } = source.operator;
  const { grid, first } = source.lattice;
  return {
    bands: names.map((label, i) => ({ name: label, description: `Dimension ${i} of ${name} ${version}` })),
    operator: reference,
    embedding: { operator: reference, name, version, dimensions: output.dimensions, patch, gsd: grid.stepX, norm: output.norm ?? null },
    blockSize: BLOCK_PATCHES,
    anchor: { x: grid.originX - first.x * grid.stepX, y: grid.originY + first.y * grid.stepY },
    ...(sources ? { sources } : {}),
    ...(sourcesByLabel ? { sourcesByLabel } : {}),
  };
}

/** Reads windows of the embedded cube out of blocks. */
class BlockReader implements BlockLayout {
  readonly #source: EmbedSource;
  readonly #request: Pick<EmbedRequest, 'origin' | 'onto'>;
  readonly #dimensions: readonly Dimension[];
  readonly #dependencies: EmbedDependencies;
  readonly #axes: VectorAxes;

  constructor(source: EmbedSource, request: Pick<EmbedRequest, 'origin' | 'onto'>, dimensions: readonly Dimension[], dependencies: EmbedDependencies) {
    this.#source = source;
    this.#request = request;
    this.#dimensions = dimensions;
    this.#dependencies = dependencies;
    this.#axes = { ...spatialAxes(dimensions)!, embedding: dimensions.findIndex((d) => d.name === 'embedding') };
  }

  async read(window: Window, signal: AbortSignal): Promise<Block> {
    const { blocks, wish } = this.#dependencies;
    const wanted = this.#blocks(window).map((place) => ({ source: this.#source, made: this.#request, ...place }));
    const step = strides(window.size);
    const firstSample = (position: Position) => this.#dimensions.reduce((sum, d, i) => (d.name in position ? sum + (position[d.name]! - window.start[i]!) * step[i]! : sum), 0);
    const columns = new Set(wanted.map(({ index }) => index.x)).size;
    const pasted = new PastedVectors(window, this.#axes, columns);
    await blocks.read(wanted, { ...wish, signal }, (stored, { index, position }) => {
      pasted.put(this.#vectors(stored), blockCells(this.#source.lattice, index), firstSample(position));
    });
    return pasted.block;
  }

  #vectors(stored: StoredBlock | null): EmbedBlock {
    const block = stored === null ? emptyEmbedBlock(this.#source.operator.manifest.output.dimensions, BLOCK_PATCHES) : embedBlock(stored);
    if (!block) throw new OpenEOError('StorageFailure', {}, { detail: 'A cached block of embeddings holds something else.' });
    return block;
  }

  async fingerprint(window: Window): Promise<string> {
    const keys: string[] = [];
    for (const { index, position } of this.#blocks(window)) keys.push(await blockKey(this.#source, position, index));
    const { x, y, embedding } = this.#axes;
    const { first } = this.#source.lattice;
    // Counted from the anchor, so that a place has one fingerprint whatever extent it was loaded with; the keys name everything else.
    const place = [window.start[x]! + first.x, window.start[y]! + first.y, window.start[embedding], window.size];
    return digest(['compress_embed', place, keys]);
  }

  /** True when no file touches the pixels of any patch of the window. */
  isEmpty(window: Window): boolean {
    const { x, y, embedding } = this.#axes;
    const { cube, lattice: { first, offset, patch, halo } } = this.#source;
    const pixels = (axis: number, from: number, skipped: number): [number, number] => [(window.start[axis]! + from) * patch - skipped - halo, window.size[axis]! * patch + 2 * halo];
    const range = cube.dimensions.map((d, i): [number, number] => {
      if (i === x) return pixels(x, first.x, offset.x);
      if (i === y) return pixels(y, first.y, offset.y);
      return i === embedding ? [0, d.size] : [window.start[i]!, window.size[i]!];
    });
    return cube.isEmpty?.({ start: range.map((r) => r[0]), size: range.map((r) => r[1]) }) ?? false;
  }

  whole(cells: CellWindow): CellWindow {
    return wholeBlocks(cells, BLOCK_PATCHES, this.#source.lattice.first);
  }

  /** Those without a file below them have no key. */
  async blocks(cells: CellWindow, position: Position): Promise<readonly PlacedBlock[]> {
    const placed: PlacedBlock[] = [];
    for (const index of blocksOf(this.#source.lattice, cells)) {
      if (this.#source.cube.isEmpty?.(sourceWindowOf(this.#source, position, index))) continue;
      placed.push({ key: await blockKey(this.#source, position, index), cells: blockCells(this.#source.lattice, index) });
    }
    return placed;
  }

  /** The blocks of a window, for each position on the other dimensions. */
  #blocks(window: Window): { index: BlockIndex; position: Position }[] {
    const { x, y } = this.#axes;
    const cells = { x: window.start[x]!, y: window.start[y]!, width: window.size[x]!, height: window.size[y]! };
    let positions: Position[] = [{}];
    this.#dimensions.forEach((dimension, i) => {
      if (i === x || i === y || i === this.#axes.embedding) return;
      const indices = Array.from({ length: window.size[i]! }, (_, k) => window.start[i]! + k);
      positions = positions.flatMap((p) => indices.map((index) => ({ ...p, [dimension.name]: index })));
    });
    return positions.flatMap((position) => blocksOf(this.#source.lattice, cells).map((index) => ({ index, position })));
  }
}
