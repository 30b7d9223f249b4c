/** A whole service on a machine without an accelerator, with a registry that goes away: what users are told, before and in jobs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LogEntry } from '../../src/log.ts';
import { Registry } from '../../src/operators/registry/registry.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { serveDirectory, type HttpDouble } from '../operators/registry/http-double.ts';
import { packed } from '../operators/registry/packages.ts';
import { whyNot } from '../runtimes/available.ts';
import { Client, freePort, lamina, until, type Started } from './processes.ts';

const WAIT_MS = 180_000;
const BOX = { west: 5.93, south: 50.62, east: 5.94, north: 50.63 };
const directory = mkdtempSync(join(tmpdir(), 'lamina-job-log-'));
// What nobody has signed runs in a sandbox.
const reason = whyNot('bubblewrap');
let registry: HttpDouble;
let service: Started;
let client: Client;

beforeAll(async () => {
  if (reason !== null) return;
  const published = new Registry(createLocalStore(join(directory, 'registry')), { scratch: join(directory, 'scratch') });
  for (const [name, resources] of [['gpu-maybe', { gpu: true }], ['gpu-only', { gpu: true, accelerator_constrained: true }]] as const) {
    await published.publish((await packed(directory, { name, version: '1.0.0', resources })).path, { by: 'someone' });
  }
  registry = await serveDirectory(join(directory, 'registry'));
  const port = await freePort();
  service = lamina(['serve'], { LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'data'), LAMINA_BASIC_USERS: 'anna:secret-anna', LAMINA_OPERATORS: registry.url });
  await until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', WAIT_MS, service);
  client = new Client(`http://127.0.0.1:${port}`);
  await client.login('anna', 'secret-anna');
}, WAIT_MS);
afterAll(async () => {
  await service?.end();
  await registry?.stop();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

const graphOf = (model: string) => ({
  load: { process_id: 'load_collection', arguments: { id: 'SYNTHETIC_S2', spatial_extent: BOX, temporal_extent: ['2023-07-29', '2023-07-30'], bands: null } },
  embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'embed' }, format: 'GTiff' }, result: true },
});
const warningsOf = async (path: string) => (await client.json<{ logs: LogEntry[] }>(path)).logs.filter(({ level }) => level === 'warning').map(({ message }) => message);

it.skipIf(reason !== null)(`an operator that needs an accelerator is refused before anything is queued${reason === null ? '' : ` (skipped: ${reason})`}`, async () => {
  // The worker has said by now what it has.
  const answer = await until(async () => {
    const tried = await client.fetch('/result', { method: 'POST', body: { process: { process_graph: graphOf('gpu-only') } } });
    return tried.status === 503 ? tried : null;
  }, 'a refusal', 30_000);
  expect(await answer.json()).toMatchObject({ code: 'NoAccelerator', message: expect.stringMatching(/gpu-only:1\.0\.0' runs on an accelerator .* only, and .*Ask whoever runs the service/) as unknown });
  expect(answer.headers.get('retry-after')).not.toBeNull();
  // The API looks every few seconds.
  const job = await until(async () => {
    const tried = await client.fetch('/jobs', { method: 'POST', body: { process: { process_graph: graphOf('gpu-only') } } });
    return tried.status === 503 ? tried : null;
  }, 'a refusal of a job', 30_000);
  expect(await job.json()).toMatchObject({ code: 'NoAccelerator' });
}, WAIT_MS);

it.skipIf(reason !== null)('one that can do without is computed, and the log of the job says how, and that its registry is away', async () => {
  await client.finished(await client.startJob(graphOf('gpu-maybe')));
  registry.isDown = true;
  // The service finds out at its next look.
  const warnings = await until(async () => {
    const id = await client.startJob(graphOf('gpu-maybe'));
    await client.finished(id);
    const found = await warningsOf(`/jobs/${id}/logs`);
    return found.some((message) => message.includes('registry')) ? found : null;
  }, 'a warning of the registry', 60_000);
  expect(warnings).toContainEqual(expect.stringMatching(/^The registry of operators http.* can't be reached: 'gpu-maybe:1\.0\.0' is run as it was known at /));
  // Blocks of the first job come from the cache by now: those of other places don't.
  const elsewhere = graphOf('gpu-maybe');
  elsewhere.load.arguments.spatial_extent = { west: 5.97, south: 50.62, east: 5.98, north: 50.63 };
  const id = await client.startJob(elsewhere);
  await client.finished(id);
  expect(await warningsOf(`/jobs/${id}/logs`)).toEqual([
    expect.stringMatching(/^The registry of operators/),
    expect.stringMatching(/^The operator 'gpu-maybe:1\.0\.0' is made for an accelerator \(a GPU\) and is computed on the processor/),
  ]);
  const job = await client.json<{ 'lamina:stages': { name: string; state: string; count?: number }[] }>(`/jobs/${id}`);
  expect(job['lamina:stages'].map(({ name, state }) => `${name} ${state}`)).toEqual(['queued done', 'resolve done', 'download done', 'read done', 'infer done', 'write done']);

  const answer = await client.fetch('/result', { method: 'POST', body: { process: { process_graph: graphOf('gpu-maybe') } } });
  await answer.arrayBuffer();
  expect(await warningsOf(/<([^>]+)>/.exec(answer.headers.get('link')!)![1]!)).toEqual([expect.stringMatching(/^The registry of operators/)]);
}, WAIT_MS);
