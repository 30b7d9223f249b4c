/**
 * STAC APIs over many items (LAMINA_STAC_ITEMS, default a million): how fast they are put in, how long searches take
 * over HTTP with 1, 8 and 32 clients, and what both cost in processor time, which says more than the clock on a
 * machine that others use too. Ours is `lamina api` on the service's own PostgreSQL; the peer is stac-fastapi over
 * pgstac (bench/stac/pgstac.ts). They take turns, and their answers are compared first. Everything runs on this
 * machine, each part in processes of its own; the clients are this one.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { say, type Figure } from './harness.ts';
import { compareAnswers } from './stac/answers.ts';
import { hasSource, ITEMS, PEER_ITEMS, writeItems } from './stac/items.ts';
import { startOurs } from './stac/ours.ts';
import { missingPgstac, startPgstac } from './stac/pgstac.ts';
import { endedChildrenSeconds, treeMegabytes, treeSeconds, watchMachine } from './stac/processes.ts';
import { figureOf, rows, tell, type Measured } from './stac/report.ts';
import { agent, CLIENTS, REQUESTS, shapes, timesOf, type Shape } from './stac/searches.ts';
import type { Api, StacServer } from './stac/server.ts';

/** Where the databases lie while they are measured; ours takes 9 KB an item, and the items themselves 5 KB. */
const FOLDER = process.env['LAMINA_STAC_FOLDER'] ?? tmpdir();
const machine = watchMachine();

/** Searches of a warm-up have numbers of their own, so that no count of theirs is remembered. */
const WARM_UP = 1000;

interface Contender {
  readonly server: StacServer;
  readonly api: Api;
}

/** Microseconds of processor time an item, and items a second. */
async function fill(server: StacServer, paths: readonly string[], items: number): Promise<{ rate: number; sender: number; database: number }> {
  await server.putCollections();
  machine();
  const [start, sent, stored] = [performance.now(), endedChildrenSeconds(), treeSeconds(server.databasePid)];
  await server.putItems(paths);
  const rate = items / ((performance.now() - start) / 1000);
  const [sender, database] = [endedChildrenSeconds() - sent, treeSeconds(server.databasePid) - stored].map((seconds) => (seconds / items) * 1e6);
  await server.settle();
  say(`\n${server.name} (${server.about})`);
  say(`  ${items} items put in: ${rate.toFixed(0)} a second; processor time of an item ${(sender! + database!).toFixed(0)} µs (database ${database!.toFixed(0)}, process that sends ${sender!.toFixed(0)}); ${(await server.bytes() / items / 1000).toFixed(1)} KB an item on disk; ${machine()}`);
  return { rate, sender: sender!, database: database! };
}

async function measure({ server, api }: Contender, shape: Shape, clients: number, seed = clients): Promise<Measured> {
  const before = [treeSeconds(api.pid), treeSeconds(server.databasePid)] as const;
  const times = await timesOf(api.url, shape, clients, seed);
  const [ofApi, ofDatabase] = [treeSeconds(api.pid) - before[0], treeSeconds(server.databasePid) - before[1]].map((seconds) => (seconds * 1000) / REQUESTS);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  return { p50: at(0.5), p95: at(0.95), slowest: at(1), api: ofApi!, database: ofDatabase! };
}

/** Both in turns, of every shape with every number of clients. */
async function search(ours: Contender, theirs: Contender | null): Promise<Figure[]> {
  if (theirs) await compareAll(ours.api.url, theirs.api.url);
  const figures: Figure[] = [];
  const table: string[] = [];
  say(`\nmilliseconds: p50 / p95 / slowest of ${REQUESTS} searches, and processor time of one; ${machine()}`);
  for (const [name, shape] of Object.entries(shapes)) {
    const [a, b]: [Measured[], (Measured | null)[]] = [[], []];
    for (const contender of [ours, theirs]) if (contender) await measure(contender, shape, 1, WARM_UP);
    for (const clients of CLIENTS) {
      a.push(await measure(ours, shape, clients));
      b.push(theirs && (await measure(theirs, shape, clients)));
      tell(name, clients, a.at(-1)!, b.at(-1)!);
    }
    table.push(rows(name, a, b));
    figures.push(figureOf(name, a[0]!, b[0]!));
  }
  say(`\n${table.join('\n')}\n\nmemory; ${machine()}`);
  for (const contender of [ours, theirs]) if (contender) tellMemory(contender);
  return figures;
}

async function compareAll(ours: string, theirs: string): Promise<void> {
  const compared: number[] = [];
  for (const shape of Object.values(shapes)) compared.push(await compareAnswers(ours, theirs, shape));
  say(`\nanswers to 20 searches of each kind are the same (${compared.join(', ')} items)`);
}

function tellMemory({ server, api }: Contender): void {
  say(`  ${server.name}: ${treeMegabytes(server.databasePid).toFixed(0)} MB of the database, ${treeMegabytes(api.pid).toFixed(0)} MB of the API`);
}

async function withPeer(folder: string, settings: Readonly<Record<string, string>>, work: (peer: StacServer | null) => Promise<Figure[]>): Promise<Figure[]> {
  const reason = missingPgstac() ?? (PEER_ITEMS === 0 ? 'LAMINA_STAC_PEER_ITEMS is 0' : null);
  if (reason !== null) {
    say(`the peer, stac-fastapi-pgstac, is skipped: ${reason}`);
    return work(null);
  }
  const peer = await startPgstac(folder, settings);
  try {
    return await work(peer);
  } finally {
    await peer.stop();
  }
}

async function compete(folder: string, ours: StacServer, peer: StacServer | null): Promise<Figure[]> {
  const paths = await writeItems(folder, ITEMS);
  const mine = await fill(ours, paths, ITEMS);
  const other = peer && (await fill(peer, PEER_ITEMS === ITEMS ? paths : await writeItems(folder, PEER_ITEMS), PEER_ITEMS));
  if (other) say(`  ratio: items a second ${(mine.rate / other.rate).toFixed(2)}×, processor time of an item ${((mine.sender + mine.database) / (other.sender + other.database)).toFixed(2)}×`);
  const figures = await withApi(ours, (mine) => withApi(PEER_ITEMS === ITEMS ? peer : null, (theirs) => search(mine!, theirs)));
  const put = { what: `STAC items put in, ${ITEMS.toLocaleString('en')}`, ours: `${mine.rate.toFixed(0)} items/s`, peer: other ? `pypgstac ${other.rate.toFixed(0)} items/s` : '–', ratio: other ? `${(mine.rate / other.rate).toFixed(2)}×` : '–', goal: '≥ 8,000 items/s' };
  return [put, ...figures];
}

async function withApi<T>(server: StacServer | null, work: (contender: Contender | null) => Promise<T>): Promise<T> {
  if (server === null) return work(null);
  const api = await server.startApi();
  try {
    return await work({ server, api });
  } finally {
    await api.stop();
  }
}

export async function benchStac(): Promise<Figure[]> {
  if (!hasSource) {
    say('skipped: ../shared/data/stac-items is absent');
    return [];
  }
  const folder = await mkdtemp(join(FOLDER, 'lamina-bench-'));
  // Both databases run under accounts of their own and have to get through to theirs.
  await chmod(folder, 0o755);
  try {
    const ours = await startOurs(folder);
    try {
      return await withPeer(folder, ours.settings, (peer) => compete(folder, ours, peer));
    } finally {
      await ours.stop();
    }
  } finally {
    agent.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchStac();
