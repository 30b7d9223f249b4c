/** The page of a job in a real browser: real jobs of a real worker; the failed stage is red, and its line of the log one click away. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMonitor } from '../../src/api/monitor/monitor.ts';
import { EmbedBlocks, type BlockComputer } from '../../src/layers/embed-blocks.ts';
import { RunWatch } from '../../src/jobs/watch.ts';
import { silentLog } from '../../src/log.ts';
import type { OperatorRuntime } from '../../src/operators/operator.ts';
import { createEmbedHandler } from '../../src/workers/embed.ts';
import { createBatchHandler } from '../../src/workers/processing.ts';
import { utmGrid } from '../layers/fixtures.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';
import { startService, type TestService } from './service.ts';

const CHROMIUM = '/usr/bin/chromium';
const isThere = existsSync(CHROMIUM);
const attack = '<img src=x onerror="document.title=\'broken\'">';

describe.skipIf(!isThere)(`the page of a job${isThere ? '' : ' (skipped: no Chromium at /usr/bin/chromium)'}`, () => {
  let service: TestService;
  let toy: ToyService;
  let folder: string;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const hosts = new Set<string>();
  /** Value of the block that the operator breaks at, and what is waited for before a block is computed. */
  let poison = 0;
  let gate: Promise<void> | null = null;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamina-monitor-'));
    service = await startService({ mounts: [{ path: '/', handler: ({ baseUrl, authentication }) => createMonitor({ baseUrl, isBasicOn: authentication.isBasicOn }) }] });
    toy = await toyService(folder, [await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (_, column) => 10 + Math.floor(column / 128), utmGrid(512, 128))]);
    const runtime: OperatorRuntime = {
      async run(operator, input, rows, columns) {
        if (input[(rows >> 1) * columns + (columns >> 1)] === poison) throw new Error('broken');
        return toy.runtime.run(operator, input, rows, columns);
      },
      close: async () => {},
    };
    const embed = createEmbedHandler({ engine: toy.engine, store: toy.store, runtime, log: silentLog, accelerators: { threads: false, programs: false } });
    const compute: BlockComputer = async (task, _source, _position, { signal }) => {
      await gate;
      return embed(task, signal);
    };
    const { store, logs } = service.jobs;
    const dependencies = { store, logs, watch: new RunWatch(store, 50), objects: service.objects, log: silentLog, scratch: join(folder, 'scratch'), syncMaxSamples: 1e9 };
    await service.queues.work('batch', 1, createBatchHandler({ ...dependencies, engine: { ...toy.engine, blocks: new EmbedBlocks({ store: toy.store, compute, memoryBytes: 0 }) } }));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await toy?.close();
    await service?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const process = { process_graph: {
    load: { process_id: 'load_collection', arguments: { id: 'LAYER', spatial_extent: null, temporal_extent: null } },
    save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
  } };
  const start = async (title: string) => {
    const { id } = await service.jobs.store.create('ann', { process, title });
    await service.jobs.start('ann', id);
    return id;
  };
  const untilEnded = async (id: string) => {
    for (;;) {
      const { status } = (await service.jobs.store.find(id))!;
      if (status !== 'queued' && status !== 'running') return status;
      await new Promise((later) => setTimeout(later, 25));
    }
  };
  /** So that the next job has something to do. */
  const forgetBlocks = async () => {
    for await (const { key } of toy.store.list('blocks/')) await toy.store.delete(key);
  };
  const card = (name: string) => page.locator(`[data-stage=${name}]`);
  const statesOf = async () => Object.fromEntries(await Promise.all(['queued', 'resolve', 'download', 'read', 'infer', 'write'].map(async (name) => [name, await card(name).getAttribute('data-state')] as const)));
  const picture = async (name: string) => {
    const pictures = globalThis.process.env['LAMINA_PICTURES'];
    if (pictures !== undefined) await page.screenshot({ path: `${pictures}/monitor-${name}.png` });
  };
  const logIn = async (password = 'secret') => {
    await page.getByLabel('Name').fill('ann');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  };

  it('asks a browser that comes to the job for a login, and says nothing before', async () => {
    const id = await start('Embeddings of May');
    await untilEnded(id);
    await page.goto(`${service.url}/openeo/1.3/jobs/${id}`);
    expect(page.url()).toBe(`${service.url}/monitor/${id}`);
    await logIn('wrong');
    await page.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
    expect(await page.getByRole('alert').innerText()).toMatch(/Credentials are not correct/);
    expect(await page.locator('#job').isVisible()).toBe(false);
    await picture('login');
    complaints.splice(0);
    await logIn();
    await page.getByRole('heading', { name: 'Embeddings of May' }).waitFor();
    expect(await statesOf()).toEqual({ queued: 'done', resolve: 'done', download: 'done', read: 'done', infer: 'done', write: 'done' });
    expect(await card('infer').innerText()).toMatch(/4 blocks/);
    expect(await card('write').innerText()).toMatch(/1 file\b/);
    await picture('finished');
    expect(complaints).toEqual([]);
  });

  it('shows the failed stage red, with its lines of the log one click away', async () => {
    poison = 12;
    await forgetBlocks();
    const id = await start(`Broken ${attack}`);
    expect(await untilEnded(id)).toBe('error');
    poison = 0;
    await page.goto(`${service.url}/monitor/${id}`);
    await card('infer').waitFor();
    expect(await statesOf()).toEqual({ queued: 'done', resolve: 'done', download: 'done', read: 'stopped', infer: 'failed', write: 'stopped' });
    // Red is the strongest part of its colour.
    const [red, green, blue] = String(await page.evaluate('getComputedStyle(document.querySelector("[data-stage=infer] .mark")).backgroundColor')).match(/\d+/g)!.map(Number);
    expect(red! > 2 * green! && red! > 2 * blue!).toBe(true);
    expect(await page.getByText('could not be computed: an unforeseen error').first().isVisible()).toBe(false);
    await card('infer').getByRole('button').click();
    expect(await page.locator('#detail-log').innerText()).toMatch(/error\s+The block 2\/0 of 2021-05-01T00:00:00Z with toy could not be computed/);
    expect(await page.title()).toBe(`✗ Broken ${attack}`);
    await picture('failed');
    await page.getByText('The whole log').click();
    expect(await page.locator('#log li').count()).toBeGreaterThan(3);
    expect(complaints).toEqual([]);
  });

  it('follows a job that runs, live, until it ends', async () => {
    await forgetBlocks();
    let open = () => {};
    gate = new Promise((resolve) => void (open = resolve));
    const id = await start('Live');
    await page.goto(`${service.url}/monitor/${id}`);
    await page.locator('[data-stage=infer][data-state=running]').waitFor({ timeout: 15_000 });
    expect(await statesOf()).toMatchObject({ queued: 'done', resolve: 'done', infer: 'running', download: 'waiting' });
    await picture('running');
    open();
    gate = null;
    await page.locator('[data-stage=write][data-state=done]').waitFor({ timeout: 15_000 });
    expect(await page.locator('#percent').innerText()).toBe('100 %');
    expect(complaints).toEqual([]);
  }, 40_000);

  it('belongs to its user, and gives programs JSON', async () => {
    const { id } = await service.jobs.store.create('bob', { process });
    await page.goto(`${service.url}/monitor/${id}`);
    await page.getByText('does not exist').waitFor();
    expect(await page.locator('#job').isVisible()).toBe(false);
    complaints.splice(0);
    const own = await start('JSON');
    await untilEnded(own);
    const answer = await fetch(`${service.url}/openeo/1.3/jobs/${own}`, { headers: { Accept: 'text/html', ...await service.token() } });
    const document = await answer.json() as { 'lamina:stages': { name: string; state: string }[]; links: { rel: string; type: string; href: string }[] };
    expect(document['lamina:stages'].map(({ name }) => name)).toEqual(['queued', 'resolve', 'download', 'read', 'infer', 'write']);
    expect(document.links).toContainEqual(expect.objectContaining({ rel: 'monitor', type: 'text/html', href: `${service.url}/monitor/${own}` }));
    expect((await fetch(`${service.url}/openeo/1.3/jobs/${own}`, { redirect: 'manual' })).status).toBe(401);
    expect([...hosts].filter((host) => host !== '' && host !== new URL(service.url).host)).toEqual([]);
  });

  it('fits a small screen', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    const id = await start('A job with a rather long title, as they have');
    await untilEnded(id);
    await page.goto(`${service.url}/monitor/${id}`);
    await card('infer').waitFor();
    await picture('small');
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth + 1')).toBe(true);
  });
});
