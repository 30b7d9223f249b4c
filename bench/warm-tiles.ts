/**
 * A warm tile of a layer over HTTP, against the same PNG sent as a static file by the same Express app:
 * (a) the tile is in the object store, (b) it is a file, (c) it is drawn from cached blocks by a worker,
 * queue and all. A whole service on a database of its own; the layer over the synthetic collection.
 */
import { fork } from 'node:child_process';
import { createServer, get, Agent } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { createTileRouter } from '../src/api/tiles/tiles.ts';
import { readConfig } from '../src/config.ts';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { openDeployment, packageFolder } from '../src/deployment.ts';
import { VirtualCatalog } from '../src/layers/virtual-catalog.ts';
import { silentLog } from '../src/log.ts';
import { prepareCatalog } from '../src/prepare-catalog.ts';
import { withAllocation } from '../src/workers/process-settings.ts';
import { alternate, say, type Figure } from './harness.ts';

const layer = 'EMB_SYNTHETIC_S2_PCA';
const tile = { z: 13, x: 4232, y: 2756 };
const REQUESTS = 100;
const DRAWN = 20;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

async function fetchBytes(url: string): Promise<Buffer> {
  const [response] = await once(get(url, { agent }), 'response') as [NodeJS.ReadableStream & { statusCode: number }];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode} ${body.toString('utf8', 0, 300)}`);
  return body;
}

/** The median time of one request, of many one after the other. */
async function median(urls: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (const url of urls) {
    const start = performance.now();
    await fetchBytes(url);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

/** One closer after the other, the last opened first. */
async function startAll(folder: string, closers: (() => Promise<unknown>)[]): Promise<string> {
  const log = silentLog;
  const environment = { LAMINA_DATA: folder, LAMINA_LOG_LEVEL: 'warning' };
  const postgres = await startEmbeddedPostgres({ directory: join(folder, 'postgres'), log });
  closers.push(() => postgres.stop());
  const config = readConfig(environment);
  const deployment = await openDeployment(config, postgres.url, log);
  closers.push(() => deployment.close());
  await prepareCatalog(deployment, [packageFolder('collections')]);
  const worker = fork(fileURLToPath(new URL('../src/worker.ts', import.meta.url)), { env: withAllocation({ ...process.env, ...environment, LAMINA_DATABASE_URL: postgres.url }) });
  closers.push(async () => {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  });
  await once(worker, 'message');
  const { catalog, operators, queues, objects, cache } = deployment;
  const app = express();
  let base = '';
  app.use('/static', express.static(join(folder, 'static')));
  app.use(createTileRouter({ catalog, virtual: new VirtualCatalog(catalog, operators), queues, objects, cache, publicUrl: () => base }));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return base;
}

export async function benchWarmTiles(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const base = await startAll(folder, closers);
    const url = `${base}/tiles/${layer}/${tile.z}/${tile.x}/${tile.y}.png`;
    // Drawn once: from here on its blocks are cached, and so is the tile.
    const png = await fetchBytes(url);
    await mkdir(join(folder, 'static'), { recursive: true });
    await writeFile(join(folder, 'static', 'tile.png'), png);
    const file = `${base}/static/tile.png`;
    if (!(await fetchBytes(file)).equals(await fetchBytes(url))) throw new Error('the file is not the tile');
    let drawn = 0;
    // Another range is another tile of the same blocks.
    const fresh = () => Array.from({ length: DRAWN }, () => `${url}?dimension=0&rescale=-2,${3 + drawn++ / 1000}`);
    say(`\nWarm tile of a layer over HTTP, one client, ${png.length} bytes, median of ${REQUESTS} requests a round (${DRAWN} for those that are drawn)`);
    const same = (address: string) => Array.from({ length: REQUESTS }, () => address);
    const times = await alternate({ 'tile in the store': () => median(same(url)), 'static file': () => median(same(file)), 'drawn from cached blocks': () => median(fresh()) });
    const figure = (what: string, ours: number, goal: string): Figure => ({ what, ours: `${ours.toFixed(2)} ms`, peer: `express.static ${times['static file']!.median.toFixed(2)} ms`, ratio: `${(ours / times['static file']!.median).toFixed(2)}×`, goal });
    return [
      figure('warm tile over HTTP, in the store', times['tile in the store']!.median, '≤ 2×'),
      figure('warm tile over HTTP, drawn from cached blocks', times['drawn from cached blocks']!.median, '–'),
    ];
  } finally {
    for (const close of closers.toReversed()) await close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  for (const figure of await benchWarmTiles()) say(JSON.stringify(figure));
}
