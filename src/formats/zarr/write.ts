/** The result format Zarr: a Zarr v3 store in one ZIP file, written shard by shard. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cube } from '../../cube/cube.ts';
import { isFloat } from '../../cube/dtype.ts';
import { storedTypeFor, withFreeNodata, type StoredType } from '../cog/stored-type.ts';
import { filenamePrefix, readOptions, refuse, type Options } from '../options.ts';
import { rasterAsset } from '../stac-asset.ts';
import { StatisticsGatherer } from '../statistics.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from '../writer.ts';
import { ZarrStore, type EncodedShard, type ZarrSettings } from './store.ts';
import { ZipWriter } from './zip.ts';

const description: FormatDescription = {
  title: 'Zarr v3',
  description: 'One ZIP file with a Zarr v3 store, which zarr-python, xarray and zarrita open without unpacking; unpacked it is the same store as a directory. The array `embeddings` (`data` for other cubes) holds all dates as [t, …, bands, y, x], in shards (`sharding_indexed`) of small chunks compressed with Zstandard; chunks without data are left out. Metadata is consolidated, follows CF and the conventions `proj:`, `spatial:` and, for embeddings, `geoemb:`. Integers keep their type; floats use NaN for no-data, so NaN and no-data are one in this format (netCDF and JSON keep them apart). Embeddings are stored as their quantization says; where a scale belongs to each dimension or vector it is in the array `scale`.',
  gis_data_types: ['raster'],
  parameters: {
    shard_size: { description: 'Edge of a shard, which is one object of the store, in cells; rounded up to whole chunks. Default: a power of two so that a shard has at most 64 MiB.', type: 'integer', minimum: 1 },
    chunk_size: { description: 'Edge of the chunks inside a shard in cells: what a reader fetches for one place. Default: a power of two so that a chunk has about 64 KiB.', type: 'integer', minimum: 1 },
    compression_level: { description: 'Level of Zstandard, 1 to 19: higher is smaller and slower.', type: 'integer', minimum: 1, default: 3 },
    filename_prefix: filenamePrefix('Name of the file, without its ending `.zarr.zip`.'),
  },
};

export const MEDIA_TYPE = 'application/zip+zarr';

const HIGHEST_LEVEL = 19;
/** Edges beyond this make no sense, and shards that don't fit in memory. */
const LARGEST_EDGE = 4096;
/** Bytes of the largest shard that options may ask for, before compression. */
const MOST_SHARD_BYTES = 512 * 1024 * 1024;

export const zarr: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(() => writeFile(cube, options, context)),
};

async function writeFile(cube: Cube, options: Options, context: WriteContext): Promise<WrittenFile[]> {
  const settings = readSettings(options);
  const name = `${settings.prefix}.zarr.zip`;
  const path = join(context.directory, name);
  let type = storedTypeFor(cube);
  for (;;) {
    const pass = new Pass(cube, { ...settings, type }, context);
    if (await pass.run(path)) return [{ path, name, mediaType: MEDIA_TYPE, roles: ['data'], metadata: pass.metadata() }];
    type = withFreeNodata(type, ...pass.range());
    await rm(path, { force: true });
    context.log.debug(`Valid samples equal the no-data value: writing '${name}' again with no-data ${type.nodata} as ${type.dtype}`);
  }
}

/** Throws ProcessParameterInvalid for options that make no store. */
function readSettings(options: Options): ZarrSettings & { readonly prefix: string } {
  const { shard_size: shard, chunk_size: chunk, compression_level: level, filename_prefix: prefix } = readOptions(description, options) as {
    readonly shard_size?: number; readonly chunk_size?: number; readonly compression_level: number; readonly filename_prefix: string;
  };
  if (level > HIGHEST_LEVEL) throw refuse(`'compression_level' must be at most ${HIGHEST_LEVEL}`);
  for (const [name, edge] of [['shard_size', shard], ['chunk_size', chunk]] as const) {
    if (edge !== undefined && edge > LARGEST_EDGE) throw refuse(`'${name}' must be at most ${LARGEST_EDGE}`);
  }
  if (shard !== undefined && chunk !== undefined && shard < chunk) throw refuse(`'shard_size' (${shard}) must not be less than 'chunk_size' (${chunk})`);
  return { prefix, level, ...(shard !== undefined && { shardSize: shard }), ...(chunk !== undefined && { chunkSize: chunk }) };
}

/** One attempt to write the file. */
class Pass {
  readonly #cube: Cube;
  readonly #store: ZarrStore;
  readonly #type: StoredType;
  readonly #context: WriteContext;
  readonly #statistics: readonly StatisticsGatherer[];
  #hasNulls = false;
  #isAmbiguous = false;

  constructor(cube: Cube, settings: ZarrSettings, context: WriteContext) {
    this.#cube = cube;
    this.#store = new ZarrStore(cube, settings);
    if (this.#store.shardBytes > MOST_SHARD_BYTES) throw refuse(`'shard_size' makes shards of ${Math.ceil(this.#store.shardBytes / 1024 ** 2)} MiB; at most ${MOST_SHARD_BYTES / 1024 ** 2} MiB fit in memory`);
    this.#type = this.#store.type;
    this.#context = context;
    this.#statistics = this.#store.bands.map(() => new StatisticsGatherer());
  }

  /** False when valid samples equal the no-data value, so that the file is of no use. */
  async run(path: string): Promise<boolean> {
    const zip = new ZipWriter(path, this.#context.signal);
    try {
      for (const { key, bytes } of this.#store.metadata()) await zip.add(key, bytes);
      for (let i = 0; i < this.#store.shardCount; i++) await this.#writeShard(zip, i);
      await zip.finish();
    } catch (error) {
      await zip.abandon();
      throw error;
    }
    if (this.#hasNulls && isFloat(this.#type.dtype) && this.#statistics.some((s) => s.hasNaN)) this.#context.log.warning('The data has NaN values. This Zarr store can\'t tell them from no-data; save as netCDF or JSON to keep them apart.');
    return !(this.#isAmbiguous && this.#hasNulls);
  }

  /** Smallest and largest stored value seen. */
  range(): [number, number] {
    const known = this.#statistics.map((s) => s.result()).filter((s) => s !== null);
    return [Math.min(...known.map((s) => s.minimum)), Math.max(...known.map((s) => s.maximum))];
  }

  metadata(): Record<string, unknown> {
    const { encoding, dtype, nodata } = this.#type;
    return rasterAsset(this.#cube.grid!, this.#store.bands.map((band, i) => {
      const scale = encoding ? encoding.scale?.[band.label] : band.description?.scale;
      const offset = encoding ? encoding.offset?.[band.label] : band.description?.offset;
      return {
        band, dataType: dtype, statistics: this.#statistics[i]!.result(), nodata,
        ...(scale !== undefined && { scale }), ...(offset !== undefined && { offset }),
      };
    }));
  }

  async #writeShard(zip: ZipWriter, index: number): Promise<void> {
    const { signal, onProgress } = this.#context;
    signal.throwIfAborted();
    const block = await this.#cube.read(this.#store.shard(index).window, signal);
    const shard = await this.#store.encode(index, block, signal);
    this.#gather(shard);
    for (const { key, bytes } of shard.objects) await zip.add(key, bytes);
    onProgress?.((index + 1) / this.#store.shardCount);
  }

  #gather({ samples, nulls, isAmbiguous }: EncodedShard): void {
    if (isAmbiguous) this.#isAmbiguous = true;
    if (nulls?.includes(1)) this.#hasNulls = true;
    const length = samples.length / this.#statistics.length;
    for (const [band, statistics] of this.#statistics.entries()) statistics.add(samples, nulls, band * length, (band + 1) * length);
  }
}
