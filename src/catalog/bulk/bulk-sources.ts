/** Which sources of an ingest are files of many items, and what became of them. */
import type { Buckets, IngestDependencies, IngestReport, IngestRequest, Refusal } from '../ingest/report.ts';
import { unionInterval } from '../interval.ts';
import { ingestRecords, type BulkDependencies } from './bulk-ingest.ts';
import { createItemChecker } from './item-checker.ts';
import { fileRecords, kindNamed, kindOfFile, objectRecords, urlRecords, type RecordSource } from './record-source.ts';

const isUrl = (source: string) => /^https?:\/\//i.test(source);
const bucketUrl = (source: string) => /^s3:\/\/([^/]+)\/?(.*)$/.exec(source);

/** True for what is read record by record: by its name, or because it is a JSON file with a list of items. */
export async function isBulkSource(source: string): Promise<boolean> {
  if (bucketUrl(source)) return true;
  if (!isUrl(source)) return (await kindOfFile(source)) !== null;
  // JSON behind a URL is read as the STAC document that it is.
  const kind = kindNamed(source);
  return kind !== null && kind !== 'collection';
}

export type BulkReport = Pick<IngestReport, 'items' | 'changed' | 'assets' | 'interval' | 'refused' | 'warnings'>;

/** Takes in all of them, one after the other. A source that can't be read is refused, the others come in. */
export async function ingestBulkSources(sources: readonly string[], request: IngestRequest, dependencies: IngestDependencies): Promise<BulkReport> {
  const tally = new Tally();
  const parts: BulkDependencies = { check: createItemChecker(null), checkpoints: forgetful, ...dependencies.bulk, store: dependencies.store };
  for (const source of sources) {
    try {
      const place = bucketUrl(source);
      if (place) await ingestBucket(place[1]!, place[2]!, request, { buckets: dependencies.buckets, parts, tally });
      else await ingestOne(await opened(source), request, parts, tally);
    } catch (error) {
      tally.refused.push({ source, reason: (error as Error).message });
    }
  }
  return tally;
}

const opened = (source: string): Promise<RecordSource> => (isUrl(source) ? urlRecords : fileRecords)(source, kindNamed(source)!);

/** An ingest that nobody takes up again. */
const forgetful: BulkDependencies['checkpoints'] = { find: async () => null, keep: async () => {}, drop: async () => {} };

async function ingestOne(source: RecordSource, request: IngestRequest, parts: BulkDependencies, tally: Tally): Promise<void> {
  const { collection, title, description, keywords, license, limit = Infinity } = request;
  const text = Object.fromEntries(Object.entries({ title, description, keywords, license }).filter(([, value]) => value !== undefined));
  tally.add(source.name, await ingestRecords(source, { collection, text, limit }, parts));
}

interface BucketParts {
  readonly buckets: Buckets | undefined;
  readonly parts: BulkDependencies;
  readonly tally: Tally;
}

/** Everything below a prefix: files of items, single items, GeoTIFFs. */
async function ingestBucket(bucket: string, prefix: string, request: IngestRequest, { buckets, parts, tally }: BucketParts): Promise<void> {
  if (!buckets) throw new Error('objects of buckets can\'t be read here');
  const store = await buckets.open(bucket);
  let known = 0;
  for await (const { key } of store.list(prefix)) {
    const name = `s3://${bucket}/${key}`;
    const kind = kindNamed(key);
    if (kind === null && !/\.tiff?$/i.test(key)) continue;
    known++;
    try {
      if (kind !== null) await ingestOne(await objectRecords(store, key, name, kind), request, parts, tally);
      else tally.addRaster(name, await buckets.ingestRaster(bucket, key, request));
    } catch (error) {
      tally.refused.push({ source: name, reason: (error as Error).message });
    }
  }
  if (known === 0) throw new Error('it has no GeoTIFF, NDJSON, JSON or Parquet object');
}

class Tally implements BulkReport {
  items = 0;
  changed = 0;
  assets = 0;
  interval: readonly [string, string] | null = null;
  readonly refused: Refusal[] = [];
  readonly warnings: string[] = [];

  add(name: string, outcome: Awaited<ReturnType<typeof ingestRecords>>): void {
    this.items += outcome.items;
    this.changed += outcome.changed;
    this.assets += outcome.assets;
    this.refused.push(...outcome.refusals);
    const untold = outcome.refused - outcome.refusals.length;
    if (outcome.resumedFrom > 0) this.warnings.push(`${name}: went on after record ${outcome.resumedFrom}, where an earlier ingest had stopped.`);
    if (untold > 0) this.warnings.push(`${name}: ${untold} more records were refused.`);
    if (outcome.interval) this.interval = unionInterval(this.interval, outcome.interval);
  }

  addRaster(name: string, { did, reason }: { readonly did: string; readonly reason?: string }): void {
    if (did === 'refused') this.refused.push({ source: name, reason: reason ?? 'it can\'t be read' });
    else {
      this.items++;
      this.assets++;
      if (did === 'ingested') this.changed++;
    }
  }
}
