/**
 * 200 jobs of 20 users at once, on one API and two workers; the API and a worker are killed in the middle. Every
 * job finishes, and exactly once; no log lacks anything. Beside it: how long a job waits when nothing else is to do.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianPostgres, redisServer } from './debian-services.ts';
import { Deployed } from './deployed.ts';
import { Client, until } from './processes.ts';

const WAIT_MS = 300_000;
const USERS = Array.from({ length: 20 }, (_, i) => `user${i + 1}`);
const JOBS_PER_USER = 10;
const KILL_AFTER = 30;

const graph = {
  load: { process_id: 'load_collection', arguments: { id: 'SYNTHETIC_S2', spatial_extent: { west: 708_000, south: 5_612_000, east: 709_000, north: 5_613_000, crs: 32631 }, temporal_extent: null, bands: ['B04'] } },
  mean: { process_id: 'reduce_dimension', arguments: { data: { from_node: 'load' }, dimension: 't', reducer: { process_graph: { mean: { process_id: 'mean', arguments: { data: { from_parameter: 'data' } }, result: true } } } } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'mean' }, format: 'GTiff' }, result: true },
};

interface Entry {
  readonly level: string;
  readonly message: string;
  readonly path?: readonly { readonly node_id: string }[];
}

const wanted = process.env['SLOW_TESTS'] === '1';

for (const kind of ['redis', 'postgres'] as const) {
  const missing = [debianPostgres() ? null : 'PostgreSQL (apt: postgresql)', kind === 'redis' && !redisServer ? 'Redis (apt: redis-server)' : null].filter((name) => name !== null);
  const why = missing.length > 0 ? `not installed: ${missing.join(', ')}` : wanted ? null : 'slow; set SLOW_TESTS=1';
  describe.skipIf(why !== null)(`200 jobs of 20 users on ${kind}${why ? ` (skipped: ${why})` : ''}`, () => {
    const deployed = new Deployed();
    const clients: Client[] = [];

    beforeAll(async () => {
      await deployed.start({ redis: kind === 'redis', s3: false, settings: { LAMINA_BASIC_USERS: USERS.map((name) => `${name}:secret`).join(','), LAMINA_EDITORS: USERS[0]! } }, 2);
      for (const name of USERS) {
        const client = new Client(deployed.url);
        await client.login(name, 'secret');
        clients.push(client);
      }
      // What the service did, told by the database itself: a line per change of a status.
      await deployed.database.query('create table seen (job_id text, run integer, status text, at timestamptz default clock_timestamp())');
      await deployed.database.query(`create function see() returns trigger language plpgsql as $$ begin
        if new.status <> old.status then insert into seen (job_id, run, status) values (new.id, new.run, new.status); end if; return new; end $$`);
      await deployed.database.query('create trigger see after update on jobs for each row execute function see()');
    }, WAIT_MS);

    afterAll(() => deployed.close(), 120_000);

    /** Asks until there is an answer: the API may be away for a moment. */
    const insist = async (client: Client, ...args: Parameters<Client['fetch']>): Promise<Response> => until(
      () => client.fetch(...args).then((answer) => (answer.status < 500 ? answer : null), () => null), `${args[1]?.method ?? 'GET'} ${args[0]}`, WAIT_MS,
    );
    const started = async (client: Client): Promise<string> => {
      const created = await insist(client, '/jobs', { method: 'POST', body: { process: { process_graph: graph }, log_level: 'debug' } });
      expect(created.status).toBe(201);
      const id = created.headers.get('OpenEO-Identifier')!;
      // An answer that got lost may be one to a start that was done: asked again, it would run a finished job once more.
      for (let status = 'created'; status === 'created';) {
        const answer = await client.fetch(`/jobs/${id}/results`, { method: 'POST' }).catch(() => null);
        if (answer?.status === 202) break;
        ({ status } = await (await insist(client, `/jobs/${id}`)).json() as { status: string });
      }
      return id;
    };
    const finishedCount = async () => (await deployed.database.query<{ n: number }>("select count(*)::integer as n from seen where status = 'finished'"))[0]!.n;
    const waits = async (ids: readonly string[]) => (await deployed.database.query<{ ms: number }>('select extract(epoch from started - queued) * 1000 as ms from jobs where id = any($1)', [ids])).map(({ ms }) => Number(ms)).sort((a, b) => a - b);
    const tell = (what: string, values: readonly number[]) => process.stdout.write(`${kind}: ${what}: p50 ${values[Math.floor(values.length / 2)]!.toFixed(0)} ms, p95 ${values[Math.floor(values.length * 0.95)]!.toFixed(0)} ms of ${values.length}\n`);

    it('a job that has nothing before it begins at once', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 20; i++) {
        const id = await started(clients[0]!);
        await clients[0]!.finished(id);
        ids.push(id);
      }
      tell('from POST results to running, alone', await waits(ids));
      await deployed.database.query('delete from seen');
    }, WAIT_MS);

    it('all finish once with complete logs, although the API and a worker are killed', async () => {
      const began = performance.now();
      const creating = Promise.all(clients.map((client) => Promise.all(Array.from({ length: JOBS_PER_USER }, () => started(client)))));
      await until(async () => ((await finishedCount()) >= KILL_AFTER ? true : null), 'the first jobs', WAIT_MS);
      const [victim] = deployed.workers;
      await Promise.all([deployed.api.end('SIGKILL'), deployed.endWorkers('SIGKILL', [victim!])]);
      await deployed.startApi();
      await deployed.startWorker();
      const ids = await creating;
      const all = ids.flat();
      expect(new Set(all).size).toBe(USERS.length * JOBS_PER_USER);
      const left = async () => (await deployed.database.query<{ n: number }>("select count(*)::integer as n from jobs where id = any($1) and status <> 'finished'", [all]))[0]!.n;
      await until(async () => ((await left()) === 0 ? true : null), 'the last job', WAIT_MS, deployed.api);
      const seconds = (performance.now() - began) / 1000;

      // A request that the killed API had begun may have left a job that nobody heard of; it was never started.
      const ends = await deployed.database.query<{ job_id: string; n: number; runs: number }>("select job_id, count(*)::integer as n, max(run) as runs from seen where status = 'finished' group by job_id");
      expect(ends.filter(({ job_id: id }) => all.includes(id)).map(({ n, runs }) => `${n} in run ${runs}`)).toEqual(all.map(() => '1 in run 1'));
      expect(await deployed.database.query("select * from seen where status in ('error', 'canceled')")).toEqual([]);
      for (const [i, client] of clients.entries()) await checkLogs(client, ids[i]!);
      const begun = await deployed.database.query<{ n: number }>('select count(*)::integer as n from jobs where begun > 1');
      tell('from POST results to running, 200 at once', await waits(all));
      process.stdout.write(`${kind}: ${all.length} jobs in ${seconds.toFixed(1)} s with both kills; ${begun[0]!.n} were taken up again by another worker\n`);
      await until(async () => ((await deployed.tasks()) === 0 ? true : null), 'empty queues', 60_000);
    }, WAIT_MS * 2);

    it('a canceled job leaves no work behind', async () => {
      const client = clients[0]!;
      const keys = deployed.counting();
      const id = await client.startJob({
        load: { process_id: 'load_collection', arguments: { id: 'EMB_SYNTHETIC_S2_CONV', spatial_extent: null, temporal_extent: ['2023-06-01', '2023-10-01'] } },
        save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'netCDF' }, result: true },
      });
      await until(() => (keys().length >= 2 ? true : null), 'the first blocks', WAIT_MS, deployed.api);
      const canceled = performance.now();
      expect((await client.fetch(`/jobs/${id}/results`, { method: 'DELETE' })).status).toBe(204);
      const isCalledOff = async () => {
        const [batch, embed] = await Promise.all([deployed.queues.depth('batch'), deployed.queues.depth('embed')]);
        return batch.waiting + batch.active + embed.waiting === 0;
      };
      await until(async () => ((await isCalledOff()) ? true : null), 'the job and its waiting blocks to go', 2000);
      const calledOff = performance.now() - canceled;
      await until(async () => ((await deployed.tasks()) === 0 ? true : null), 'the blocks that were being computed', 60_000);
      process.stdout.write(`${kind}: canceled; nothing waits after ${calledOff.toFixed(0)} ms, nothing runs after ${(performance.now() - canceled).toFixed(0)} ms\n`);
      const count = keys().length;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(keys()).toHaveLength(count);
    }, WAIT_MS);

    /** The log says what was loaded, written and done, and where; and there is a file. */
    const checkLogs = async (client: Client, ids: readonly string[]): Promise<void> => {
      for (const id of ids) {
        const { logs } = await client.json<{ logs: Entry[] }>(`/jobs/${id}/logs`);
        const nodesOf = (message: RegExp) => logs.filter((entry) => message.test(entry.message)).map(({ path }) => path?.[0]?.node_id);
        expect(nodesOf(/^Loads 'SYNTHETIC_S2'/), id).toContain('load');
        expect(nodesOf(/^Wrote 1 file/), id).toContain('save');
        expect(logs.at(-1)!.message, id).toMatch(/^Finished in/);
        expect(Object.keys((await client.json<{ assets: object }>(`/jobs/${id}/results`)).assets)).toHaveLength(1);
      }
    };
  });
}
