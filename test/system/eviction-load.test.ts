/** The cache is far too small, and it is emptied again and again while tiles, requests, files and jobs run: nothing fails, no byte is wrong. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEvicting } from '../../src/layers/eviction.ts';
import { silentLog } from '../../src/log.ts';
import { missingServices } from './debian-services.ts';
import { Deployed, sha256 } from './deployed.ts';
import { until, type Client } from './processes.ts';

const missing = missingServices();
const LAYER = 'EMB_SYNTHETIC_S2_PCA';
const DAY = '2023-06-24';
const WAIT_MS = 240_000;
/** Two blocks of the dozens that are asked for. */
const LIMIT = 300_000;
const LOAD_MS = 20_000;

const graph = (west: number, south: number, east: number, north: number, from = DAY, to = '2023-06-25') => ({
  load: { process_id: 'load_collection', arguments: { id: LAYER, spatial_extent: { west, south, east, north }, temporal_extent: [from, to] } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
});

describe.skipIf(missing !== null)(`eviction under load${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const deployed = new Deployed();
  let client: Client;

  beforeAll(async () => {
    await deployed.start({ redis: true, s3: false, settings: { LAMINA_STORE_BYTES: String(LIMIT), LAMINA_TILE_DEADLINE_SECONDS: '120', LAMINA_CACHE_MIB: '16' } }, 2);
    client = await deployed.client('anna');
  }, 400_000);

  afterAll(() => deployed.close(), 120_000);

  const cached = async () => {
    const sizes = (await Promise.all(['blocks/', 'tiles/', 'layer-files/'].map((prefix) => Array.fromAsync(deployed.objects.list(prefix))))).flat();
    return sizes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  };
  const answerOf = async (response: Response) => (response.status === 200 ? sha256(await response.arrayBuffer()) : `${response.status} ${await response.text()}`);
  const job = async (box: Parameters<typeof graph>) => {
    const id = await client.startJob(graph(...box));
    await client.finished(id, WAIT_MS);
    return Object.values(await deployed.resultOf(client, id)).join();
  };

  it('no request fails, no byte is wrong, and the size settles under the limit', async () => {
    const { features } = await (await fetch(`${deployed.url}/stac/search?collections=${LAYER}&datetime=${DAY}T00:00:00Z/${DAY}T23:59:59Z`)).json() as { features: { bbox: [number, number, number, number]; assets: Record<string, { href: string }> }[] };
    const [west, south, east, north] = features[0]!.bbox;
    const [x, y] = [Math.floor(((west + 180) / 360) * 2 ** 14), Math.floor(((1 - Math.asinh(Math.tan((north * Math.PI) / 180)) / Math.PI) / 2) * 2 ** 14)];
    const tiles = [0, 1, 2].flatMap((i) => [0, 1, 2].map((k) => `${deployed.url}/tiles/${LAYER}/14/${x + i}/${y + k}.png?datetime=${DAY}`));
    const wishes: Record<string, () => Promise<string>> = {
      ...Object.fromEntries(tiles.map((href, i) => [`tile ${i}`, async () => answerOf(await fetch(href))])),
      area: async () => answerOf(await client.fetch('/result', { method: 'POST', body: { process: { process_graph: graph(west, south, east, north) } } })),
      corner: async () => answerOf(await client.fetch('/result', { method: 'POST', body: { process: { process_graph: graph(west, south, (west + east) / 2, (south + north) / 2) } } })),
      ...Object.fromEntries(features.map(({ assets }, i) => [`file ${i}`, async () => answerOf(await fetch(Object.values(assets)[0]!.href))])),
      // More blocks than the workers remember.
      ...Object.fromEntries([['2023-04-05', '2023-04-06'], ['2023-07-29', '2023-07-30'], ['2023-10-22', '2023-10-23']].map(([from, to], i) => [`date ${i}`, () => job([west, south, east, north, from, to])])),
    };
    const expected: Record<string, string> = {};
    for (const [name, ask] of Object.entries(wishes)) expected[name] = await ask();
    expect(Object.values(expected).filter((answer) => !/^([0-9a-f]{64})?$/.test(answer) && !answer.startsWith('204'))).toEqual([]);
    await until(async () => ((await cached()) > 2 * LIMIT ? true : null), 'a cache that is over its limit', 30_000);

    let rounds = 0;
    const policies = async () => {
      rounds++;
      return new Map();
    };
    const stop = startEvicting({ database: deployed.database, objects: deployed.objects, policies, maxBytes: LIMIT, log: silentLog }, 200);
    const computed = deployed.counting();
    const deadline = performance.now() + LOAD_MS;
    let asked = 0;
    const wrong: string[] = [];
    const client1 = async (names: readonly string[]) => {
      for (let i = 0; performance.now() < deadline; i++) {
        const name = names[i % names.length]!;
        const answer = await wishes[name]!();
        asked++;
        if (answer !== expected[name]) wrong.push(`${name}: ${answer}`);
      }
    };
    const names = Object.keys(wishes);
    await Promise.all([names.filter((name) => name.startsWith('tile')), names.filter((name) => name.startsWith('tile')).reverse(), ['area', 'corner'], names.filter((name) => name.startsWith('file')), names.filter((name) => name.startsWith('date'))].map(client1));
    expect(wrong).toEqual([]);
    // What was stored last is noted within seconds, and goes then.
    await until(async () => ((await cached()) <= LIMIT ? true : null), 'a cache within its limit', 60_000);
    const size = await cached();
    await stop();
    process.stdout.write(`${asked} answers while ${computed().length} blocks were computed again in ${rounds} rounds of eviction; ${size} bytes stay of ${LIMIT}\n`);
    expect(asked).toBeGreaterThan(20);
    expect(computed().length).toBeGreaterThan(5);
    await until(async () => ((await deployed.tasks()) === 0 ? true : null), 'empty queues', 60_000);
    for (const one of deployed.workers) expect(one.output().split('\n').filter((line) => line.includes('"level":"error"'))).toEqual([]);
  }, WAIT_MS);
});
