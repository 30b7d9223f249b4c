/**
 * Many clients ask for the same cold area at the same time, by every road there is: synchronous results, map
 * tiles, the files of items. Each block is inferred once. And what is too much is turned away, not queued.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingServices } from './debian-services.ts';
import { computedBy, Deployed, sha256, users } from './deployed.ts';
import { until, type Client } from './processes.ts';

const missing = missingServices();
const LAYER = 'EMB_SYNTHETIC_S2_CONV';
const DAY = '2023-06-24';
const WAIT_MS = 240_000;

interface Item {
  readonly id: string;
  readonly bbox: readonly number[];
  readonly assets: Readonly<Record<string, { readonly href: string }>>;
}

/** The vectors of a box in degrees on that day. */
const vectorsOf = ([west, south, east, north]: readonly number[]) => ({
  load: { process_id: 'load_collection', arguments: { id: LAYER, spatial_extent: { west, south, east, north }, temporal_extent: [DAY, '2023-06-25'] } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
});

/** Columns and rows of the four tiles around a place. */
function tilesAround(lon: number, lat: number, zoom: number): [number, number][] {
  const [x, y] = [(lon + 180) / 360, (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2].map((share) => Math.round(share * 2 ** zoom)) as [number, number];
  return [[x - 1, y - 1], [x, y - 1], [x - 1, y], [x, y]];
}

describe.skipIf(missing !== null)(`32 clients together${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const deployed = new Deployed();
  let clients: Client[];
  let items: Item[];

  beforeAll(async () => {
    await deployed.start({ redis: true, s3: false, settings: { LAMINA_TILE_DEADLINE_SECONDS: '180' } }, 2);
    clients = await Promise.all(users.map((name) => deployed.client(name)));
    const found = await fetch(`${deployed.url}/stac/search?collections=${LAYER}&datetime=${DAY}T00:00:00Z/${DAY}T23:59:59Z`);
    items = ((await found.json()) as { features: Item[] }).features;
  }, 400_000);

  afterAll(() => deployed.close(), 120_000);

  const synced = async (client: Client, box: readonly number[]) => {
    const response = await client.fetch('/result', { method: 'POST', body: { process: { process_graph: vectorsOf(box) } } });
    return [response.status, sha256(await response.arrayBuffer())] as const;
  };
  const fetched = async (href: string) => {
    const response = await fetch(href);
    return [response.status, sha256(await response.arrayBuffer())] as const;
  };

  /** 32 requests of nine kinds, by kind; what is the same kind asks for the same bytes. */
  const wishes = () => {
    const [west, south, east, north] = [0, 1, 2, 3].map((i) => (i < 2 ? Math.min : Math.max)(...items.map(({ bbox }) => bbox[i]!))) as [number, number, number, number];
    const tiles = tilesAround((west + east) / 2, (south + north) / 2, 13).map(([x, y]) => `${deployed.url}/tiles/${LAYER}/13/${x}/${y}.png?datetime=${DAY}`);
    const boxes = [...items.map(({ bbox }) => bbox), [west, south, (west + east) / 2, north]];
    return [
      ...boxes.flatMap((box, i) => clients.slice(0, 4).map((client) => ({ kind: `area ${i}`, ask: () => synced(client, box) }))),
      ...tiles.flatMap((href, i) => [1, 2, 3, 4].map(() => ({ kind: `tile ${i}`, ask: () => fetched(href) }))),
      ...items.flatMap(({ assets }, i) => [1, 2].map(() => ({ kind: `file ${i}`, ask: () => fetched(Object.values(assets)[0]!.href) }))),
    ];
  };

  it('infers every block of a cold area once, and gives everybody the same bytes', async () => {
    expect(items).toHaveLength(2);
    const keys = deployed.counting();
    const asked = wishes();
    expect(asked).toHaveLength(32);
    const started = performance.now();
    const answers = await Promise.all(asked.map(async ({ kind, ask }) => ({ kind, answer: await ask() })));
    expect(answers.filter(({ answer }) => answer[0] !== 200)).toEqual([]);
    for (const { kind, answer } of answers) expect([kind, answer]).toEqual([kind, answers.find((other) => other.kind === kind)!.answer]);
    expect(new Set(answers.map(({ answer }) => answer[1])).size).toBe(9);
    const computed = keys();
    const filled = computedBy(deployed.everyWorker, { withEmpty: false });
    process.stdout.write(`32 clients: ${computed.length} inferences of ${new Set(computed).size} blocks, ${filled.length} of them with data, in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
    expect(computed.length).toBeGreaterThan(10);
    expect(new Set(computed).size).toBe(computed.length);
    for (const one of deployed.workers) expect(one.errors()).toBe('');
    // What is inferred is in the store, once.
    const stored = await deployed.stored('blocks/');
    expect(filled.filter((key) => !stored.some((object) => object.includes(key)))).toEqual([]);

    // Warm: nothing is inferred, and the bytes are those of the cold round.
    const again = await Promise.all(wishes().map(async ({ kind, ask }) => ({ kind, answer: await ask() })));
    expect(again).toEqual(answers);
    expect(keys()).toHaveLength(computed.length);
    await until(async () => ((await deployed.tasks()) === 0 ? true : null), 'empty queues', 60_000);
  }, WAIT_MS);

  it('turns away what is too much with the time to come again; the queue does not grow', async () => {
    // Nobody works: everything that is let in waits.
    await deployed.endWorkers('SIGTERM');
    await deployed.api.end();
    await deployed.startApi({ LAMINA_SYNC_MAX_PER_USER: '2', LAMINA_SYNC_MAX_WAITING: '5', LAMINA_JOBS_MAX_QUEUED: '2', LAMINA_TILE_MAX_WAITING: '3', LAMINA_TILE_DEADLINE_SECONDS: '3' });
    const asking = clients.slice(0, 4).flatMap((client, c) => Array.from({ length: 5 }, async (_, i) => {
      const graph = { add: { process_id: 'add', arguments: { x: c, y: i }, result: true } };
      const response = await client.fetch('/result', { method: 'POST', body: { process: { process_graph: graph } } });
      return { status: response.status, wait: response.headers.get('retry-after'), body: await response.json() as { code?: string } | number, sum: c + i };
    }));
    const early: number[] = [];
    for (const answer of asking) answer.then(({ status }) => early.push(status), () => {});
    await until(() => (early.length >= 15 ? true : null), 'the refusals', 60_000, deployed.api);
    expect(await deployed.queues.depth('sync')).toEqual({ waiting: 5, active: 0 });

    const tiles = await Promise.all(tilesAround(items[0]!.bbox[0]!, items[0]!.bbox[1]!, 17).flatMap(([x, y]) => [1, 2, 3].map(async (i) => fetch(`${deployed.url}/tiles/${LAYER}/17/${x}/${y}.png?datetime=${DAY}&dimension=${i}`))));
    expect(tiles.map(({ status, headers }) => [status, headers.get('retry-after') !== null])).toEqual(tiles.map(() => [503, true]));
    expect((await deployed.queues.depth('tile')).waiting).toBe(3);

    const jobs = await Promise.all([1, 2, 3, 4].map(async (x) => {
      const created = await clients[0]!.fetch('/jobs', { method: 'POST', body: { process: { process_graph: { add: { process_id: 'add', arguments: { x, y: 1 }, result: true } } } } });
      return created.headers.get('OpenEO-Identifier')!;
    }));
    const begun: [number, string | null][] = [];
    for (const id of jobs) begun.push(await clients[0]!.fetch(`/jobs/${id}/results`, { method: 'POST' }).then((r) => [r.status, r.headers.get('retry-after')]));
    expect(begun).toEqual([[202, null], [202, null], [429, '60'], [429, '60']]);
    expect((await deployed.queues.depth('batch')).waiting).toBe(2);

    await deployed.startWorker();
    const answers = await Promise.all(asking);
    process.stdout.write(`20 synchronous requests: ${[200, 429, 503].map((code) => `${answers.filter(({ status }) => status === code).length} × ${code}`).join(', ')}\n`);
    for (const { status, wait, body, sum } of answers) {
      if (status === 200) expect([body, wait]).toEqual([sum, null]);
      else expect([[429, 'TooManyRequests'], [503, 'InfrastructureBusy']].some(([code, name]) => status === code && (body as { code: string }).code === name) && Number(wait) > 0).toBe(true);
    }
    await clients[0]!.finished(jobs[0]!);
    await clients[0]!.finished(jobs[1]!);
    await until(async () => ((await deployed.tasks()) === 0 ? true : null), 'empty queues', 60_000);
  }, WAIT_MS);
});
