/** `lamina serve` as a newcomer meets it: first start, second start, mistakes, Ctrl-C, killed processes, an ordinary user. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, freePort, lamina, run, until, type Started } from './processes.ts';

const START_MS = 180_000;
const ready = (service: Started) => until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', START_MS, service);

/** Processes below `pid`. */
function descendants(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n').map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
  const of = (parent: number): number[] => rows.filter(([, p]) => p === parent).flatMap(([child]) => [child, ...of(child)]);
  return of(pid);
}

/** Command line of a process; empty when it is gone. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** False also for one that has ended and waits for its parent to notice. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const workersOf = (service: Started) => descendants(service.child.pid!).filter((pid) => commandOf(pid).includes('worker.ts'));

/** Name → time of writing of each block of embeddings in the object store. */
function blocksIn(directory: string): Map<string, number> {
  const root = join(directory, 'data', 'objects', 'blocks');
  const names = existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lbk')) : [];
  return new Map(names.map((name) => [name, statSync(join(root, name)).mtimeMs]));
}

/** What is printed is one line that begins with our name. */
function expectOneLine(ended: { code: number | null; output: string }, words: RegExp): void {
  expect(ended.code).toBe(1);
  const lines = ended.output.trim().split('\n').filter((line) => !line.startsWith('Lamina is starting on '));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^lamina: /);
  expect(lines[0]).toMatch(words);
}

describe('lamina serve', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-serve-'));
  const started: Started[] = [];
  let port: number;
  let service: Started;
  let login: [string, string];

  const serve = (data: string, at: number) => {
    const one = lamina(['serve'], { LAMINA_PORT: String(at), LAMINA_DATA: join(directory, data) }, { group: true });
    started.push(one);
    return one;
  };

  beforeAll(async () => {
    port = await freePort();
    service = serve('data', port);
    await ready(service);
  }, START_MS);

  afterAll(async () => {
    for (const one of started) await one.end();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('makes a development user, prints the password, and tells where to go', async () => {
    const [, name, password] = /Log in\s+(\S+) \/ (\S+)/.exec(service.output()) ?? [];
    login = [name!, password!];
    expect(service.output()).toContain(`http://127.0.0.1:${port}`);
    // Words for people, no log.
    expect(service.output()).not.toContain('{"level"');
    const client = new Client(`http://127.0.0.1:${port}`);
    await client.login(...login);
    expect(await client.json('/me')).toMatchObject({ user_id: name });
  });

  it('has the synthetic collection and two layers over it', async () => {
    const { collections } = await new Client(`http://127.0.0.1:${port}`).json<{ collections: { id: string; title: string }[] }>('/collections');
    expect(collections.map((c) => c.id).sort()).toEqual(['EMB_SYNTHETIC_S2_CONV', 'EMB_SYNTHETIC_S2_PCA', 'SYNTHETIC_S2']);
    expect(collections.find((c) => c.id === 'SYNTHETIC_S2')!.title).toMatch(/synthetic/i);
  });

  it('has a home page whose links all lead somewhere', async () => {
    const page = await (await fetch(`http://127.0.0.1:${port}/`, { headers: { Accept: 'text/html,*/*;q=0.8' } })).text();
    const links = [...page.matchAll(/href="(http[^"]+)"/g)].map(([, href]) => href!.replaceAll('&amp;', '&'));
    expect(links.filter((href) => href.endsWith('.png'))).toHaveLength(3);
    for (const href of links) {
      // A tile that takes long is asked for again, as map clients do.
      const answer = await until(async () => {
        const tried = await fetch(href, { headers: { Accept: '*/*' } });
        return tried.status === 503 ? null : tried;
      }, href, START_MS);
      expect([href, answer.status]).toEqual([href, 200]);
    }
  }, START_MS);

  it('says in one line that the port is taken, before it makes anything', async () => {
    expectOneLine(await run(serve('other', port)), new RegExp(`port ${port} on 127.0.0.1 is in use .*LAMINA_PORT`));
    expect(existsSync(join(directory, 'other'))).toBe(false);
  }, START_MS);

  it('says in one line that the data directory is taken, and goes on', async () => {
    expectOneLine(await run(serve('data', await freePort())), new RegExp(`data directory .* in use by process ${service.child.pid}.*LAMINA_DATA`));
    expect((await fetch(`http://127.0.0.1:${port}/openeo/1.3/`)).status).toBe(200);
  }, START_MS);

  it('says in one line what is wrong with a setting', async () => {
    const wrong = lamina(['serve'], { LAMINA_PORT: '99999', LAMINA_DATA: join(directory, 'other') });
    const { code, output } = await run(wrong);
    expect(code).toBe(1);
    expect(output).toMatch(/^lamina: The configuration is not valid:\n {2}LAMINA_PORT must be a whole number from 0 to 65535, not "99999"\n$/);
  }, START_MS);

  it('puts another worker in the place of one that was killed', async () => {
    const [worker] = workersOf(service);
    process.kill(worker!, 'SIGKILL');
    await until(() => (workersOf(service).some((pid) => pid !== worker) ? true : null), 'another worker', 60_000, service);
    const client = new Client(`http://127.0.0.1:${port}`);
    await client.login(...login);
    // Only a worker that takes tasks answers this.
    const graph = { add: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } };
    expect(await client.json('/result', { method: 'POST', body: { process: { process_graph: graph } } })).toBe(3);
  }, START_MS);

  it('finishes a job whose worker is killed in the middle, and computes no block again', async () => {
    const client = new Client(`http://127.0.0.1:${port}`);
    await client.login(...login);
    const before = blocksIn(directory).size;
    const id = await client.startJob({
      load: { process_id: 'load_collection', arguments: { id: 'EMB_SYNTHETIC_S2_CONV', spatial_extent: null, temporal_extent: ['2023-04-01', '2023-07-01'] } },
      save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
    });
    const early = await until(() => (blocksIn(directory).size >= before + 5 ? blocksIn(directory) : null), 'the first blocks', START_MS, service);
    expect((await client.json<{ status: string }>(`/jobs/${id}`)).status).toBe('running');
    process.kill(workersOf(service)[0]!, 'SIGKILL');
    const job = await client.finished(id, START_MS);
    const late = blocksIn(directory);
    expect(late.size).toBeGreaterThan(early.size);
    for (const [name, written] of early) expect([name, late.get(name)]).toEqual([name, written]);
    expect(job.progress).toBe(100);
    expect(Object.keys((await client.json<{ assets: object }>(`/jobs/${id}/results`)).assets)).toHaveLength(3);
  }, START_MS);

  it('ends everything it started on Ctrl-C, and starts again on the same data', async () => {
    await service.end('SIGINT');
    service = serve('data', port);
    await ready(service);
    expect(service.output()).not.toContain('Log in');
    const children = descendants(service.child.pid!);
    expect(children.length).toBeGreaterThan(1);
    // A terminal sends Ctrl-C to the whole group.
    const before = performance.now();
    process.kill(-service.child.pid!, 'SIGINT');
    expect(await service.end('SIGINT')).toBe(0);
    process.stdout.write(`Ctrl-C took ${((performance.now() - before) / 1000).toFixed(1)} s\n`);
    expect(children.filter(isAlive)).toEqual([]);
    expect(service.errors()).toBe('');
    expect(service.output()).toMatch(/Ending …\n$/);
  }, START_MS * 2);

  it('leaves no worker behind when it is killed, and takes its data up again', async () => {
    service = serve('data', port);
    await ready(service);
    const workers = workersOf(service);
    expect(workers).toHaveLength(1);
    service.child.kill('SIGKILL');
    await until(() => (workers.some(isAlive) ? null : true), 'the end of the worker', 60_000);
    service = serve('data', port);
    await ready(service);
    const client = new Client(`http://127.0.0.1:${port}`);
    await client.login(...login);
    expect(await client.json('/me')).toMatchObject({ user_id: login[0] });
    expect(await service.end('SIGTERM')).toBe(0);
  }, START_MS * 2);
});

const nobody = () => ({ uid: Number(execFileSync('id', ['-u', 'nobody'])), gid: Number(execFileSync('id', ['-g', 'nobody'])) });

/** Why another account can't be tried; null when it can. */
function noOrdinaryUser(): string | null {
  if (process.getuid?.() !== 0) return 'the tests run as an ordinary user already';
  try {
    execFileSync(process.execPath, ['--check', 'src/cli.ts'], { stdio: 'pipe', ...nobody() });
    return null;
  } catch {
    return 'there is no user nobody, or it may not read this folder';
  }
}

const reason = noOrdinaryUser();

describe.skipIf(reason !== null)(`lamina serve as an ordinary user${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-nobody-'));
  let service: Started | undefined;

  afterAll(async () => {
    await service?.end();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('becomes ready, serves, and ends', async () => {
    const home = join(directory, 'home');
    mkdirSync(home);
    chmodSync(directory, 0o755);
    execFileSync('chown', ['nobody', home]);
    const port = await freePort();
    service = lamina(['serve'], { LAMINA_PORT: String(port), LAMINA_DATA: join(home, 'data'), HOME: home }, { account: nobody() });
    await ready(service);
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    expect(execFileSync('stat', ['-c', '%U', join(home, 'data', 'postgres', 'cluster', 'PG_VERSION')], { encoding: 'utf8' }).trim()).toBe('nobody');
    expect(service.errors()).toBe('');
    expect(await service.end('SIGTERM')).toBe(0);
  }, START_MS);
});
