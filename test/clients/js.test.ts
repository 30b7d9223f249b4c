/** The openEO JavaScript client, which the openEO Web Editor is built on, against a running service. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenEO, type Connection, type Job } from '@openeo/js-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort, lamina, until, type Started } from '../system/processes.ts';

const enabled = process.env['LAMINA_TEST_CLIENTS'] === '1';
const [user, password] = ['test', 'test-password'];

describe.skipIf(!enabled)(`the openEO JavaScript client${enabled ? '' : ' (skipped: set LAMINA_TEST_CLIENTS=1)'}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-js-'));
  let service: Started;
  let connection: Connection;

  beforeAll(async () => {
    const port = await freePort();
    service = lamina(['serve'], { LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'data'), LAMINA_BASIC_USERS: `${user}:${password}` });
    const url = `http://127.0.0.1:${port}`;
    await until(async () => ((await fetch(`${url}/health`).catch(() => null))?.status === 200 ? true : null), 'the service', 120_000, service);
    connection = await OpenEO.connect(url);
    await connection.authenticateBasic(user, password);
  }, 130_000);

  afterAll(async () => {
    await service?.end('SIGINT');
    rmSync(directory, { recursive: true, force: true });
  }, 30_000);

  /** NDVI of one day, built as the Web Editor would build it. */
  async function ndviOfFirstDay() {
    const { extent } = await connection.describeCollection('SYNTHETIC_S2');
    const first = String(extent!.temporal!.interval![0]![0]).slice(0, 10);
    const next = new Date(Date.parse(first) + 86_400_000).toISOString().slice(0, 10);
    const builder = await connection.buildProcess('vegetation');
    const cube = builder.process('load_collection', { id: 'SYNTHETIC_S2', spatial_extent: null, temporal_extent: [first, next], bands: ['B04', 'B08'] });
    const ndvi = builder.process('ndvi', { data: cube, nir: 'B08', red: 'B04' });
    return builder.process('save_result', { data: ndvi, format: 'GTiff' });
  }

  it('discovers version, features and account', async () => {
    const capabilities = connection.capabilities();
    expect(capabilities.apiVersion()).toBe('1.3.0');
    for (const feature of ['listCollections', 'describeCollection', 'listProcesses', 'computeResult', 'validateProcess', 'createJob', 'startJob', 'stopJob', 'debugJob', 'downloadResults']) {
      expect(capabilities.hasFeature(feature), feature).toBe(true);
    }
    expect((await connection.describeAccount() as unknown as { user_id: string }).user_id).toBe(user);
  });

  it('lists collections, items, processes and formats', async () => {
    expect((await connection.listCollections()).collections.map(({ id }) => id)).toEqual(expect.arrayContaining(['SYNTHETIC_S2', 'EMB_SYNTHETIC_S2_PCA']));
    const { links } = await connection.describeCollection('SYNTHETIC_S2');
    const items = await fetch((links as { rel: string; href: string }[]).find(({ rel }) => rel === 'items')!.href);
    expect(((await items.json()) as { features: unknown[] }).features.length).toBeGreaterThan(0);
    expect((await connection.listProcesses()).processes.map(({ id }) => id)).toEqual(expect.arrayContaining(['compress_embed', 'load_collection']));
    expect((await connection.listFileTypes()).getOutputType('gtiff')).not.toBeNull();
  });

  it('validates a process', async () => {
    expect([...await connection.validateProcess(await ndviOfFirstDay())]).toEqual([]);
    const errors = await connection.validateProcess({ process_graph: { a: { process_id: 'nope', arguments: {}, result: true } } });
    expect(errors.map(({ code }: { code: string }) => code)).toEqual(['ProcessUnsupported']);
  });

  it('stores, lists, describes, uses and deletes user-defined processes', async () => {
    for (const feature of ['listUserProcesses', 'describeUserProcess', 'setUserProcess', 'deleteUserProcess']) expect(connection.capabilities().hasFeature(feature), feature).toBe(true);
    const process_graph = { a: { process_id: 'add', arguments: { x: { from_parameter: 'x' }, y: 1 }, result: true } };
    const own = await connection.setUserProcess('plus_one', { process_graph, parameters: [{ name: 'x', description: 'A number.', schema: { type: 'number' } }], description: null } as never);
    expect((await connection.listUserProcesses()).map(({ id }: { id: string }) => id)).toEqual(['plus_one']);
    expect((await own.describeUserProcess()).toJSON()).toMatchObject({ id: 'plus_one', process_graph });
    const { data } = await connection.computeResult({ process_graph: { p: { process_id: 'plus_one', namespace: 'user', arguments: { x: 41 }, result: true } } } as never);
    expect(Buffer.concat(await Array.fromAsync(data as unknown as AsyncIterable<Buffer>)).toString()).toBe('42');
    await own.deleteUserProcess();
    expect([...await connection.listUserProcesses()]).toEqual([]);
  }, 60_000);

  it('computes a result', async () => {
    const { data, type } = await connection.computeResult(await ndviOfFirstDay());
    expect(type).toMatch(/^image\/tiff/);
    const bytes = Buffer.concat(await Array.fromAsync(data as unknown as AsyncIterable<Buffer>));
    expect(bytes.subarray(0, 2).toString()).toBe('II');
  }, 60_000);

  it('runs a batch job and downloads its results', async () => {
    const job: Job = await connection.createJob(await ndviOfFirstDay(), 'NDVI');
    expect(job.status).toBe('created');
    await job.startJob();
    await until(async () => ((await job.describeJob()).status === 'finished' ? true : null), 'the job', 60_000);
    const stac = await job.getResultsAsStac();
    expect(Object.keys(stac['assets'] as object)).toHaveLength(1);
    const files = await job.downloadResults(directory);
    expect((await readFile((files as unknown as string[])[0]!)).subarray(0, 2).toString()).toBe('II');
    const logs = await job.debugJob('info').nextLogs();
    expect(logs.length).toBeGreaterThan(0);
    for (const { id } of logs) expect(typeof id).toBe('string');
    await job.deleteJob();
    expect(await connection.listJobs()).toHaveLength(0);
  }, 90_000);

  it('tells errors by their code', async () => {
    // The client prints the whole request beside throwing.
    for (const method of ['warn', 'error'] as const) vi.spyOn(console, method).mockImplementation(() => {});
    const graph = { process_graph: { load: { process_id: 'load_collection', arguments: { id: 'NOPE', spatial_extent: null, temporal_extent: null }, result: true } } };
    await expect(connection.computeResult(graph)).rejects.toMatchObject({ code: 'CollectionNotFound' });
  });
});
