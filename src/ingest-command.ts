/** `lamina ingest`: registers files or STAC items, whether or not a service is running on the data directory. */
import { parseArgs } from 'node:util';
import { ingest } from './catalog/ingest/ingest.ts';
import type { IngestReport, IngestRequest } from './catalog/ingest/report.ts';
import { CatalogStore } from './catalog/store.ts';
import { readConfig } from './config.ts';
import { openDatabase } from './database/connection.ts';
import { migrate } from './database/migrations.ts';
import { RasterCache } from './formats/cog/raster-cache.ts';
import { createStreamLog } from './log.ts';
import { reachDatabase } from './reach-database.ts';

const options = {
  collection: { type: 'string' },
  bands: { type: 'string' },
  title: { type: 'string' },
  description: { type: 'string' },
  keywords: { type: 'string' },
  license: { type: 'string' },
  datetime: { type: 'string' },
  limit: { type: 'string' },
} as const;

/** Throws an Error with one line when the arguments make no sense or nothing could be ingested. */
export async function ingestCommand(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const request = parseRequest(args);
  const config = readConfig(environment);
  const log = createStreamLog(process.stderr, 'warning');
  const { url, stop } = await reachDatabase(config);
  const database = openDatabase(url, { log });
  const rasters = new RasterCache({ blockBytes: 0 });
  try {
    await migrate(database);
    const report = await ingest(request, { store: new CatalogStore(database), rasters, log });
    process.stdout.write(describeReport(report));
    if (report.items === 0) throw new Error('nothing could be ingested');
  } finally {
    await rasters.close();
    await database.close();
    await stop();
  }
}

function parseRequest(args: string[]): IngestRequest {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
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
