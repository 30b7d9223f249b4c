/**
 * Lane 'backfill', kind 'materialise': computes an area and time range of a layer and writes it to files,
 * or only into the cache when no format is asked for.
 *
 * A try that ends early (a killed worker, a full disk) is followed by another one, which finds what is done:
 * files by their names, shards by their objects, blocks by their keys.
 */
import type { BlockCatalogStore } from '../../catalog/block-catalog.ts';
import type { Materialisation } from '../../catalog/materialisations.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import { findFormat } from '../../formats/index.ts';
import type { Engine } from '../../layers/scope.ts';
import { isOpenEOError, OpenEOError } from '../../errors.ts';
import { triesPerLane, type TaskContext } from '../../jobs/queue.ts';
import { openArea, type Area } from './area.ts';
import { writeCogs } from './cogs.ts';
import { fileAsset } from '../file-item.ts';
import { describeFiles, materialItem, publishItem } from './items.ts';
import { Output, Unwanted, type OutputDependencies } from './output.ts';
import { warm } from './warm.ts';
import { writeZarr, ZARR_MEDIA_TYPE, ZARR_NAME } from './zarr.ts';

export const MATERIALISE = 'materialise';

/** What travels on the lane. */
export interface MaterialiseTask {
  readonly id: string;
}

export interface MaterialiseDependencies extends OutputDependencies {
  readonly engine: Engine;
  readonly catalog: CatalogStore;
  readonly blocks: Pick<BlockCatalogStore, 'record' | 'flush'>;
}

/** Makes the handler. Doing a task twice is harmless. */
export function createMaterialiseHandler(dependencies: MaterialiseDependencies): (task: MaterialiseTask, context: TaskContext) => Promise<void> {
  const { store, log } = dependencies;
  return async ({ id }, { signal, attempt }) => {
    const record = await store.begin(id);
    if (!record) return;
    try {
      await materialise(record, dependencies, signal);
      // Who is told that it is done looks at what is cached.
      await dependencies.blocks.flush();
      await store.finish(id);
    } catch (error) {
      if (error instanceof Unwanted) return;
      signal.throwIfAborted();
      const isHopeless = isOpenEOError(error) && error.status < 500;
      if (isHopeless || attempt >= triesPerLane.backfill) await store.fail(id, isOpenEOError(error) ? error.message : 'An unforeseen error, which the log of the worker tells.');
      // What was asked for wrongly is told to who asked; it is no trouble of the service.
      if (isHopeless) log.info(`Materialisation ${id} can't be done: ${error.message}`);
      else log.error(`Materialisation ${id} failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
      throw error;
    }
  };
}

async function materialise(record: Materialisation, dependencies: MaterialiseDependencies, signal: AbortSignal): Promise<void> {
  const output = await Output.open(record, dependencies, signal);
  const area = await openCurrent(dependencies.engine, record, signal);
  const steps = stepsOf(record, area, output, dependencies);
  for (const [i, step] of steps.entries()) await step((share) => output.report((i + share) / steps.length));
  const { formats } = record;
  if (formats.includes('Zarr') || formats.includes('Parquet')) await publishWhole(area, output, dependencies);
  if (formats.length > 0) await describeFiles(dependencies.catalog, area.layer);
}

/** Throws CollectionNotFound when the layer got another version since it was asked for: versions are never mixed. */
async function openCurrent(engine: Engine, record: Materialisation, signal: AbortSignal): Promise<Area> {
  const area = await openArea(engine, record, signal);
  if (area.layer.files === record.files) return area;
  throw new OpenEOError('CollectionNotFound', { identifier: record.layer }, { detail: 'The layer has another version by now: ask for it again.' });
}

type Step = (report: (share: number) => Promise<void>) => Promise<void>;

/** Files of whole dates come first: what comes after them reads the blocks from the files. */
function stepsOf({ formats }: Materialisation, area: Area, output: Output, dependencies: MaterialiseDependencies): Step[] {
  const steps: Step[] = formats.length === 0 ? [(report) => warm(area, output, report)] : [];
  if (formats.includes('GTiff')) steps.push((report) => writeCogs(area, output, dependencies, report));
  if (formats.includes('Zarr')) steps.push((report) => writeZarr(area, output, report));
  if (formats.includes('Parquet')) steps.push((report) => writeParquet(area, output, report));
  return steps;
}

const PARQUET_NAME = 'embeddings.parquet';

/** One GeoParquet file of all dates: a row per vector. */
async function writeParquet(area: Area, output: Output, report: (share: number) => Promise<void>): Promise<void> {
  if (output.has(PARQUET_NAME)) return;
  const { signal, log } = output;
  await output.inDirectory(async (directory) => {
    const onProgress = (share: number) => void report(share).catch(() => {});
    const [file] = await findFormat('Parquet').write(area.cube, { filename_prefix: 'embeddings' }, { directory, signal, log, onProgress });
    await output.finish({ name: PARQUET_NAME, ...await output.keep(PARQUET_NAME, file!), item: null });
  });
  await report(1);
}

/** The item of the files that hold all dates. */
async function publishWhole({ layer, cube }: Area, output: Output, { catalog, store }: MaterialiseDependencies): Promise<void> {
  const { record } = output;
  const time = cube.find('temporal');
  const labels = time ? cube.labels(time.name).map(String) : [new Date().toISOString()];
  const files = await store.files(record.id);
  const of = (name: string) => files.find((file) => file.name === name);
  const [zarr, parquet] = [of(ZARR_NAME), of(PARQUET_NAME)];
  const item = materialItem({
    id: record.id, layer, record, cube,
    time: [labels[0]!, labels.at(-1)!],
    sources: cube.attributes.sources ?? [],
    assets: {
      ...(zarr && { zarr: { ...fileAsset({ mediaType: ZARR_MEDIA_TYPE, roles: ['data'], metadata: {} }, zarr, 'All dates as Zarr v3'), href: `/layers/${layer.id}/materialisations/${record.id}/${ZARR_NAME}` } }),
      ...(parquet && { vectors: fileAsset({ mediaType: 'application/vnd.apache.parquet', roles: ['data'], metadata: {} }, parquet, 'A row per vector as GeoParquet') }),
    },
  });
  await publishItem(catalog, layer, item);
}
