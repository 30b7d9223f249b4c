/**
 * The deployed shape of docker-compose.yml, started natively: one API, two workers, Redis, PostgreSQL, S3.
 * Each test embeds pixels multiplied by another factor, so that it finds no block of the others.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/connection.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import { missingServices, startPostgres, startRedis } from './debian-services.ts';
import { computedBy } from './deployed.ts';
import { Client, freePort, lamina, until, type Started } from './processes.ts';

const missing = missingServices();
const JOB_MS = 300_000;
const bands = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];

/** Embeds three dates of two scenes: 36 blocks. */
const embedAll = (model: string, factor: number) => ({
  load: { process_id: 'load_collection', arguments: { id: 'SYNTHETIC_S2', spatial_extent: null, temporal_extent: ['2023-06-01', '2023-10-01'], bands } },
  scale: { process_id: 'apply', arguments: { data: { from_node: 'load' }, process: { process_graph: { times: { process_id: 'multiply', arguments: { x: { from_parameter: 'x' }, y: factor }, result: true } } } } },
  embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'scale' }, model } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'embed' }, format: 'GTiff' }, result: true },
});

describe.skipIf(missing !== null)(`deployed with Redis, PostgreSQL and S3${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-deployed-'));
  const closers: (() => Promise<unknown>)[] = [];
  let environment: Record<string, string>;
  let postgres: Started & { url: string };
  let api: Started;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let client: Client;
  let ben: Client;
  /** Those that run. */
  const workers: Started[] = [];
  /** Those that run and those that have ended. */
  const everyWorker: Started[] = [];

  const startWorker = async () => {
    const one = lamina(['worker'], { ...environment, LAMINA_DATA: join(directory, `worker${everyWorker.length}`), LAMINA_EMBED_THREADS: '1' });
    workers.push(one);
    everyWorker.push(one);
    await until(() => (one.output().includes('The worker is ready') ? true : null), 'a worker', 120_000, one);
  };
  const endWorkers = async (signal: NodeJS.Signals) => {
    await Promise.all(workers.splice(0).map((one) => one.end(signal)));
  };
  /** Keys computed since this was called; one that is computed twice is there twice. */
  const counting = () => {
    const before = new Map(everyWorker.map((one) => [one, computedBy([one]).length]));
    return () => everyWorker.flatMap((one) => computedBy([one]).slice(before.get(one) ?? 0));
  };
  const statusOf = async (id: string) => (await client.json<{ status: string }>(`/jobs/${id}`)).status;
  /** Waits until the job is in the middle: some blocks are computed, others are not. */
  const midJob = async (id: string, keys: () => string[]) => {
    await until(() => (keys().length >= 5 ? true : null), 'the first blocks', 120_000);
    expect(await statusOf(id)).toBe('running');
  };
  /** Name → SHA-256 of each file of a result. */
  const filesOf = async (id: string) => {
    const { assets } = await client.json<{ assets: Record<string, { href: string; type: string }> }>(`/jobs/${id}/results`);
    const hashes = await Promise.all(Object.entries(assets).map(async ([name, { href, type }]) => {
      const file = await fetch(href);
      expect(file.status).toBe(200);
      expect(file.headers.get('content-type')).toBe(type);
      return [name, createHash('sha256').update(Buffer.from(await file.arrayBuffer())).digest('hex')];
    }));
    return Object.fromEntries(hashes) as Record<string, string>;
  };

  beforeAll(async () => {
    postgres = await startPostgres(join(directory, 'postgres'));
    redis = await startRedis(join(directory, 'redis'));
    const s3 = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
    closers.push(() => s3.stop());
    const port = await freePort();
    environment = {
      LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'api'), LAMINA_BASIC_USERS: 'anna:secret-anna,ben:secret-ben',
      LAMINA_DATABASE_URL: postgres.url, LAMINA_REDIS_URL: redis.url,
      LAMINA_S3_ENDPOINT: `http://127.0.0.1:${s3.port}`, LAMINA_S3_ACCESS_KEY: 'test', LAMINA_S3_SECRET_KEY: 'test',
    };
    api = lamina(['api'], environment);
    client = new Client(`http://127.0.0.1:${port}`);
    await until(() => fetch(`${client.url}/health`).then((r) => (r.ok ? true : null), () => null), 'the API', 180_000, api);
    await Promise.all([startWorker(), startWorker()]);
    await client.login('anna', 'secret-anna');
    ben = new Client(client.url);
    await ben.login('ben', 'secret-ben');
  }, 400_000);

  afterAll(async () => {
    // What depends on others ends first.
    for (const one of [...everyWorker, api, redis, postgres]) await one.end();
    for (const close of closers) await close();
    rmSync(directory, { recursive: true, force: true });
  }, 120_000);

  it('runs a batch job over both workers and hands out its files', async () => {
    const keys = counting();
    const id = await client.startJob(embedAll('pca', 1));
    await client.finished(id, JOB_MS);
    expect(Object.keys(await filesOf(id))).toHaveLength(3);
    expect(new Set(keys()).size).toBe(keys().length);
    for (const one of workers) expect(computedBy([one]).length).toBeGreaterThan(0);
  }, JOB_MS);

  it('computes each block once when two users send the same job at the same time', async () => {
    const keys = counting();
    const [first, second] = await Promise.all([client.startJob(embedAll('conv', 1)), ben.startJob(embedAll('conv', 1))]);
    await Promise.all([client.finished(first, JOB_MS), ben.finished(second, JOB_MS)]);
    expect(keys()).toHaveLength(36);
    expect(new Set(keys()).size).toBe(keys().length);
    // Nobody else may see them.
    expect((await ben.fetch(`/jobs/${first}`)).status).toBe(404);
  }, JOB_MS);

  it('finishes a job whose workers are all killed in the middle; no block is lost or computed twice', async () => {
    const keys = counting();
    const id = await client.startJob(embedAll('conv', 1.01));
    await midJob(id, keys);
    await endWorkers('SIGKILL');
    const beforeKill = keys();
    expect(await statusOf(id)).toBe('running');
    await startWorker();
    await client.finished(id, JOB_MS);
    const interrupted = keys();
    expect(interrupted.length).toBeGreaterThan(beforeKill.length);
    // A block that was under way at the kill had not been noted, so it is here once too.
    expect(new Set(interrupted).size).toBe(interrupted.length);
    const filled = computedBy(everyWorker, { withEmpty: false }).filter((key) => interrupted.includes(key));
    const files = await filesOf(id);
    expect(Object.keys(files)).toHaveLength(3);

    // The same job without a kill, and without the blocks of the first: they are deleted, and with the worker goes its memory.
    await endWorkers('SIGTERM');
    const { LAMINA_S3_ENDPOINT: endpoint } = environment as { LAMINA_S3_ENDPOINT: string };
    const store = await openS3Store({ endpoint, bucket: 'lamina', region: 'us-east-1', accessKey: 'test', secretKey: 'test' });
    for await (const { key } of store.list('blocks/')) await store.delete(key);
    store.close();
    await startWorker();
    // Nor is it known any more which of them are empty.
    const database = openDatabase(postgres.url);
    await database.query('delete from cache_objects');
    await database.close();
    const again = await client.startJob(embedAll('conv', 1.01));
    await client.finished(again, JOB_MS);
    expect(await filesOf(again)).toEqual(files);
    const undisturbed = computedBy(workers);
    expect(new Set(undisturbed).size).toBe(undisturbed.length);
    // At most the four blocks under way at the kill (two a worker) were stored without a word in the log.
    const unnoted = undisturbed.filter((key) => !interrupted.includes(key));
    expect(unnoted.length).toBeLessThanOrEqual(4);
    // The queue still knows which are empty.
    expect(filled.filter((key) => !undisturbed.includes(key))).toEqual([]);
    process.stdout.write(`${beforeKill.length} blocks before the kill, ${interrupted.length} in all, ${undisturbed.length} without a kill\n`);
  }, JOB_MS * 2);

  it('stops the work of a job that is canceled', async () => {
    const keys = counting();
    const id = await client.startJob(embedAll('conv', 1.02));
    await midJob(id, keys);
    const atCancel = keys().length;
    expect((await client.fetch(`/jobs/${id}/results`, { method: 'DELETE' })).status).toBe(204);
    expect(await statusOf(id)).toBe('created');
    await delay(2000);
    const soon = keys().length;
    await delay(6000);
    const late = keys().length;
    process.stdout.write(`canceled after ${atCancel} blocks; ${soon - atCancel} more within 2 s, ${late - soon} later\n`);
    // What a worker has at hand (two blocks, and they may take longer than two seconds here) is not thrown away.
    expect(late - soon).toBeLessThanOrEqual(2 * workers.length);
    // The worker is free for others.
    await client.finished(await client.startJob(embedAll('pca', 1)), JOB_MS);
  }, JOB_MS);

  it('keeps a job through a restart of Redis', async () => {
    await startWorker();
    const keys = counting();
    const id = await client.startJob(embedAll('conv', 1.03));
    await midJob(id, keys);
    await redis.end();
    expect(await statusOf(id)).toBe('running');
    redis = await startRedis(join(directory, 'redis'), redis.port);
    await client.finished(id, JOB_MS);
    expect(Object.keys(await filesOf(id))).toHaveLength(3);
    expect(new Set(keys()).size).toBe(keys().length);
  }, JOB_MS);
});
