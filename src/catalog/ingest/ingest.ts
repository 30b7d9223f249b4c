/** `lamina ingest`: makes a collection of files or STAC items that stay where they are. */
import { ingestBulkSources, isBulkSource, type BulkReport } from '../bulk/bulk-sources.ts';
import { unionInterval } from '../interval.ts';
import type { StacCollection, StacItem } from '../types.ts';
import { deriveCollection } from './collection.ts';
import { parseTime, type Time } from './file-name.ts';
import { findFiles } from './find-files.ts';
import { groupFiles, type Acquisition } from './group.ts';
import { itemOf } from './item.ts';
import { sensorOf } from './known-bands.ts';
import { describeCollection, fixAnchors } from './register.ts';
import type { IngestDependencies, IngestReport, IngestRequest, Refusal } from './report.ts';
import { scanFiles } from './scan.ts';
import { isStacSource, readStac } from './stac-source.ts';

/** Items with what people wrote about them, from wherever they came. */
interface Harvest {
  readonly items: readonly StacItem[];
  readonly refused: readonly Refusal[];
  readonly warnings: readonly string[];
  /** Of the source, when it has one. */
  readonly collection?: StacCollection;
}

/**
 * Registers what can be read and reports the rest. Running it again changes nothing; running it with more
 * files adds to the collection. Throws an Error (one line) for a request that makes no sense, and when the
 * collection is a virtual one.
 */
export async function ingest(request: IngestRequest, dependencies: IngestDependencies): Promise<IngestReport> {
  const { store, rasters, log } = dependencies;
  const fallback = checkRequest(request);
  const existing = await store.collection(request.collection);
  if (existing?.['lamina:layer']) throw new Error(`The collection '${request.collection}' is a virtual one: its items are computed, not ingested.`);
  if (existing?.['lamina:upstream']) throw new Error(`The items of the collection '${request.collection}' lie in another catalog; ingest into one of your own.`);
  const harvests: Harvest[] = [];
  const bulk = await filterAsync(request.sources, isBulkSource);
  const bulkReport = await ingestBulkSources(bulk, request, dependencies);
  const sources = request.sources.filter((source) => !bulk.includes(source));
  const paths = sources.filter((source) => !isStacSource(source));
  if (paths.length > 0) harvests.push(await fromFiles(paths, request, fallback, rasters));
  for (const source of sources.filter(isStacSource)) harvests.push(await readStac(source, request.collection, request.limit ?? 1000));
  const items = [...new Map(harvests.flatMap((harvest) => harvest.items).map((item) => [item.id, item])).values()];
  const changed = items.length === 0 ? 0 : await register(request, items, existing ?? harvests.find((h) => h.collection)?.collection ?? null, store);
  const report = withBulk(summarise(request, items, changed, harvests), bulkReport, bulkReport.items > 0 ? await store.collection(request.collection) : null);
  log.info(`Ingested ${report.items} items into '${report.collection}' (${report.changed} new or changed), ${report.refused.length} refused`);
  return report;
}

async function filterAsync<T>(list: readonly T[], test: (entry: T) => Promise<boolean>): Promise<T[]> {
  const tested = await Promise.all(list.map(test));
  return list.filter((_, i) => tested[i]);
}

/** With the items of large files, whose bands and reference systems the collection tells. */
function withBulk(report: IngestReport, bulk: BulkReport, collection: StacCollection | null): IngestReport {
  const names = (collection?.bands ?? []).flatMap((band) => band.name ?? []);
  return {
    ...report,
    items: report.items + bulk.items,
    changed: report.changed + bulk.changed,
    assets: report.assets + bulk.assets,
    bands: [...new Set([...report.bands, ...names])],
    crs: [...new Set([...report.crs, ...[collection?.summaries['proj:code'] ?? []].flat().map(String)])],
    interval: bulk.interval === null ? report.interval : unionInterval(report.interval, bulk.interval),
    refused: [...report.refused, ...bulk.refused],
    warnings: [...report.warnings, ...bulk.warnings],
  };
}

function checkRequest({ collection, sources, datetime, bands }: IngestRequest): Time | null {
  if (!/^[\w.-]+$/.test(collection)) throw new Error(`'${collection}' can't be the id of a collection: use letters, digits, '_', '-' and '.'.`);
  if (sources.length === 0) throw new Error('Nothing to ingest: name a folder, files, or a STAC URL.');
  if (bands && new Set(bands).size !== bands.length) throw new Error('The band names given with --bands must differ.');
  return datetime === undefined ? null : givenTime(datetime);
}

/** The time that somebody gives for files without a date. Throws an Error with one line. */
export function givenTime(datetime: string): Time {
  const time = parseTime(datetime.replace(/\.\d+/, '').replace(/Z$/, ''));
  if (!time) throw new Error(`'${datetime}' is not a date: write 2021-03-01 or 2021-03-01T10:30:00Z.`);
  return time;
}

async function fromFiles(paths: readonly string[], request: IngestRequest, fallback: Time | null, rasters: IngestDependencies['rasters']): Promise<Harvest> {
  const found = await findFiles(paths);
  const scanned = await scanFiles(found.files, rasters, request.bands);
  const grouped = groupFiles(scanned.files, fallback);
  const refused = [...found.refused, ...scanned.refused, ...grouped.refused];
  const items: StacItem[] = [];
  for (const acquisition of grouped.acquisitions) {
    const item = itemOf(request.collection, acquisition, sensorFor(request, acquisition));
    if (item) items.push(item);
    else refused.push(...acquisition.files.map(({ path }) => ({ source: path, reason: 'its coordinates lie outside its coordinate reference system' })));
  }
  const guessed = grouped.acquisitions.filter((acquisition) => acquisition.isTimeGuessed).length;
  const warnings = guessed === 0 ? [] : [`No date was found in names or tags: the ${guessed === 1 ? 'item has' : `${guessed} items have`} the time at which the files were last changed. Give the right one with --datetime.`];
  return { items, refused, warnings };
}

export function sensorFor({ collection, title }: Pick<IngestRequest, 'collection' | 'title'>, { files, id }: Acquisition) {
  return sensorOf(`${id} ${collection} ${title ?? ''}`, files.flatMap((file) => file.bands));
}

/** The collection first (items refer to it), then the items, then the collection as they make it. */
async function register(request: IngestRequest, items: readonly StacItem[], existing: StacCollection | null, store: IngestDependencies['store']): Promise<number> {
  const id = request.collection;
  if (!(await store.collection(id))) await store.putCollection(deriveCollection(id, items, request, existing));
  const changed = await store.putItems(id, items);
  for (const item of [...items].sort((a, b) => (a.id < b.id ? -1 : 1))) await fixAnchors(item, store);
  await describeCollection(id, store, request, existing, items);
  return changed;
}

function summarise(request: IngestRequest, items: readonly StacItem[], changed: number, harvests: readonly Harvest[]): IngestReport {
  const assets = items.flatMap((item) => Object.values(item.assets));
  const times = items.map(({ properties }) => properties.datetime ?? (properties['start_datetime'] as string)).sort((a, b) => Date.parse(a) - Date.parse(b));
  return {
    collection: request.collection,
    items: items.length,
    changed,
    assets: assets.length,
    bands: [...new Set(assets.flatMap((asset) => (asset.bands ?? []).flatMap((band) => band.name ?? [])))],
    crs: [...new Set(items.flatMap((item) => item.properties['proj:code'] ?? []))].map(String),
    interval: times.length === 0 ? null : [times[0]!, times.at(-1)!],
    refused: harvests.flatMap((harvest) => harvest.refused),
    warnings: harvests.flatMap((harvest) => harvest.warnings),
  };
}
