/** The result format netCDF: one CF file with all dates and dimensions, written window by window. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Block, Window } from '../../cube/block.ts';
import { pickedEncoding } from '../../cube/attributes.ts';
import type { Cube, Encoding } from '../../cube/cube.ts';
import type { Dimension } from '../../cube/dimension.ts';
import { isFloat } from '../../cube/dtype.ts';
import { permute } from '../../cube/permute.ts';
import { splitWindow, withRange } from '../../cube/window.ts';
import { encodeBlock, storedTypeFor, withFreeNodata, withWantedNodata, type StoredType } from '../cog/stored-type.ts';
import { quantizationFields, SCALE_BAND } from '../embedding-codes.ts';
import { filenamePrefix, readOptions, type Options } from '../options.ts';
import { requireCells, type PlannedBand } from '../raster-plan.ts';
import { rasterAsset } from '../stac-asset.ts';
import { StatisticsGatherer } from '../statistics.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from '../writer.ts';
import { NetcdfFile, type StoredArray, type StoredCode } from './file.ts';
import { coordinateOf, gridMapping, placesOf, planVariables, type Attributes, type DataVariable } from './variables.ts';

const description: FormatDescription = {
  title: 'netCDF-4',
  description: 'One file with all dates, following the CF conventions. Up to 32 bands become variables; more bands, and every other dimension, stay dimensions of the variable `data`. No-data is the `_FillValue`; NaN stays NaN. int8 embeddings have `scale_factor` and `add_offset` where every variable has one of each, otherwise they are stored as float32, as are float16 ones; the attributes `quantization…` say how other codes of embeddings are read, scales of vectors are in the variable `scale`. The coordinate reference system is in the variable `crs`. Of the geometries of a vector cube there are the labels, and longitude and latitude of their middle (`lon`, `lat`).',
  gis_data_types: ['raster', 'vector'],
  parameters: {
    filename_prefix: filenamePrefix(),
    zlib: { description: 'Whether variables are compressed (DEFLATE).', type: 'boolean', default: true },
    compression_level: { description: 'How hard to compress, 1 (fastest) to 9 (smallest); also called `complevel`.', type: 'integer', minimum: 1, maximum: 9, default: 4 },
    chunk_size: { description: 'Edge in cells of the chunks in which variables are stored: what a reader fetches for one place.', type: 'integer', minimum: 16, maximum: 4096, default: 256 },
    dtype: { description: 'Sample type to convert to; numbers are rounded and held at its limits. Default: the type of the data; float32 for float16, which netCDF has not.', type: 'string', enum: ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'] },
    nodata: { description: 'The `_FillValue`, which stands for no-data; valid samples of that value become no-data too. Default: netCDF\'s usual one for floats; for integers the value of the source, or one that no sample has.', type: 'number' },
  },
};

export const MEDIA_TYPE = 'application/x-netcdf';

/** Samples written at once: compression happens on this thread, so pieces are small. */
const WINDOW_SAMPLES = 1024 * 1024;
const LARGEST_STEP = 1024;
/** netCDF's usual fill value: far from data, and not NaN, so that NaN and no-data stay apart. */
const FLOAT_FILL = Math.fround(9.969209968386869e36);

export const netcdf: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(() => writeFile(cube, options, context)),
};

interface Settings {
  readonly filename_prefix: string;
  readonly zlib: boolean;
  readonly compression_level: number;
  readonly chunk_size: number;
  readonly dtype?: Exclude<StoredType['dtype'], 'float16'>;
  readonly nodata?: number;
}

async function writeFile(cube: Cube, options: Options, context: WriteContext): Promise<WrittenFile[]> {
  const settings = readOptions(description, options, { complevel: 'compression_level' }) as unknown as Settings;
  requireCells(cube);
  const name = `${settings.filename_prefix}.nc`;
  const path = join(context.directory, name);
  let type = withWantedNodata(typeFor(cube, settings.dtype), settings.nodata);
  for (;;) {
    const pass = new Pass(cube, type, settings, context);
    if (await pass.run(path)) return [{ path, name, mediaType: MEDIA_TYPE, roles: ['data'], metadata: pass.metadata() }];
    type = withFreeNodata(type, ...pass.range());
    await rm(path, { force: true });
    context.log.debug(`Valid samples equal the no-data value: writing '${name}' again with no-data ${type.nodata} as ${type.dtype}`);
  }
}

/** netCDF knows no float16, and a variable has one scale only. */
function typeFor(cube: Cube, wanted: Settings['dtype']): StoredType {
  const type = wanted === undefined && holdsCodes(cube) ? storedTypeFor(cube) : storedTypeFor(cube, wanted ?? (cube.dtype === 'bool' ? 'uint8' : cube.dtype));
  if (!isFloat(type.dtype)) return type;
  return { ...type, dtype: type.dtype === 'float64' ? 'float64' : 'float32', nodata: FLOAT_FILL };
}

/** True when the variables can hold the codes of embeddings. */
function holdsCodes(cube: Cube): boolean {
  const { method, scale, offset } = cube.attributes.encoding ?? {};
  if (method === undefined || !cube.find('bands')) return false;
  if (method !== 'int8') return method !== 'float32' && method !== 'float16';
  const isPerVariable = planVariables(cube).every((v) => v.band !== null);
  return isPerVariable || [scale, offset].every((list) => list!.every((value) => value === list![0]));
}

class Pass {
  readonly #cube: Cube;
  readonly #type: StoredType;
  readonly #chunk: number;
  readonly #level: number;
  readonly #context: WriteContext;
  readonly #variables: readonly { readonly variable: DataVariable; readonly statistics: StatisticsGatherer }[];
  #hasNulls = false;
  #isAmbiguous = false;

  constructor(cube: Cube, type: StoredType, settings: Settings, context: WriteContext) {
    this.#cube = cube;
    this.#type = type;
    this.#chunk = settings.chunk_size;
    this.#level = settings.zlib ? settings.compression_level : 0;
    this.#context = context;
    this.#variables = planVariables(cube).map((variable) => ({ variable, statistics: new StatisticsGatherer() }));
  }

  /** False when valid samples equal the no-data value, so that the file is of no use. */
  async run(path: string): Promise<boolean> {
    const { grid } = this.#cube;
    const file = await NetcdfFile.create(path, { Conventions: 'CF-1.8', source: 'Lamina' });
    try {
      const used = new Set(this.#variables.flatMap(({ variable }) => variable.dimensions));
      for (const [i, dimension] of this.#cube.dimensions.entries()) if (used.has(i)) file.addCoordinate(coordinateOf(this.#cube, dimension));
      if (grid) file.addCarrier('crs', gridMapping(grid));
      for (const place of this.#places) file.addAuxiliary(place, this.#cube.find('geometry')!.name);
      for (const { variable } of this.#variables) this.#addVariable(file, variable);
      if (this.#isPerVector) this.#addScale(file);
      await this.#writeWindows(file);
      return !(this.#isAmbiguous && this.#hasNulls);
    } finally {
      file.close();
    }
  }

  range(): [number, number] {
    const known = this.#variables.map(({ statistics }) => statistics.result()).filter((s) => s !== null);
    return [Math.min(...known.map((s) => s.minimum)), Math.max(...known.map((s) => s.maximum))];
  }

  metadata(): Record<string, unknown> {
    const { grid } = this.#cube;
    if (!grid) return {};
    const { encoding } = this.#type;
    const asset = rasterAsset(grid, this.#variables.map(({ variable, statistics }) => {
      const [scale, offset] = this.#scaleOf(variable);
      return {
        band: bandOf(variable), dataType: this.#type.dtype, statistics: statistics.result(), nodata: this.#type.nodata,
        ...(scale !== undefined && { scale }), ...(offset !== undefined && { offset }),
      };
    }));
    return { ...asset, ...(encoding && { 'lamina:quantization': quantizationFields(encoding) }) };
  }

  #addVariable(file: NetcdfFile, variable: DataVariable): void {
    const dimensions = variable.dimensions.map((i) => this.#cube.dimensions[i]!);
    const [scale, offset] = this.#scaleOf(variable);
    const { description: text, unit, common_name } = variable.description ?? {};
    const attributes: Attributes = {
      ...(text !== undefined && { long_name: text }),
      ...(unit !== undefined && { units: unit }),
      ...(common_name !== undefined && { common_name }),
      ...(this.#cube.grid && { grid_mapping: 'crs' }),
      ...(this.#places.length > 0 && { coordinates: this.#places.map(({ name }) => name).join(' ') }),
      ...(scale !== undefined && { scale_factor: scale }),
      ...(offset !== undefined && { add_offset: offset }),
      ...(this.#type.encoding && quantizationAttributes(this.#type.encoding, variable.band)),
    };
    file.addVariable({
      name: variable.name,
      dtype: this.#type.dtype as StoredCode,
      dimensions: dimensions.map((d) => d.name),
      shape: dimensions.map((d) => d.size),
      chunks: dimensions.map((d) => Math.min(this.#chunkEdge(d), d.size)),
      level: this.#level,
    }, this.#type.nodata, attributes);
  }

  /** Maps are read date by date, series of places whole. */
  #chunkEdge({ type }: Dimension): number {
    if (type === 'spatial') return this.#chunk;
    if (type === 'temporal' && this.#cube.grid) return 1;
    return type === 'temporal' || type === 'geometry' ? 512 : 16;
  }

  /** Where the geometries of a vector cube are. */
  get #places(): ReturnType<typeof placesOf> {
    const dimension = this.#cube.find('geometry');
    return dimension ? placesOf(dimension) : [];
  }

  get #isPerVector(): boolean {
    return this.#type.encoding?.method === 'int8_per_vector';
  }

  #addScale(file: NetcdfFile): void {
    const dimensions = this.#vectorDimensions().map((i) => this.#cube.dimensions[i]!);
    file.addVariable({
      name: SCALE_BAND, dtype: 'float32',
      dimensions: dimensions.map((d) => d.name),
      shape: dimensions.map((d) => d.size),
      chunks: dimensions.map((d) => (d.type === 'spatial' ? Math.min(this.#chunk, d.size) : 1)),
      level: this.#level,
    }, NaN, { long_name: 'scale of the vector: value = code * scale', ...(this.#cube.grid && { grid_mapping: 'crs' }) });
  }

  /** The dimensions of a variable, without that of the bands. */
  #vectorDimensions(): number[] {
    return this.#variables[0]!.variable.dimensions.filter((i) => this.#cube.dimensions[i]!.type !== 'bands');
  }

  #scaleOf({ band, description: text }: DataVariable): [number | undefined, number | undefined] {
    const { encoding } = this.#type;
    return encoding ? [encoding.scale?.[band ?? 0], encoding.offset?.[band ?? 0]] : [text?.scale, text?.offset];
  }

  async #writeWindows(file: NetcdfFile): Promise<void> {
    const { signal, onProgress } = this.#context;
    const total = this.#cube.shape.reduce((a, b) => a * b, 1);
    let done = 0;
    for (const window of windowsOf(this.#cube, this.#chunk, this.#isPerVector)) {
      signal.throwIfAborted();
      const block = await this.#cube.read(window, signal);
      if (block.nulls?.includes(1)) this.#hasNulls = true;
      this.#writeBlock(file, block, window);
      done += block.data.length;
      onProgress?.(done / total);
      // HDF5 works on this thread: let timers and cancellation have their turn.
      await yieldToOthers();
    }
  }

  #writeBlock(file: NetcdfFile, block: Block, window: Window): void {
    const bands = this.#cube.dimensions.findIndex((d) => d.type === 'bands');
    const { samples, scale, nulls, isAmbiguous } = encodeBlock(block, this.#typeIn(window, bands), bands);
    if (isAmbiguous) this.#isAmbiguous = true;
    if (nulls !== block.nulls) this.#hasNulls = true;
    const stored: Block = { dtype: this.#type.dtype, shape: block.shape, data: samples, nulls };
    for (const { variable, statistics } of this.#variables) {
      const isWhole = variable.band === null;
      const ordered = permute(stored, isWhole ? variable.dimensions : [bands, ...variable.dimensions]);
      const part = isWhole ? ordered : bandPart(ordered, variable.band! - window.start[bands]!);
      if (!part) continue;
      statistics.add(part.data, part.nulls, 0, part.data.length);
      this.#writePart(file, variable.name, part, variable.dimensions, window);
    }
    if (scale) this.#writeScale(file, scale, window, bands);
  }

  /** The stored type with the encoding of the bands of a window. */
  #typeIn(window: Window, bands: number): StoredType {
    const { encoding } = this.#type;
    if (!encoding) return this.#type;
    return { ...this.#type, encoding: pickedEncoding(encoding, Array.from({ length: window.size[bands]! }, (_, i) => window.start[bands]! + i)) };
  }

  #writeScale(file: NetcdfFile, scale: Float32Array<ArrayBuffer>, window: Window, bands: number): void {
    const dimensions = this.#vectorDimensions();
    const left = window.size.map((_, i) => i).filter((i) => i !== bands);
    const block: Block = { dtype: 'float32', shape: left.map((i) => window.size[i]!), data: scale, nulls: null };
    this.#writePart(file, SCALE_BAND, permute(block, dimensions.map((i) => left.indexOf(i))), dimensions, window);
  }

  #writePart(file: NetcdfFile, name: string, { data }: Block, dimensions: readonly number[], window: Window): void {
    file.write(name, dimensions.map((i) => window.start[i]!), dimensions.map((i) => window.size[i]!), data as StoredArray);
  }
}

/** How codes become values again: scale_factor and add_offset are said elsewhere, as CF wants them. */
function quantizationAttributes(encoding: Encoding, band: number | null): Attributes {
  const { method, formula, power, gain, scale, threshold } = quantizationFields(encoding);
  return {
    quantization: encoding.method,
    quantization_method: method,
    ...(formula !== undefined && { quantization_formula: formula }),
    ...(power !== undefined && { quantization_power: power }),
    ...(gain !== undefined && { quantization_gain: gain }),
    ...(scale?.type === 'scalar' && { quantization_scale: scale.scale }),
    ...(scale?.type === 'array' && { quantization_scale_variable: scale.array_name }),
    ...(threshold && { quantization_threshold: band === null ? Float64Array.from(threshold) : threshold[band]! }),
  };
}

/**
 * Windows of whole chunks; time steps and bands come one after the other before space is cut. With
 * `withWholeVectors` bands are not cut, and windows are one chunk wide instead.
 */
function* windowsOf(cube: Cube, chunk: number, withWholeVectors: boolean): Generator<Window> {
  const x = cube.dimensions.findIndex((d) => d.axis === 'x');
  const y = cube.dimensions.findIndex((d) => d.axis === 'y');
  const spans = [x, y].filter((i) => i >= 0);
  let windows: Window[] = [cube.fullWindow()];
  for (const i of spans) {
    const size = cube.dimensions[i]!.size;
    const step = withWholeVectors ? chunk : chunk * Math.max(1, Math.floor(LARGEST_STEP / chunk));
    windows = windows.flatMap((window) => Array.from({ length: Math.ceil(size / step) }, (_, k) => withRange(window, i, k * step, Math.min(step, size - k * step))));
  }
  const whole = withWholeVectors ? [...spans, cube.dimensions.findIndex((d) => d.type === 'bands')] : spans;
  for (const window of windows) yield* splitWindow(window, WINDOW_SAMPLES, whole);
}

/** One band of a block whose first dimension is that of the bands; undefined when the block does not have it. */
function bandPart(block: Block, band: number): Block | undefined {
  const [count = 0, ...shape] = block.shape;
  if (band < 0 || band >= count) return undefined;
  const length = block.data.length / count;
  const cut = <T extends { subarray(a: number, b: number): T }>(array: T) => array.subarray(band * length, (band + 1) * length);
  return { dtype: block.dtype, shape, data: cut(block.data as Uint8Array) as Block['data'], nulls: block.nulls && cut(block.nulls) };
}

const bandOf = (variable: DataVariable): PlannedBand => ({ name: variable.name, label: variable.band ?? 0, ...(variable.description && { description: variable.description }) });
