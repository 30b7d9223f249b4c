/** The deployed shape of docker-compose.yml, started natively: one API, two workers, Redis, PostgreSQL, S3. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingServices, startPostgres, startRedis } from './debian-services.ts';
import { Client, freePort, lamina, until, type Started } from './processes.ts';

const missing = missingServices();
const load = { process_id: 'load_collection', arguments: { id: 'SYNTHETIC_S2', spatial_extent: null, temporal_extent: null, bands: ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'] } };
const embedAll = (model: string) => ({
  load,
  embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'embed' }, format: 'GTiff' }, result: true },
});

describe.skipIf(missing !== null)(`deployed with Redis, PostgreSQL and S3${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-deployed-'));
  const started: Started[] = [];
  const closers: (() => Promise<unknown>)[] = [];
  let environment: Record<string, string>;
  let client: Client;
  let workers: Started[];

  const worker = async () => {
    const one = lamina(['worker'], { ...environment, LAMINA_DATA: join(directory, `worker${started.length}`), LAMINA_EMBED_THREADS: '1' });
    started.push(one);
    await until(() => (one.output().includes('The worker is ready') ? true : null), 'a worker', 60_000, one);
    return one;
  };

  beforeAll(async () => {
    const postgres = await startPostgres(join(directory, 'postgres'));
    const redis = await startRedis(join(directory, 'redis'));
    started.push(postgres, redis);
    const s3 = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
    closers.push(() => s3.stop());
    const port = await freePort();
    environment = {
      LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'api'), LAMINA_BASIC_USERS: 'anna:secret-anna,ben:secret-ben',
      LAMINA_DATABASE_URL: postgres.url, LAMINA_REDIS_URL: redis.url,
      LAMINA_S3_ENDPOINT: `http://127.0.0.1:${s3.port}`, LAMINA_S3_ACCESS_KEY: 'test', LAMINA_S3_SECRET_KEY: 'test',
    };
    const api = lamina(['api'], environment);
    started.push(api);
    client = new Client(`http://127.0.0.1:${port}`);
    await until(() => fetch(`${client.url}/health`).then((r) => (r.ok ? true : null), () => null), 'the API', 60_000, api);
    workers = [await worker(), await worker()];
    await client.login('anna', 'secret-anna');
  }, 180_000);

  afterAll(async () => {
    // Backwards: what was started last depends on what came before.
    for (const process of started.reverse()) await process.end();
    for (const close of closers) await close();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('runs a batch job over both workers and hands out its files', async () => {
    const id = await client.startJob(embedAll('pca'));
    await client.finished(id);
    const results = await client.json<{ assets: Record<string, { href: string; type: string }> }>(`/jobs/${id}/results`);
    const assets = Object.values(results.assets);
    expect(assets.length).toBeGreaterThan(0);
    const file = await fetch(assets[0]!.href);
    expect(file.status).toBe(200);
    expect(file.headers.get('content-type')).toContain('image/tiff');
    expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(1000);
  }, 180_000);

  it('computes each block once when two users send the same job at the same time', async () => {
    const ben = new Client(client.url);
    await ben.login('ben', 'secret-ben');
    const count = () => workers.reduce((sum, one) => sum + one.output().split('Computed an embedding block').length - 1, 0);
    const before = count();
    const graph = embedAll('conv');
    const [first, second] = await Promise.all([client.startJob(graph), ben.startJob(graph)]);
    await Promise.all([client.finished(first), ben.finished(second)]);
    const keys = workers.flatMap((one) => one.output().split('\n')).filter((line) => line.includes('Computed an embedding block')).map((line) => (JSON.parse(line) as { data: { key: string } }).data.key);
    expect(count()).toBeGreaterThan(before);
    expect(new Set(keys).size).toBe(keys.length);
  }, 240_000);

  it('finishes a job whose worker is killed in the middle, and loses no block', async () => {
    const id = await client.startJob({ ...embedAll('conv'), load: { ...load, arguments: { ...load.arguments, temporal_extent: ['2020-01-01', '2030-01-01'] } }, other: { process_id: 'load_collection', arguments: { ...load.arguments } } });
    await until(async () => ((await client.json<{ status: string }>(`/jobs/${id}`)).status === 'running' ? true : null), 'running', 30_000);
    await Promise.all(workers.map((one) => one.end('SIGKILL')));
    workers = [await worker()];
    await client.finished(id, 120_000);
    const results = await client.json<{ assets: Record<string, unknown> }>(`/jobs/${id}/results`);
    expect(Object.keys(results.assets).length).toBeGreaterThan(0);
  }, 240_000);
});
