/** `lamina ingest` of a prefix of the service's bucket, and `lamina export`, as people call them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportCommand } from '../../../src/commands/export.ts';
import { ingestCommand } from '../../../src/commands/ingest.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';
import { startS3, type S3Double } from '../../storage/s3-double.ts';
import { items } from './items.ts';

const scene = resolve('../shared/data/hesbaye/s2/S2_L2A_2021-03-01.tif');
const folder = mkdtempSync(join(tmpdir(), 'lamina-commands-'));
let fresh: FreshDatabase;
let s3: S3Double;
let environment: Record<string, string>;
beforeAll(async () => {
  fresh = await startFreshDatabase();
  s3 = await startS3();
  const endpoint = `http://127.0.0.1:${s3.port}`;
  environment = { LAMINA_S3_ENDPOINT: endpoint, LAMINA_S3_ACCESS_KEY: 'a', LAMINA_S3_SECRET_KEY: 'b', LAMINA_DATABASE_URL: fresh.url, LAMINA_DATA: folder };
  const bucket = await openS3Store({ endpoint, bucket: 'lamina', region: 'us-east-1', accessKey: 'a', secretKey: 'b' });
  await bucket.put('in/items.ndjson', Buffer.from(items(30).map((item) => JSON.stringify(item)).join('\n')));
  if (existsSync(scene)) await bucket.put('in/S2_L2A_2021-03-01.tif', readFileSync(scene));
  bucket.close();
});
afterAll(async () => {
  await s3.stop();
  await fresh.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What a command prints. */
async function printed(command: typeof ingestCommand, args: string[]): Promise<string> {
  const lines: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = ((text: string) => lines.push(text) > 0) as typeof process.stdout.write;
  try {
    await command(args, environment);
  } finally {
    process.stdout.write = write;
  }
  return lines.join('');
}

describe('lamina ingest', () => {
  it('takes items and rasters of a prefix, and changes nothing the second time', async () => {
    const count = existsSync(scene) ? 31 : 30;
    expect(await printed(ingestCommand, ['s3://lamina/in/', '--collection', 'BUCKET'])).toContain(`BUCKET: ${count} items (${count} new or changed)`);
    expect(await printed(ingestCommand, ['s3://lamina/in/', '--collection', 'BUCKET'])).toContain(`BUCKET: ${count} items (0 new or changed)`);
  }, 60_000);
});

describe('lamina export', () => {
  it('writes what is asked for, which comes in again', async () => {
    const file = join(folder, 'out.parquet');
    expect(await printed(exportCommand, ['BUCKET', '--output', file, '--filter', 'eo:cloud_cover < 10', '--datetime', '2020-01-01T00:00:00Z/2020-01-02T00:00:00Z', '--bbox', '-10,40,10,60'])).toBe(`${file}: 7 items of BUCKET\n`);
    expect(await printed(ingestCommand, [file, '--collection', 'COPY'])).toContain('COPY: 7 items (7 new or changed)');
  }, 60_000);

  it.each<[string[], string]>([
    [[], 'name the collections'], [['BUCKET'], '--output is missing'], [['BUCKET', '--output', 'x.csv'], 'does not say in which format'], [['NONE', '--output', 'x.json'], 'there is no collection'],
    [['BUCKET', '--output', 'x.json', '--bbox', '1,2'], '--bbox is'], [['BUCKET', '--output', 'x.json', '--datetime', 'soon'], '--datetime is'], [['BUCKET', '--output', 'x.json', '--filter', 'a ='], 'character 4'],
  ])('%j is refused in one line', async (args, reason) => {
    await expect(printed(exportCommand, args)).rejects.toThrow(reason);
  });
});
