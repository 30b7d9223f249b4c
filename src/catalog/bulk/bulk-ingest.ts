/** Puts the items of large files into a collection: some at a time, checked, and so that it can be taken up again. */
import { isFaultOfValues } from '../../database/connection.ts';
import { deriveCollection, type CollectionText } from '../ingest/collection.ts';
import { fixAnchors } from '../ingest/register.ts';
import type { Refusal } from '../ingest/report.ts';
import { takeOver } from '../ingest/stac-source.ts';
import { unionInterval } from '../interval.ts';
import type { CatalogStore } from '../store.ts';
import type { StacItem } from '../types.ts';
import type { Checkpoints, Progress } from './checkpoints.ts';
import { describeFault, type ItemChecker } from './item-checker.ts';
import type { BulkRecord, RecordSource } from './record-source.ts';
import { widenCollection } from './widen-collection.ts';

export interface BulkDependencies {
  readonly store: CatalogStore;
  readonly check: ItemChecker;
  readonly checkpoints: Checkpoints;
  /** Called after every batch. */
  readonly onProgress?: (progress: BulkProgress) => void;
}

export interface BulkProgress extends Progress {
  readonly source: string;
  /** 0 … 1; null where nobody knows how much there is. */
  readonly fraction: number | null;
}

export interface BulkRequest {
  readonly collection: string;
  readonly text: CollectionText;
  /** Records that are read at most. */
  readonly limit: number;
}

export interface BulkOutcome extends Progress {
  /** Those that were in the catalog from an earlier, interrupted run. */
  readonly resumedFrom: number;
  readonly assets: number;
  /** First and last instant of this run's items; null without items. */
  readonly interval: readonly [string, string] | null;
  /** The first of what was refused. */
  readonly refusals: readonly Refusal[];
}

const BATCH = 1000;
/** So many refusals are told one by one, the others are counted. */
const MOST_REFUSALS = 100;

/**
 * Reads a source to its end, or `limit` records of it. Running it again changes nothing; after an interruption it goes
 * on behind the last batch that was stored. Throws an Error when the source can't be read on; what was stored stays.
 */
export async function ingestRecords(source: RecordSource, request: BulkRequest, dependencies: BulkDependencies): Promise<BulkOutcome> {
  const { checkpoints } = dependencies;
  const earlier = await checkpoints.find(request.collection, source);
  const run = new BulkRun(source, request, dependencies, earlier);
  let batch: BulkRecord[] = [];
  for await (const record of source.records(run.progress.records)) {
    if (record.number > request.limit) break;
    batch.push(record);
    if (batch.length < BATCH) continue;
    await run.put(batch);
    batch = [];
  }
  await run.put(batch);
  await checkpoints.drop(request.collection, source);
  return { ...run.progress, resumedFrom: earlier?.records ?? 0, assets: run.assets, interval: run.interval, refusals: run.refusals };
}

class BulkRun {
  readonly #source: RecordSource;
  readonly #request: BulkRequest;
  readonly #parts: BulkDependencies;
  readonly #anchored = new Set<string>();
  progress: Progress;
  assets = 0;
  interval: readonly [string, string] | null = null;
  readonly refusals: Refusal[] = [];

  constructor(source: RecordSource, request: BulkRequest, parts: BulkDependencies, earlier: Progress | null) {
    this.#source = source;
    this.#request = request;
    this.#parts = parts;
    this.progress = earlier ?? { records: 0, items: 0, changed: 0, refused: 0 };
  }

  async put(records: readonly BulkRecord[]): Promise<void> {
    const last = records.at(-1);
    if (!last) return;
    const before = this.refusals.length;
    let refused = 0;
    const refuse = (refusal: Refusal) => {
      refused++;
      if (this.refusals.length < MOST_REFUSALS) this.refusals.push(refusal);
    };
    const found = records.flatMap((record) => this.#itemOf(record, refuse));
    // The last of two with one id counts: a statement can't write a row twice.
    const items = [...new Map(found.map((item) => [item.id, item])).values()];
    const { stored, changed } = await this.#store(items, refuse);
    const { progress } = this;
    this.progress = { records: last.number, items: progress.items + stored.length, changed: progress.changed + changed, refused: progress.refused + refused };
    this.#tell(stored);
    await this.#parts.checkpoints.keep(this.#request.collection, this.#source, this.progress);
    this.#parts.onProgress?.({ ...this.progress, source: this.#source.name, fraction: last.progress });
    if (before === 0 && refused === records.length && this.progress.items === 0) throw new Error(`none of its first ${refused} records is a STAC item: ${this.refusals[0]!.reason}`);
  }

  #itemOf(record: BulkRecord, refuse: (refusal: Refusal) => void): StacItem[] {
    const { name, base } = this.#source;
    const place = `${name} #${record.number}`;
    let raw: unknown;
    try {
      raw = record.read();
    } catch (error) {
      refuse({ source: place, reason: `it is no JSON: ${(error as Error).message}` });
      return [];
    }
    const faults = typeof raw === 'object' && raw !== null ? this.#parts.check(raw) : [{ path: '', reason: 'is no JSON object' }];
    if (faults.length > 0) {
      refuse({ source: nameOf(raw, place), reason: describeFault(faults) });
      return [];
    }
    const item = takeOver(raw as Record<string, unknown>, base, this.#request.collection);
    if (!('reason' in item)) return [item];
    refuse({ source: nameOf(raw, place), reason: item.reason });
    return [];
  }

  /** The collection first, items refer to it; then the items, then the collection as they make it. */
  async #store(items: readonly StacItem[], refuse: (refusal: Refusal) => void): Promise<{ stored: readonly StacItem[]; changed: number }> {
    if (items.length === 0) return { stored: [], changed: 0 };
    const { store } = this.#parts;
    const { collection: id, text } = this.#request;
    if (!(await store.collection(id))) await store.putCollection(deriveCollection(id, items, text, null));
    const outcome = await this.#putItems(items, refuse);
    for (const item of outcome.stored) await this.#anchor(item);
    const current = await store.collection(id);
    if (current && outcome.stored.length > 0) await store.putCollection(widenCollection(current, outcome.stored, text));
    return outcome;
  }

  /** What the database does not take is found one by one, so that the others come in. */
  async #putItems(items: readonly StacItem[], refuse: (refusal: Refusal) => void): Promise<{ stored: readonly StacItem[]; changed: number }> {
    const { store } = this.#parts;
    const { collection } = this.#request;
    try {
      return { stored: items, changed: await store.putItems(collection, items) };
    } catch (error) {
      if (!isFaultOfValues(error)) throw error;
      const stored: StacItem[] = [];
      let changed = 0;
      for (const item of items) {
        try {
          changed += await store.putItems(collection, [item]);
          stored.push(item);
        } catch (reason) {
          // A database that went away meanwhile is not the item's fault: the run ends, and can be taken up again.
          if (!isFaultOfValues(reason)) throw reason;
          refuse({ source: item.id, reason: 'the database does not take it: a date or a text in it is out of bounds' });
        }
      }
      return { stored, changed };
    }
  }

  /** One look at the lattices of the collection for each reference system, not for each item. */
  async #anchor(item: StacItem): Promise<void> {
    const codes = Object.values(item.assets).filter((asset) => asset.bands).map((asset) => asset['proj:code'] ?? item.properties['proj:code']);
    if (codes.every((code) => typeof code !== 'string' || this.#anchored.has(code))) return;
    await fixAnchors(item, this.#parts.store);
    for (const code of await this.#parts.store.anchors(item.collection)) this.#anchored.add(code[0]);
    for (const code of codes) if (typeof code === 'string') this.#anchored.add(code);
  }

  #tell(items: readonly StacItem[]): void {
    for (const { assets, properties } of items) {
      this.assets += Object.keys(assets).length;
      const instant = properties.datetime ?? (properties['start_datetime'] as string);
      this.interval = unionInterval(this.interval, [instant, instant]);
    }
  }
}

const nameOf = (raw: unknown, place: string) => (typeof (raw as { id?: unknown } | null)?.id === 'string' ? `${(raw as { id: string }).id.slice(0, 200)} (${place})` : place);
