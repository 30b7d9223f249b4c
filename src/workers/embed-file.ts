/** Embeds a raster file on its own, without a catalog, a queue or a cache: what `lamina run` does. Same lattice, same masks, same vectors as in the service. */
import { mkdtemp, rename, rm, stat, copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { uploadedRasters } from '../catalog/uploaded/rasters.ts';
import type { Cube, Quantization } from '../cube/cube.ts';
import { isOpenEOError, OpenEOError } from '../errors.ts';
import { gtiff } from '../formats/cog/write.ts';
import type { RasterCache } from '../formats/cog/raster-cache.ts';
import { computeBlock } from '../layers/compute-block.ts';
import { storedBlock } from '../layers/embed-block.ts';
import { embeddedCube, embedSource } from '../layers/embedded-cube.ts';
import type { EmbedBlocks, WantedBlock } from '../layers/embed-blocks.ts';
import { isEmbedSource } from '../layers/block-source.ts';
import { blocksOf } from '../layers/patch-lattice.ts';
import type { Log } from '../log.ts';
import { createRegistry } from '../operators/registry/installed.ts';
import type { Operator, OperatorRuntime } from '../operators/operator.ts';

export interface FileToEmbed {
  /** Paths; the output is a GeoTIFF. */
  readonly input: string;
  readonly output: string;
  readonly operator: Operator;
  /** Names of the bands of the file; null: those in the file, or, where it has as many as the operator wants, the operator's. */
  readonly bands: readonly string[] | null;
  readonly quantization: Quantization;
}

export interface FileEmbedder {
  readonly runtime: OperatorRuntime;
  readonly rasters: RasterCache;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called when a block is done. */
  readonly onProgress: (done: number, of: number) => void;
  /** Blocks asked for at a time; default 16, what one run of a program takes. */
  readonly parallel?: number;
}

/** What was made. */
export interface EmbeddedFile {
  readonly files: readonly string[];
  readonly blocks: number;
  readonly width: number;
  readonly height: number;
  readonly dimensions: number;
}

/** Throws what compress_embed throws, FormatUnsuitable for a file that is no GeoTIFF with a place, and what the runtime throws. */
export async function embedFile(file: FileToEmbed, embedder: FileEmbedder): Promise<EmbeddedFile> {
  const { operator, quantization } = file;
  const source = await openBands(file, embedder);
  const operators = createRegistry([operator]);
  const registry = { ...operators, resolve: () => operator };
  const { lattice } = embedSource({ data: source, model: operator.reference }, registry);
  const { grid } = lattice;
  const total = blocksOf(lattice, { x: 0, y: 0, width: grid.width, height: grid.height }).length * dates(source);
  const blocks = new FileBlocks(embedder, total);
  const cube = embeddedCube({ data: source, origin: {}, model: operator.reference, quantization, dimensions: null }, { operators: registry, blocks, wish: { user: null, layer: null, facts: { cached: 0, computed: 0 } } });
  const files = await write(cube, file.output, embedder);
  return { files, blocks: blocks.done, width: grid.width, height: grid.height, dimensions: operator.manifest.output.dimensions };
}

const dates = (cube: Cube) => cube.find('temporal')?.size ?? 1;

/** Bands without names that fit in number are taken in the operator's order: many tools write no names. */
async function openBands({ input, operator, bands }: FileToEmbed, { rasters }: FileEmbedder): Promise<Cube> {
  const path = resolve(input);
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new OpenEOError('FileNotFound', { file: input });
  const raster = await rasters.open(path);
  const named = { path: basename(path), href: path, version: raster.source.version, sizeBytes: found.size, modified: found.mtime.toISOString() };
  const open = (bandNames: readonly string[] | null) => uploadedRasters([named], { rasters, bandNames, onRead: () => {} });
  const wanted = operator.manifest.input.bands.map(({ name }) => name);
  const cube = await open(bands);
  const isNameless = bands === null && raster.bands.every(({ name }) => name === null) && raster.bands.length === wanted.length;
  try {
    embedSource({ data: cube, model: operator.reference }, { list: () => [operator], resolve: () => operator });
    return cube;
  } catch (error) {
    if (isNameless && isOpenEOError(error, 'OperatorBandsMissing')) return open(wanted);
    throw error;
  }
}

/** Computes blocks when they are asked for; keeps none. */
class FileBlocks implements Pick<EmbedBlocks, 'read'> {
  readonly #embedder: FileEmbedder;
  readonly #total: number;
  done = 0;

  constructor(embedder: FileEmbedder, total: number) {
    this.#embedder = embedder;
    this.#total = total;
  }

  async read<W extends WantedBlock>(wanted: readonly W[], { signal }: Parameters<EmbedBlocks['read']>[1], put: Parameters<EmbedBlocks['read']>[2] extends (block: infer B, of: never) => void ? (block: B, of: W) => void : never): Promise<void> {
    const waiting = wanted.values();
    const lane = async () => {
      for (const want of waiting) {
        if (!isEmbedSource(want.source)) throw new TypeError('only embeddings are computed here');
        const block = await computeBlock(want.source, want.position, want.index, this.#embedder.runtime, signal);
        put(storedBlock(block), want);
        this.done++;
        this.#embedder.onProgress(Math.min(this.done, this.#total), this.#total);
      }
    };
    await Promise.all(Array.from({ length: this.#embedder.parallel ?? 16 }, lane));
  }
}

/** The file appears under its name when it is whole. */
async function write(cube: Cube, output: string, { log, signal }: FileEmbedder): Promise<string[]> {
  const target = resolve(output);
  await mkdir(dirname(target), { recursive: true });
  const directory = await mkdtemp(join(dirname(target), '.lamina-'));
  try {
    const written = await gtiff.write(cube, {}, { directory, signal, log });
    const stem = target.slice(0, target.length - extname(target).length);
    const paths = written.map(({ name }, i) => (i === 0 ? target : `${stem}_${name}`));
    for (const [i, { path }] of written.entries()) await move(path, paths[i]!);
    return paths;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A rename, or a copy where the writer used another file system. */
async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV') throw error;
    await copyFile(from, to);
  });
}
