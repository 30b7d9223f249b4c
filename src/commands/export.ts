/** `lamina export`: the stored items of collections as one file, for other catalogs, analyses and copies. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { exportFormatOf, exportItems } from '../catalog/bulk/export-items.ts';
import { withMinusValues } from './minus-values.ts';
import { ProgressBar } from './progress-bar.ts';
import { storedItems } from '../catalog/bulk/stored-items.ts';
import { readFilter, type Filter } from '../catalog/cql2/filter.ts';
import { CatalogStore } from '../catalog/store.ts';
import type { StacCollection } from '../catalog/types.ts';
import { readConfig } from '../config.ts';
import { openDatabase } from '../database/connection.ts';
import { migrate } from '../database/migrations.ts';
import { createStreamLog } from '../log.ts';
import { reachDatabase } from '../reach-database.ts';

const options = { output: { type: 'string' }, bbox: { type: 'string' }, datetime: { type: 'string' }, filter: { type: 'string' } } as const;

/** Throws an Error with one line when the arguments make no sense. */
export async function exportCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args: withMinusValues(args), options, allowPositionals: true });
  const { output, bbox, datetime, filter } = values;
  if (positionals.length === 0) throw new Error('name the collections that are to be exported');
  if (output === undefined) throw new Error('--output is missing: a file that ends with .parquet, .ndjson or .json');
  const format = exportFormatOf(output);
  if (format === null) throw new Error(`'${output}' does not say in which format: let it end with .parquet, .ndjson or .json`);
  const conditions = { ...(bbox === undefined ? {} : { bbox: boxOf(bbox) }), ...(datetime === undefined ? {} : { datetime: intervalOf(datetime) }), ...(filter === undefined ? {} : { filter: readFilter(filter, 'cql2-text') as Filter }) };
  const config = readConfig(environment);
  const { url, stop } = await reachDatabase(config);
  const database = openDatabase(url, { log: createStreamLog(process.stderr, 'warning') });
  const bar = new ProgressBar(process.stderr, 'items');
  try {
    await migrate(database);
    const store = new CatalogStore(database);
    const collections = await Promise.all(positionals.map((id) => rawCollection(store, id)));
    const items = storedItems(store, { collections: positionals, ...conditions });
    const count = await exportItems(items, resolve(output), format, { collections, onProgress: (done) => bar.show({ label: output, fraction: null, done }) }).finally(() => bar.end());
    process.stdout.write(`${output}: ${count} items of ${positionals.join(', ')}\n`);
  } finally {
    await database.close();
    await stop();
  }
}

async function rawCollection(store: CatalogStore, id: string): Promise<StacCollection> {
  const found = await store.collection(id);
  if (!found) throw new Error(`there is no collection '${id}'`);
  if (found['lamina:layer']) throw new Error(`'${id}' is a layer, whose items the service computes: ask it for /stac/collections/${id}/items?f=parquet`);
  return found;
}

function boxOf(text: string): number[] {
  const box = text.split(',').map(Number);
  if ((box.length !== 4 && box.length !== 6) || !box.every(Number.isFinite)) throw new Error(`--bbox is west,south,east,north, not '${text}'`);
  return box;
}

function intervalOf(text: string): [string | null, string | null] {
  const [start, end = start, ...more] = text.split('/').map((part) => (part === '' || part === '..' ? null : part));
  const isInstant = (part: string | null | undefined) => part === null || (part !== undefined && !Number.isNaN(Date.parse(part)));
  if (more.length > 0 || !isInstant(start) || !isInstant(end) || (start === null && end === null)) throw new Error(`--datetime is an instant or start/end, not '${text}'`);
  return [start ?? null, end ?? null];
}
