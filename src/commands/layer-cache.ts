/** `lamina layer stats | verify | evict`: looks after the cache, whether or not a service is running on the data directory. */
import { parseArgs } from 'node:util';
import { BlockCatalogStore, type Footprint } from '../catalog/block-catalog.ts';
import { cacheFigures, type CacheFigures } from '../catalog/cache-report.ts';
import { evict, type EvictionFilter } from '../catalog/evictable.ts';
import { CatalogStore } from '../catalog/store.ts';
import { readConfig } from '../config.ts';
import { openDatabase, type Database } from '../database/connection.ts';
import { migrate } from '../database/migrations.ts';
import { layerPolicies, pinnedAreas } from '../layers/eviction.ts';
import { verifyCache, type VerifyReport } from '../layers/verify-cache.ts';
import { createStreamLog } from '../log.ts';
import { reachDatabase } from '../reach-database.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openObjectStore } from '../storage/open.ts';

interface Cache {
  readonly database: Database;
  readonly objects: ObjectStore;
}

const print = (text: string) => void process.stdout.write(`${text}\n`);

/** [ID] [--json]: what is cached, per layer. */
export async function layerStats(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: { json: { type: 'boolean' } }, allowPositionals: true });
  const layer = oneLayer(positionals, 'stats');
  await withCache(environment, layer, async ({ database }) => {
    const figures = await cacheFigures(database, layer);
    print(values.json ? JSON.stringify(figures, null, 2) : statsText(figures, layer));
  });
}

/** [ID] [--retry]: reads every object, deletes damaged ones, puts those that are not listed on the list. Sets exit code 1 when something was wrong. */
export async function layerVerify(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: { retry: { type: 'boolean' } }, allowPositionals: true });
  const layer = oneLayer(positionals, 'verify');
  await withCache(environment, layer, async ({ database, objects }) => {
    const cache = new BlockCatalogStore(database);
    const report = await verifyCache({ database, objects, cache, ...(layer === undefined ? {} : { layer }), retry: values.retry === true });
    await cache.close();
    print(verifyText(report));
    if (report.corrupt.length + report.missing.length + report.adopted.length > 0) process.exitCode = 1;
  });
}

const evictOptions = { all: { type: 'boolean' }, bytes: { type: 'string' }, 'older-than': { type: 'string' }, bbox: { type: 'string' } } as const;

/** [ID] --all | --bytes N | --older-than 30d | --bbox w,s,e,n: deletes cached objects, never those in pinned areas. */
export async function layerEvict(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: evictOptions, allowPositionals: true });
  const layer = oneLayer(positionals, 'evict');
  const { all, bytes, 'older-than': age, bbox } = values;
  if (!all && bytes === undefined && age === undefined && bbox === undefined) throw new Error('`lamina layer evict` needs to know what: --all, --bytes N, --older-than 30d or --bbox west,south,east,north');
  const filter: EvictionFilter = {
    ...(layer === undefined ? {} : { layer }),
    ...(bytes === undefined ? {} : { bytes: wholeNumber('--bytes', bytes) }),
    ...(age === undefined ? {} : { unusedDays: daysOf(age) }),
    ...(bbox === undefined ? {} : { area: boxOf(bbox) }),
  };
  await withCache(environment, layer, async ({ database, objects }) => {
    const pinned = pinnedAreas(await layerPolicies(new CatalogStore(database)));
    const gone = await evict(database, objects, filter, pinned);
    print(`${gone.objects} objects deleted, ${sizeText(gone.bytes)}`);
  });
}

/** Throws when there is no such layer; undefined: all of them. */
async function withCache(environment: NodeJS.ProcessEnv, layer: string | undefined, work: (cache: Cache) => Promise<void>): Promise<void> {
  const config = readConfig(environment);
  const reached = await reachDatabase(config);
  const database = openDatabase(reached.url, { log: createStreamLog(process.stderr, 'warning') });
  try {
    await migrate(database);
    if (layer !== undefined) await checkLayer(database, layer);
    await work({ database, objects: await openObjectStore({ directory: `${config.data}/objects`, s3: config.s3 }) });
  } finally {
    await database.close();
    await reached.stop();
  }
}

/** A layer that was deleted counts as long as something of it is cached. */
async function checkLayer(database: Database, id: string): Promise<void> {
  const stored = await new CatalogStore(database).collection(id);
  if (!stored && (await cacheFigures(database, id)).length === 0) throw new Error(`there is no layer '${id}'; \`lamina layer list\` lists them`);
}

function oneLayer(positionals: readonly string[], command: string): string | undefined {
  if (positionals.length > 1) throw new Error(`\`lamina layer ${command}\` takes one layer or none, not ${positionals.length}`);
  return positionals[0];
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${option} must be a whole number, not '${text}'`);
  return Number(text);
}

function daysOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([dh])$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`--older-than must be a number of days or hours, e.g. 30d or 12h, not '${text}'`);
  return Number(count) / (unit === 'h' ? 24 : 1);
}

function boxOf(text: string): Footprint {
  const box = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [west, south, east, north] = box as [number, number, number, number];
  if (box.length !== 4 || !box.every(Number.isFinite) || west > east || south > north) throw new Error(`--bbox must be west,south,east,north in degrees, not '${text}'`);
  return [west, south, east, north];
}

/** A block counts for the layer that asked for it first: others with the same operator over the same pixels share it. */
function statsText(figures: readonly CacheFigures[], layer: string | undefined): string {
  if (figures.length === 0) return layer === undefined ? 'Nothing is cached.' : `Nothing is cached that '${layer}' was the first to ask for.`;
  const rows = figures.map((f) => [f.layer ?? '(no layer)', f.kind, f.state, String(f.objects), sizeText(f.bytes), f.used.toISOString().slice(0, 16)]);
  return table([['layer', 'kind', 'state', 'objects', 'size', 'last used'], ...rows]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n');
}

function verifyText({ checked, bytes, corrupt, missing, adopted, retried }: VerifyReport): string {
  const list = (what: string, keys: readonly string[]) => (keys.length === 0 ? [] : [`${keys.length} ${what}:`, ...keys.map((key) => `  ${key}`)]);
  return [
    `${checked} objects read, ${sizeText(bytes)} whole`,
    ...list('damaged and deleted', corrupt), ...list('listed but missing, taken off the list', missing), ...list('not listed, put on the list', adopted),
    ...(retried > 0 ? [`${retried} blocks that failed may be tried again`] : []),
  ].join('\n');
}

function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
