/** Opens netCDF-4 files as lazy cubes: what is in them is read now, samples window by window. */
import { closeSync, openSync, readSync } from 'node:fs';
import h5wasm, { type Dataset } from 'h5wasm/node';
import { createNullBlock, product, type Block, type Window } from '../../cube/block.ts';
import { Cube, type BandDescription } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { bandsDimension, type Dimension } from '../../cube/dimension.ts';
import { allocate, type DType } from '../../cube/dtype.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { commonWindow, isEmptyWindow } from '../../cube/window.ts';
import { isOpenEOError, unsuitableInput } from '../../errors.ts';
import type { Grid } from '../../geo/grid.ts';
import { axesOf } from '../axes.ts';
import { layoutOf, NetcdfProblem, type NetcdfVariable } from './layout.ts';

export interface NetcdfSource {
  /** How messages call the file. */
  readonly name: string;
  /** Names its content: another version has another one. */
  readonly version: string;
  /** Lends the path of the file. */
  use<T>(work: (path: string) => T): Promise<T>;
}

export interface NetcdfOptions {
  /** The variables to read, in this order; null: all that have the same dimensions as the one with most. */
  readonly variables: readonly string[] | null;
  readonly onRead?: (samples: number) => void;
}

/** What is known of an opened file. */
interface Contents {
  readonly variables: readonly NetcdfVariable[];
  readonly dtype: DType;
  readonly dimensions: readonly Dimension[];
  readonly grid: Grid | null;
  /** Position of y among the dimensions of the variables where its rows must be turned over; null otherwise. */
  readonly flipped: number | null;
  /** Position of the dimension of the variables in the cube; null when there is one variable without a name. */
  readonly bands: number | null;
}

/** The first bytes of HDF5. */
const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/** How our own writer calls a variable that is no band. */
const UNNAMED = 'var';

/**
 * The cube of the variables that share their dimensions: a band each, unless there is one that is called 'var'.
 * Stored values are given as they are; scale and offset are told. Fill values are null. Throws FormatUnsuitable
 * for what is no netCDF-4 file, or can't be a cube.
 */
export async function openNetcdf(source: NetcdfSource, options: NetcdfOptions): Promise<Cube> {
  await h5wasm.ready;
  const contents = await inFile(source, (file) => contentsOf(layoutOf(file, options.variables)));
  const { dimensions, grid, dtype, variables, bands } = contents;
  return new Cube({
    dimensions, grid, dtype,
    ...(bands !== null && { attributes: { bands: variables.map(describe) } }),
    read: async (window, signal) => {
      signal.throwIfAborted();
      options.onRead?.(product(window.size));
      return inFile(source, (file) => readWindow(file, contents, window));
    },
    fingerprint: async (window) => digest(['netcdf', source.version, variables.map(({ name }) => name), window.start, window.size]),
  });
}

/** Opens the file for as long as something is read from it: HDF5 works on this thread, and nothing stays open. */
function inFile<T>(source: NetcdfSource, work: (file: InstanceType<typeof h5wasm.File>) => T): Promise<T> {
  return source.use((path) => {
    const file = openFile(path, source.name);
    try {
      return work(file);
    } catch (error) {
      if (isOpenEOError(error)) throw error;
      throw unsuitableInput(`${source.name}: ${error instanceof NetcdfProblem ? error.message : 'it is damaged, or has something in it that is not read'}.`, { cause: error });
    } finally {
      file.close();
    }
  });
}

function openFile(path: string, name: string): InstanceType<typeof h5wasm.File> {
  const refused = (cause?: unknown) => unsuitableInput(`${name} is no netCDF-4 file (netCDF classic is not read).`, { cause });
  // Asked first, because HDF5 complains at length on the error output.
  if (!hasSignature(path)) throw refused();
  try {
    const file = new h5wasm.File(path, 'r');
    if (Number(file.file_id) > 0) return file;
  } catch (error) {
    throw refused(error);
  }
  throw refused();
}

function hasSignature(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(SIGNATURE.length);
    return readSync(file, bytes) === bytes.length && bytes.equals(SIGNATURE);
  } finally {
    closeSync(file);
  }
}

function contentsOf({ variables, axes, crs }: ReturnType<typeof layoutOf>): Contents {
  const { dimensions, grid, flipped } = axesOf(axes, crs);
  const types = new Set(variables.map(({ dtype }) => dtype));
  const dtype = types.size === 1 ? variables[0]!.dtype : 'float64';
  const isUnnamed = variables.length === 1 && (variables[0]!.name === UNNAMED || axes.some(({ type }) => type === 'bands'));
  if (isUnnamed) return { variables, dtype, dimensions, grid, flipped, bands: null };
  // Before space, where rasters have their bands.
  const first = dimensions.findIndex(({ type }) => type === 'spatial');
  const bands = first < 0 ? dimensions.length : first;
  return { variables, dtype, grid, flipped, bands, dimensions: dimensions.toSpliced(bands, 0, bandsDimension(variables.map(({ name }) => name))) };
}

function describe({ name, scale, offset, text }: NetcdfVariable): BandDescription {
  return {
    name,
    ...(text.long_name !== undefined && { description: text.long_name }),
    ...(text.units !== undefined && { unit: text.units }),
    ...(scale !== null && { scale }), ...(offset !== null && { offset }),
  };
}

function readWindow(file: InstanceType<typeof h5wasm.File>, contents: Contents, window: Window): Block {
  const { dimensions, dtype } = contents;
  const out = createNullBlock(dtype, window.size);
  const inside = commonWindow(window, { start: dimensions.map(() => 0), size: dimensions.map(({ size }) => size) });
  if (isEmptyWindow(inside)) return out;
  const { bands, variables } = contents;
  const [first, count] = bands === null ? [0, 1] : [inside.start[bands]!, inside.size[bands]!];
  for (let i = first; i < first + count; i++) {
    const own = bands === null ? inside : { start: inside.start.toSpliced(bands, 1), size: inside.size.toSpliced(bands, 1) };
    const block = readVariable(file.get(variables[i]!.name) as Dataset, variables[i]!, contents, own);
    const place = bands === null ? inside : { start: inside.start.with(bands, i), size: inside.size.with(bands, 1) };
    pasteBlock(out, window, { ...block, shape: place.size }, place);
  }
  return out.nulls?.includes(1) ? out : { ...out, nulls: null };
}

/** The samples of a variable in a window of its own dimensions. */
function readVariable(dataset: Dataset, { fills }: NetcdfVariable, { flipped, dtype }: Contents, { start, size }: Window): Block {
  const shape = dataset.shape!;
  const from = start.map((first, i) => (i === flipped ? shape[i]! - first - size[i]! : first));
  const stored = dataset.slice(from.map((first, i): [number, number] => [first, first + size[i]!])) as ArrayLike<number | bigint>;
  const data = allocate(dtype, stored.length);
  const nulls = new Uint8Array(stored.length);
  const strideOfRow = flipped === null ? 1 : product(size.slice(flipped + 1));
  const rows = flipped === null ? 1 : size[flipped]!;
  for (let i = 0; i < stored.length; i++) {
    const value = Number(stored[i]);
    const row = Math.floor(i / strideOfRow) % rows;
    const to = flipped === null ? i : i + (rows - 1 - 2 * row) * strideOfRow;
    data[to] = value;
    if (fills.some((fill) => Object.is(value, fill) || value === fill)) nulls[to] = 1;
  }
  return { dtype, shape: size, data, nulls };
}
