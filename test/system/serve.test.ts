/** `lamina serve` as a newcomer meets it: first start, second start, mistakes, Ctrl-C, ingest beside it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, freePort, lamina, run, until, type Started } from './processes.ts';

const ready = (service: Started) => until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', 90_000, service);

/** Processes below `pid`, without shells and the like. */
function descendants(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n').map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
  const of = (parent: number): number[] => rows.filter(([, p]) => p === parent).flatMap(([child]) => [child, ...of(child)]);
  return of(pid);
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(execFileSync('cat', [`/proc/${pid}/status`], { encoding: 'utf8' }));
  } catch {
    return false;
  }
};

describe('lamina serve', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-serve-'));
  let port: number;
  let service: Started;

  const serve = (data: string, at: number) => lamina(['serve'], { LAMINA_PORT: String(at), LAMINA_DATA: join(directory, data) });

  beforeAll(async () => {
    port = await freePort();
    service = serve('data', port);
    await ready(service);
  }, 120_000);

  afterAll(async () => {
    await service.end();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('makes a development user, prints the password, and tells where to go', async () => {
    const [, name, password] = /Log in\s+(\S+) \/ (\S+)/.exec(service.output()) ?? [];
    expect(service.output()).toContain(`http://127.0.0.1:${port}`);
    const client = new Client(`http://127.0.0.1:${port}`);
    await client.login(name!, password!);
    expect(await client.json('/me')).toMatchObject({ user_id: name });
  });

  it('has the synthetic collection and two layers over it', async () => {
    const { collections } = await new Client(`http://127.0.0.1:${port}`).json<{ collections: { id: string; title: string }[] }>('/collections');
    expect(collections.map((c) => c.id).sort()).toEqual(['EMB_SYNTHETIC_S2_CONV', 'EMB_SYNTHETIC_S2_PCA', 'SYNTHETIC_S2']);
    expect(collections.find((c) => c.id === 'SYNTHETIC_S2')!.title).toMatch(/synthetic/i);
  });

  it('says in one line that the port or the data directory is taken', async () => {
    const samePort = await run(serve('other', port));
    expect(samePort.code).toBe(1);
    expect(samePort.output).toMatch(new RegExp(`^lamina: .*${port}.*$`, 'm'));
    expect(samePort.output).not.toContain('    at ');
    const sameData = await run(serve('data', await freePort()));
    expect(sameData.code).toBe(1);
    expect(sameData.output).toMatch(/^lamina: .*data.*$/m);
    expect(sameData.output).not.toContain('    at ');
    expect((await fetch(`http://127.0.0.1:${port}/openeo/1.3/`)).status).toBe(200);
  }, 60_000);

  it('ends everything it started on Ctrl-C, and starts again on the same data', async () => {
    const children = descendants(service.child.pid!);
    expect(children.length).toBeGreaterThan(1);
    expect(await service.end('SIGINT')).toBe(0);
    await until(() => (children.some(isAlive) ? null : true), 'the end of all processes', 10_000);
    service = serve('data', port);
    await ready(service);
    expect(service.output()).not.toContain('Log in');
  }, 120_000);

  it('puts another worker in the place of one that was killed', async () => {
    const worker = descendants(service.child.pid!).find((pid) => execFileSync('cat', [`/proc/${pid}/cmdline`], { encoding: 'utf8' }).includes('worker.ts'))!;
    process.kill(worker, 'SIGKILL');
    await until(() => (descendants(service.child.pid!).some((pid) => pid !== worker && execFileSync('cat', [`/proc/${pid}/cmdline`], { encoding: 'utf8' }).includes('worker.ts')) ? true : null), 'another worker', 20_000, service);
  }, 60_000);
});
