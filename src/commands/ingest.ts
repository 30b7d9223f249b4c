/** `lamina ingest`: registers files or STAC items, whether or not a service is running on the data directory. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkpointsIn } from '../catalog/bulk/checkpoints.ts';
import { createItemChecker } from '../catalog/bulk/item-checker.ts';
import { ProgressBar } from './progress-bar.ts';
import { ingest } from '../catalog/ingest/ingest.ts';
import { syncObject } from '../catalog/ingest/ingest-object.ts';
import { pollSources } from '../catalog/ingest/poll.ts';
import type { Buckets, IngestDependencies, IngestReport, IngestRequest } from '../catalog/ingest/report.ts';
import { withdrawVanished, type Withdrawn } from '../catalog/ingest/vanished.ts';
import { CatalogStore } from '../catalog/store.ts';
import { Watches, type Watch } from '../catalog/watches.ts';
import { readConfig, type Config } from '../config.ts';
import { openDatabase } from '../database/connection.ts';
import { migrate } from '../database/migrations.ts';
import { RasterCache } from '../formats/cog/raster-cache.ts';
import { createStreamLog, type Log } from '../log.ts';
import { reachDatabase } from '../reach-database.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openObjectStore } from '../storage/open.ts';
import { openS3Store } from '../storage/s3.ts';
import { untilTold } from './until-told.ts';

const options = {
  collection: { type: 'string' },
  bands: { type: 'string' },
  title: { type: 'string' },
  description: { type: 'string' },
  keywords: { type: 'string' },
  license: { type: 'string' },
  datetime: { type: 'string' },
  limit: { type: 'string' },
  every: { type: 'string' },
  withdraw: { type: 'boolean' },
  watch: { type: 'string' },
  'watch-url': { type: 'string' },
} as const;

/** What is to be done besides the ingest itself. */
interface Errand {
  readonly request: IngestRequest;
  /** Milliseconds between two looks; null: one look. */
  readonly everyMs: number | null;
  readonly withdraw: boolean;
  /** A bucket and prefix whose events are to be followed. */
  readonly watch: Pick<Watch, 'bucket' | 'prefix' | 'url'> | null;
}

/**
 * Throws an Error with one line when the arguments make no sense or nothing could be ingested. With --every it
 * goes on until the process is told to end (SIGTERM, SIGINT).
 */
export async function ingestCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const errand = parseErrand(args);
  const config = readConfig(environment);
  const log = createStreamLog(process.stderr, 'warning');
  const { url, stop } = await reachDatabase(config);
  const database = openDatabase(url, { log });
  const rasters = new RasterCache({ blockBytes: 0 });
  const bar = new ProgressBar(process.stderr, 'items');
  try {
    await migrate(database);
    const store = new CatalogStore(database);
    const bulk = { check: createItemChecker(config.stacSchemas), checkpoints: checkpointsIn(join(config.data, 'ingest')), onProgress: ({ source, fraction, items }) => bar.show({ label: source, fraction, done: items }) } satisfies IngestDependencies['bulk'];
    await run(errand, { store, rasters, log, bulk, buckets: bucketsOf(config, { store, log, watches: new Watches(database) }) }).finally(() => bar.end());
    if (errand.watch) await watch(errand, { config, store, log, watches: new Watches(database) });
  } finally {
    await rasters.close();
    await database.close();
    await stop();
  }
}

/** Buckets of the S3 server that the service uses, with its credentials. */
function bucketsOf(config: Config, { store, log, watches }: { store: CatalogStore; log: Log; watches: Watches }): Buckets {
  const stores = new Map<string, Promise<ObjectStore>>();
  const open = async (bucket: string): Promise<ObjectStore> => {
    if (config.s3 === null) throw new Error('no S3 server is configured: set LAMINA_S3_ENDPOINT and its credentials');
    const known = stores.get(bucket) ?? openS3Store({ ...config.s3, bucket, create: false });
    stores.set(bucket, known);
    return known;
  };
  return {
    open,
    async ingestRaster(bucket, key, { collection, bands, datetime }) {
      if (bucket !== config.s3?.bucket) return { did: 'refused', reason: `GeoTIFF files are read from the service's own bucket ('${config.s3?.bucket ?? 'none'}'); of another one give the URL behind which they are read: --watch ${bucket}/… --watch-url URL` };
      const objects = await open(bucket);
      const rasters = new RasterCache({ store: objects, blockBytes: 0 });
      try {
        const { did, reason } = await syncObject({ store, watches, rasters, objects, log }, { bucket, prefix: '', url: null, collection, bands: bands ?? null, datetime: datetime ?? null }, key);
        return did === 'ingested' || did === 'unchanged' ? { did } : { did: 'refused', reason: reason ?? did };
      } finally {
        await rasters.close();
      }
    },
  };
}

async function run({ request, everyMs, withdraw, watch: place }: Errand, dependencies: IngestDependencies): Promise<void> {
  if (everyMs !== null) {
    const { signal, end } = untilTold('the process was told to end');
    await pollSources(request, dependencies, { everyMs, withdraw, signal, onRound: ({ report, withdrawn }) => void process.stdout.write(describeReport(report) + describeWithdrawn(withdrawn)) }).finally(end);
    return;
  }
  // A bucket alone is enough to do.
  if (request.sources.length === 0 && place !== null) return;
  const report = await ingest(request, dependencies);
  process.stdout.write(describeReport(report));
  if (withdraw) process.stdout.write(describeWithdrawn(await withdrawVanished(request.collection, request.sources, dependencies.store)));
  if (report.items === 0) throw new Error('nothing could be ingested');
}

/** Takes in what lies below the prefix already, where that can be listed, and keeps the watch. */
async function watch({ request, watch: place }: Errand, parts: { config: Config; store: CatalogStore; log: Log; watches: Watches }): Promise<void> {
  const { config, store, log, watches } = parts;
  const wanted: Watch = { ...place!, collection: request.collection, bands: request.bands ?? null, datetime: request.datetime ?? null };
  const ownBucket = config.s3?.bucket ?? 'lamina';
  if (wanted.url === null && wanted.bucket !== ownBucket) throw new Error(`'${wanted.bucket}' is not the bucket of this service ('${ownBucket}'): give the URL behind which its objects are read with --watch-url.`);
  if (wanted.url === null) {
    const objects = await openObjectStore({ directory: `${config.data}/objects`, s3: config.s3 });
    const rasters = new RasterCache({ store: objects, blockBytes: 0 });
    let taken = 0;
    try {
      for await (const { key } of objects.list(wanted.prefix)) if ((await syncObject({ store, watches, rasters, objects, log }, wanted, key)).did === 'ingested') taken++;
    } finally {
      await rasters.close();
    }
    process.stdout.write(`${request.collection}: ${taken} objects of ${wanted.bucket}/${wanted.prefix} are new or changed\n`);
  }
  if (!(await store.collection(request.collection))) throw new Error(`there is no collection '${request.collection}' yet: ingest its first file, then watch`);
  await watches.put(wanted);
  process.stdout.write(`Events of ${wanted.bucket}/${wanted.prefix}* change '${request.collection}' from now on (POST /ingest/events).\n`);
}

function parseErrand(args: string[]): Errand {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const { every, withdraw = false, watch: place, 'watch-url': url = null, ...rest } = values;
  if (url !== null && (place === undefined || !URL.canParse(url) || !/^https?:/.test(url))) throw new Error('--watch-url is an http:// or https:// URL, and belongs to --watch.');
  if (every !== undefined && positionals.length === 0) throw new Error('--every needs sources to look at.');
  return {
    request: parseRequest(rest, positionals),
    everyMs: every === undefined ? null : parseInterval(every),
    withdraw,
    watch: place === undefined ? null : { ...parsePlace(place), url },
  };
}

/** '30s', '5m', '2h' in milliseconds. */
function parseInterval(text: string): number {
  const [, number, unit] = /^([1-9]\d{0,4})(s|m|h)$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`--every is a time such as 30s, 5m or 2h, not '${text}'`);
  return Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}

/** 'bucket/prefix/of/keys'. */
function parsePlace(text: string): { bucket: string; prefix: string } {
  const slash = text.indexOf('/');
  if (slash < 1) throw new Error(`--watch is bucket/prefix, such as lamina/incoming/s2/, not '${text}'`);
  return { bucket: text.slice(0, slash), prefix: text.slice(slash + 1) };
}

type RequestValues = Readonly<Partial<Record<'collection' | 'bands' | 'title' | 'description' | 'keywords' | 'license' | 'datetime' | 'limit', string>>>;

function parseRequest(values: RequestValues, positionals: readonly string[]): IngestRequest {
  const { collection, bands, keywords, limit, ...texts } = values;
  if (collection === undefined) throw new Error('--collection is missing: it names the collection that the files go into.');
  const list = (text: string) => text.split(',').map((part) => part.trim()).filter((part) => part !== '');
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit)) throw new Error(`--limit must be a whole number, not '${limit}'`);
  return {
    sources: positionals,
    collection,
    ...texts,
    ...(bands === undefined ? {} : { bands: list(bands) }),
    ...(keywords === undefined ? {} : { keywords: list(keywords) }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
}

function describeWithdrawn({ items, warnings }: Withdrawn): string {
  const lines = [...(items.length === 0 ? [] : [`  ${items.length} withdrawn: ${items.join(' ')}`]), ...warnings.map((warning) => `  note: ${warning}`)];
  return lines.map((line) => `${line}\n`).join('');
}

function describeReport(report: IngestReport): string {
  const lines = [`${report.collection}: ${report.items} items (${report.changed} new or changed), ${report.assets} assets`];
  if (report.items > 0) {
    lines.push(`  bands  ${report.bands.join(' ')}`, `  CRS    ${report.crs.join(' ')}`);
    if (report.interval) lines.push(`  time   ${report.interval.join(' to ')}`);
  }
  for (const warning of report.warnings) lines.push(`  note: ${warning}`);
  if (report.refused.length > 0) lines.push(`  ${report.refused.length} not ingested:`);
  for (const { source, reason } of report.refused) lines.push(`    ${source}: ${reason}`);
  return `${lines.join('\n')}\n`;
}
