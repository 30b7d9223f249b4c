/** A whole service that runs programs of others in a sandbox: what they give, what they may, and what is said when they fail. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, freePort, lamina, run, until, type Started } from '../system/processes.ts';
import { whyNot } from './available.ts';
import { openBench } from './command-line.ts';

const WAIT_MS = 120_000;
const BOX = { west: 5.93, south: 50.62, east: 5.935, north: 50.625 };
const input = { bands: [{ name: 'B02' }], fill: 0, gsd: 10, gsd_range: [1, 100] };

const missing = whyNot('bubblewrap');
describe('a service', () => {
  if (missing !== null) {
    it.skip(`skipped: ${missing}`, () => {});
    return;
  }
  const bench = openBench();
  const environment = { ...bench.environment, LAMINA_OPERATORS: join(bench.folder, 'registry'), LAMINA_BASIC_USERS: 'anna:secret-anna', LAMINA_LOG_LEVEL: 'debug' };
  let service: Started;
  let client: Client;

  beforeAll(async () => {
    const echo = bench.operator('[ "$word" = "two  words" ] || exit 4; cp "$INPUT_PATH" "$OUTPUT_PATH"', [{ name: 'word', description: 'A word.', type: 'string', default: '' }], { name: 'echo', input });
    const broken = bench.operator('echo "the weights are missing" >&2; exit 9', [], { name: 'broken', input });
    for (const folder of [echo, broken]) {
      const { code, output } = await run(lamina(['operator', 'publish', folder, '--registry', environment.LAMINA_OPERATORS], environment));
      expect(code, output).toBe(0);
    }
    const port = await freePort();
    service = lamina(['serve'], { ...environment, LAMINA_PORT: String(port) });
    await until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', WAIT_MS, service);
    client = new Client(`http://127.0.0.1:${port}`);
    await client.login('anna', 'secret-anna');
  }, WAIT_MS * 2);
  afterAll(async () => {
    await service.end();
    bench.close();
  }, 60_000);

  /** The answer to a graph of one process behind load_collection. */
  const answer = async (bands: readonly string[], embedding: object | null): Promise<Response> => {
    const load = { process_id: 'load_collection', arguments: { id: 'SYNTHETIC_S2', spatial_extent: BOX, temporal_extent: ['2023-07-29', '2023-07-30'], bands } };
    const embed = { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, ...embedding } };
    const save = { process_id: 'save_result', arguments: { data: { from_node: embedding === null ? 'load' : 'embed' }, format: 'GTiff' }, result: true };
    return client.fetch('/result', { method: 'POST', body: { process: { process_graph: { load, ...(embedding === null ? {} : { embed }), save } } } });
  };
  const BANDS = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];

  const count = (message: string) => service.output().split(message).length - 1;

  it('computes a model in a sandbox, and its blocks serve the model in every runtime', async () => {
    const sandboxed = await answer(BANDS, { model: 'bubblewrap/pca' });
    expect(sandboxed.status, await sandboxed.clone().text().then((text) => text.slice(0, 300))).toBe(200);
    const [runs, blocks] = [count('Ran an operator'), count('Computed an embedding block')];
    expect(runs).toBeGreaterThan(0);
    const own = await answer(BANDS, { model: 'pca' });
    expect(own.status).toBe(200);
    // The runtime is in no block's key.
    expect([count('Ran an operator'), count('Computed an embedding block')]).toEqual([runs, blocks]);
  }, WAIT_MS);

  it('runs a published program in a sandbox, with its parameter', async () => {
    const response = await answer(['B02'], { model: 'echo', options: { word: 'two  words' } });
    expect(response.status, await response.clone().text().then((text) => text.slice(0, 300))).toBe(200);
  }, WAIT_MS);

  it('runs the operators of a job in what its job_options say', async () => {
    const load = { process_id: 'load_collection', arguments: { id: 'SYNTHETIC_S2', spatial_extent: BOX, temporal_extent: ['2023-07-29', '2023-07-30'], bands: BANDS } };
    // Another model than above: blocks that are cached are not run again.
    const embed = { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: 'conv' } };
    const save = { process_id: 'save_result', arguments: { data: { from_node: 'embed' }, format: 'GTiff' }, result: true };
    const body = (runtime: string) => ({ process: { process_graph: { load, embed, save } }, job_options: { runtime } });
    expect((await client.fetch('/jobs', { method: 'POST', body: body('containerless') })).status).toBe(400);
    const made = await client.fetch('/jobs', { method: 'POST', body: body('bubblewrap') });
    expect(made.status, await made.clone().text()).toBe(201);
    const id = made.headers.get('openeo-identifier')!;
    const runs = count('Ran an operator');
    expect((await client.fetch(`/jobs/${id}/results`, { method: 'POST' })).status).toBe(202);
    const status = await until(async () => {
      const { status: now } = await (await client.fetch(`/jobs/${id}`)).json() as { status: string };
      return now === 'finished' || now === 'error' ? now : null;
    }, 'the job', WAIT_MS, service);
    expect(status, service.output().slice(-2000)).toBe('finished');
    // A model runs in the worker itself, unless somebody says otherwise.
    expect(count('Ran an operator')).toBeGreaterThan(runs);
  }, WAIT_MS);

  it('runs a model that nobody has signed in the sandbox, and not in itself', async () => {
    const folder = join(bench.folder, 'stranger');
    await cp('operators/pca', folder, { recursive: true });
    await writeFile(join(folder, 'operator.json'), JSON.stringify({ ...JSON.parse(await readFile('operators/pca/operator.json', 'utf8')) as object, name: 'stranger' }));
    const { code, output } = await run(lamina(['operator', 'publish', folder, '--registry', environment.LAMINA_OPERATORS], environment));
    expect(code, output).toBe(0);
    const seen = await until(async () => {
      const found = await client.fetch(`${client.url}/operators/stranger`, { headers: { Accept: 'application/json' } });
      return found.status === 200 ? await found.json() as object : null;
    }, 'the new operator', WAIT_MS, service);
    expect(seen).toMatchObject({ runtime: 'bubblewrap', isolated_because: 'it is not signed', signed_by: null });
    const refused = await answer(BANDS, { model: 'onnx/stranger' });
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ code: 'OperatorRuntimeUnavailable', message: expect.stringContaining("may run in bubblewrap, podman, docker only, and not in 'onnx'") })]);
    const runs = count('Ran an operator');
    expect((await answer(BANDS, { model: 'stranger' })).status).toBe(200);
    expect(count('Ran an operator')).toBeGreaterThan(runs);
  }, WAIT_MS);

  it('says what a program said that failed', async () => {
    const response = await answer(['B02'], { model: 'broken' });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ message: expect.stringMatching(/'broken:1\.0\.0' failed: it ended with code 9; it said: the weights are missing/) });
  }, WAIT_MS);

  it('refuses runtimes that it does not allow, and parameters that the operator does not have', async () => {
    expect(await (await answer(['B02'], { model: 'containerless/echo', options: { word: 'x' } })).json()).toMatchObject({ code: 'OperatorRuntimeUnavailable', message: expect.stringContaining("it is not signed, so it may run in bubblewrap, podman, docker only, and not in 'containerless'") });
    // Also where all blocks are cached.
    const refused = await answer(BANDS, { model: 'containerless/pca' });
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ message: expect.stringContaining("does not run operators in 'containerless'; it runs them in onnx, bubblewrap") })]);
    expect(await (await answer(['B02'], { model: 'echo', options: { words: 'x' } })).json()).toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining("'words'") });
  }, WAIT_MS);
});
