/**
 * Four workers on one queue, a batch job and a materialisation of the same layer; two workers are killed in
 * the middle. All is done, the bytes are those of a run without kills, and nothing is left behind.
 */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianPostgres, redisServer } from './debian-services.ts';
import { computedBy, Deployed, sha256 } from './deployed.ts';
import { until, type Client } from './processes.ts';

const WAIT_MS = 300_000;
const LAYER = 'EMB_SYNTHETIC_S2_CONV';
const [FROM, TO] = ['2023-06-01', '2023-10-01'];

const graph = {
  load: { process_id: 'load_collection', arguments: { id: LAYER, spatial_extent: null, temporal_extent: [FROM, TO] } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
};

interface Material {
  readonly id: string;
  readonly status: string;
  readonly message?: string;
  readonly href: string;
}

for (const kind of ['redis', 'postgres'] as const) {
  const missing = [debianPostgres() ? null : 'PostgreSQL (apt: postgresql)', kind === 'redis' && !redisServer ? 'Redis (apt: redis-server)' : null].filter((name) => name !== null);
  // The same on the other queue takes another minute; serve.test.ts kills a worker on PostgreSQL's every time.
  const isLeftOut = kind === 'postgres' && process.env['SLOW_TESTS'] !== '1';
  const why = missing.length > 0 ? `not installed: ${missing.join(', ')}` : isLeftOut ? 'slow; set SLOW_TESTS=1' : null;
  describe.skipIf(why !== null)(`four workers on ${kind}, two of them killed${why ? ` (skipped: ${why})` : ''}`, () => {
    const deployed = new Deployed();
    let client: Client;

    beforeAll(async () => {
      await deployed.start({ redis: kind === 'redis', s3: false }, 4);
      client = await deployed.client('anna');
    }, 400_000);

    afterAll(() => deployed.close(), 120_000);

    const base = () => `${deployed.url}/layers/${LAYER}/materialisations`;
    /** Starts both on the same blocks; gives their ids. */
    const begin = async () => {
      const [job, material] = await Promise.all([
        client.startJob(graph),
        client.json<Material>(base(), { method: 'POST', body: { datetime: `${FROM}T00:00:00Z/${TO}T00:00:00Z`, formats: ['GTiff', 'Zarr'] } }),
      ]);
      return { job, material: material.id };
    };
    const end = async ({ job, material }: { job: string; material: string }) => {
      await client.finished(job, WAIT_MS);
      const done = await until(async () => {
        const now = await client.json<Material>(`${base()}/${material}`);
        return ['finished', 'error', 'canceled'].includes(now.status) ? now : null;
      }, 'the materialisation', WAIT_MS, deployed.api);
      expect([done.status, done.message]).toEqual(['finished', undefined]);
      return { job: await deployed.resultOf(client, job), material: await materialHashes(material) };
    };
    /** Name → SHA-256 of what a materialisation has put into the store. */
    const materialHashes = async (id: string) => {
      const prefix = `materialised/${id}/`;
      const keys = await deployed.stored(prefix);
      return Object.fromEntries(await Promise.all(keys.map(async (key) => [key.slice(prefix.length), sha256((await deployed.objects.get(key))!)])));
    };
    /** Files of the store that are no objects: what a killed process was writing. */
    const temporaries = () => readdirSync(join(deployed.directory, 'data', 'objects'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.tmp-'));
    const scratch = () => readdirSync(join(deployed.directory, 'data', 'scratch'));

    it('all is done once, and equal to a run without kills', async () => {
      const keys = deployed.counting();
      const ids = await begin();
      await until(() => (keys().length >= 6 ? true : null), 'the first blocks', WAIT_MS, deployed.api);
      const status = (await client.json<{ status: string }>(`/jobs/${ids.job}`)).status;
      await deployed.endWorkers('SIGKILL', deployed.workers.slice(0, 2));
      const atKill = keys();
      expect([status, atKill.length < 30]).toEqual(['running', true]);
      const started = performance.now();
      const disturbed = await end(ids);
      const computed = keys();
      expect(new Set(computed).size).toBe(computed.length);
      process.stdout.write(`${kind}: ${atKill.length} blocks at the kill, ${computed.length} in all, done ${((performance.now() - started) / 1000).toFixed(0)} s after it\n`);

      // A block lies in the store or in a file, and only there.
      const filed = (await deployed.database.query<{ key: string }>("select block_key as key from cache_objects where state = 'filed'")).map(({ key }) => key);
      const stored = (await deployed.stored('blocks/')).map((key) => /([0-9a-f]{64})\.lbk$/.exec(key)![1]!);
      expect(new Set(stored).size).toBe(stored.length);
      expect(stored.filter((key) => filed.includes(key))).toEqual([]);
      const held = new Set([...stored, ...filed]);
      // The queue still knows which are empty: those are not looked into again later.
      const filled = new Set(computedBy(deployed.everyWorker, { withEmpty: false }));
      expect([...filled].filter((key) => !held.has(key))).toEqual([]);

      // Tasks of the dead have been taken up; nothing waits or runs, and nothing lies about but what the dead were writing.
      await until(async () => ((await deployed.tasks()) === 0 ? true : null), 'empty queues', 60_000);
      expect(temporaries().length).toBeLessThanOrEqual(2 * 2);

      // The same once more without kills, on an empty cache and with workers that remember nothing.
      await client.json(`${base()}/${ids.material}`, { method: 'DELETE' });
      expect(await deployed.stored(`materialised/${ids.material}/`)).toEqual([]);
      await deployed.endWorkers('SIGTERM');
      await deployed.forgetCache();
      await Promise.all([1, 2, 3, 4].map(() => deployed.startWorker()));
      const calm = deployed.counting();
      const undisturbed = await end(await begin());
      expect(undisturbed).toEqual(disturbed);
      expect(new Set(calm()).size).toBe(calm().length);
      expect([...filled].filter((key) => !calm().includes(key))).toEqual([]);
      process.stdout.write(`${kind}: ${calm().length} blocks without a kill, ${Object.keys(disturbed.material).length + Object.keys(disturbed.job).length} equal files\n`);
    }, WAIT_MS * 2);

    it('what the dead left on the disk is swept away when it is a day old', async () => {
      const folder = join(deployed.directory, 'data', 'objects', 'blocks', 'ff');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, '.tmp-dead'), 'half');
      mkdirSync(join(deployed.directory, 'data', 'scratch', 'run-dead'), { recursive: true });
      const left = [...temporaries(), ...scratch()];
      expect(left.length).toBeGreaterThanOrEqual(2);
      const before = new Date(Date.now() - 2 * 86_400_000);
      for (const name of temporaries()) utimesSync(join(deployed.directory, 'data', 'objects', name), before, before);
      for (const name of scratch()) for (const path of [name, ...readdirSync(join(deployed.directory, 'data', 'scratch', name), { recursive: true, encoding: 'utf8' }).map((file) => join(name, file))]) utimesSync(join(deployed.directory, 'data', 'scratch', path), before, before);
      await deployed.startWorker();
      await until(() => (temporaries().length + scratch().length === 0 ? true : null), 'the sweep', 60_000);
      process.stdout.write(`${kind}: ${left.length - 2} leftovers of the killed workers\n`);
    }, WAIT_MS);
  });
}
