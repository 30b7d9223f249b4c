/** An operator that means harm, in the runtimes that are sealed: it gets nowhere, and what it did is reported. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RuntimeName } from '../../src/operators/reference.ts';
import { OperatorFailed } from '../../src/runtimes/process-runtime.ts';
import { openRuntime, toolEnvironmentOf } from '../../src/runtimes/runtimes.ts';
import { whyNot } from './available.ts';
import { COPY, programOperator, removePrograms, twoBlocks, type ProgramOptions } from './operators.ts';

let server: Server;
let port: number;
let visitors = 0;
let folder: string;
let scratch: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-victim-'));
  scratch = mkdtempSync(join(tmpdir(), 'lamina-runs-'));
  chmodSync(folder, 0o755);
  chmodSync(scratch, 0o777);
  writeFileSync(join(folder, 'key.txt'), 'swordfish');
  server = createServer((socket) => {
    visitors++;
    socket.end('hello');
  });
  await new Promise<void>((done) => void server.listen(0, '0.0.0.0', done));
  port = (server.address() as { port: number }).port;
  process.env['AWS_SECRET_ACCESS_KEY'] = 'swordfish';
});

afterAll(() => {
  delete process.env['AWS_SECRET_ACCESS_KEY'];
  server.close();
  removePrograms();
  for (const path of [folder, scratch]) rmSync(path, { recursive: true, force: true });
});

/** Tries what it can; prints a line for everything that worked. */
const nosy = () => `
for path in ${folder}/key.txt ${process.cwd()}/package.json /etc/shadow /etc/passwd /root/.bashrc /proc/1/root${folder}/key.txt; do cat "$path" 2> /dev/null | head -c 40; done
env; cat /proc/*/environ 2> /dev/null | tr '\\0' '\\n'
perl -MIO::Socket::INET -e 'for (qw(127.0.0.1 10.0.2.15 1.1.1.1)) { print "connected\\n" if IO::Socket::INET->new(PeerAddr => $_, PeerPort => ${port}, Timeout => 1) }'
perl -e 'use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0); for (glob("/run/*.sock /var/run/*/*.sock /run/*/*.sock")) { print "connected\\n" if connect($s, sockaddr_un($_)) }'
for path in /operator-package/x /usr/x /etc/x /x /dev/x; do touch "$path" 2> /dev/null && echo "wrote $path"; done
cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\\0' ' ' | grep -o 'vites[t]'
mount -t tmpfs none /tmp 2> /dev/null && echo mounted; unshare -rm mount -t tmpfs none /tmp 2> /dev/null && echo mounted
chmod u+s /operator-work 2> /dev/null; su -c id 2> /dev/null; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status
${COPY}`;

describe.each(['bubblewrap', 'podman'] as const)('%s', (name: RuntimeName) => {
  const reason = whyNot(name);
  if (reason !== null) {
    it.skip(`skipped: ${reason}`, () => {});
    return;
  }
  const run = (script: string, options: ProgramOptions) => openRuntime(name, { scratch, limits: { processes: 100, diskBytes: 32 * 2 ** 20 }, toolEnvironment: toolEnvironmentOf(process.env) })
    .run(programOperator(script, options), twoBlocks, new AbortController().signal);
  const failure = async (script: string, options: ProgramOptions = { resources: { seconds: 8, memory_mib: 256 } }) => {
    const error = await run(script, options).then(() => null, (caught: unknown) => caught);
    expect(error).toBeInstanceOf(OperatorFailed);
    return (error as OperatorFailed).ended;
  };

  it('shows it no file, no secret, no process, no network, and nothing that it could write to', async () => {
    const before = visitors;
    const { output } = await run(nosy(), {});
    expect(output).not.toMatch(/swordfish|lamina@|"name": "lamina"|root:x:0|connected|wrote|vitest|uid=0/);
    // podman lets programs make namespaces of their own, in which they may mount memory; it counts that (below).
    if (name === 'bubblewrap') expect(output).not.toContain('mounted');
    expect(output).toContain('CapEff:\t0000000000000000\nNoNewPrivs:\t1');
    expect(visitors).toBe(before);
  }, 30_000);

  it('stops a fork bomb, and reports it', async () => {
    const ended = await failure('bomb() { bomb | bomb & }; bomb; sleep 60');
    expect(['processes', 'time'].includes(ended.reason) || /fork/i.test(ended.output), ended.reason).toBe(true);
  }, 40_000);

  it('stops processes that multiply and wait', async () => {
    const ended = await failure('while :; do sleep 61 & done');
    // The watch sees it, or the kernel refuses a further one first.
    expect(ended.reason === 'processes' || /fork|Resource temporarily unavailable/i.test(ended.output), ended.reason).toBe(true);
  }, 40_000);

  it('stops a program that fills memory, by itself or through files in memory', async () => {
    const own = await failure(`exec perl -e 'while (1) { push @a, "x" x (1 << 20) }'`);
    expect(own.reason === 'memory' || /Out of memory/i.test(own.output)).toBe(true);
    const files = await failure('for place in /tmp /dev/shm; do dd if=/dev/zero of=$place/x bs=1M count=200 2>&1 | tail -1; done; du -sm /tmp /dev/shm; exit 3');
    for (const [, size] of files.output.matchAll(/^(\d+)\t/gm)) expect(Number(size)).toBeLessThanOrEqual(64);
  }, 40_000);

  it('counts memory and files that have no name', async () => {
    // memfd_create is 319 on x86-64 and 279 elsewhere. Four of them, none too large by itself.
    const memory = await failure(`exec perl -e 'for my $i (1 .. 4) {
      my $name = "m"; open($f[$i], "+<&=", syscall(qx(uname -m) =~ /x86_64/ ? 319 : 279, $name, 0)) or exit 7;
      for (1 .. 14) { syswrite($f[$i], "x" x (1 << 20)) // exit 6; select undef, undef, undef, 0.02 }
    } sleep 60'`, { resources: { seconds: 15, memory_mib: 40 } });
    expect(memory.reason).toBe('memory');
    const fill = (open: string) => `exec perl -e '${open}; while (1) { syswrite($f, "x" x (1 << 20)) // exit 6; select undef, undef, undef, 0.01 }'`;
    const disk = await failure(fill('open(my $f, "+>", "/operator-work/x") or exit 7; unlink "/operator-work/x"'), { resources: { seconds: 15, memory_mib: 256 } });
    expect(disk.reason === 'disk' || disk.exitCode === 6, disk.reason).toBe(true);
  }, 40_000);

  it('counts memory that a program mounts in a namespace of its own, or lets it have none', async () => {
    const mounted = `unshare -rm sh -c 'mount -t tmpfs none /tmp && for i in 1 2 3 4 5 6 7 8 9; do dd if=/dev/zero of=/tmp/$i bs=1M count=30; done; du -sm /tmp | sed s/^/filled:/'; exit 3`;
    const { output } = await failure(mounted, { resources: { seconds: 15, memory_mib: 96 } });
    expect(Number(/filled:(\d+)/.exec(output)?.[1] ?? 0)).toBeLessThanOrEqual(120);
  }, 40_000);

  it('stops a program that fills the disk', async () => {
    const one = await failure('exec dd if=/dev/zero of=/operator-work/big bs=1M count=500');
    expect(one.reason === 'disk' || /File (size|too)/i.test(one.output)).toBe(true);
    const many = await failure('i=0; while :; do i=$((i + 1)); dd if=/dev/zero of=/operator-work/$i bs=1M count=8 2> /dev/null; sleep 0.05; done');
    expect(many.reason).toBe('disk');
  }, 40_000);

  it('keeps little of a program that never stops talking', async () => {
    const ended = await failure('yes harmless | head -c 300000000; exit 5', { resources: { seconds: 20 } });
    expect(ended).toMatchObject({ reason: 'exit', exitCode: 5 });
    expect(ended.output.length).toBeLessThanOrEqual(16 * 1024);
  }, 40_000);

  it('takes no file of ours for an output', async () => {
    for (const trick of [`ln -s ${folder}/key.txt "$OUTPUT_PATH"`, `ln -s /proc/self/environ "$OUTPUT_PATH"`, 'mkdir "$OUTPUT_PATH"']) {
      const { output, exitCode } = await failure(trick);
      expect({ output, exitCode }).toEqual({ output: '', exitCode: 0 });
    }
  }, 40_000);

  it('leaves nothing behind', () => {
    expect(readdirSync(scratch)).toEqual([]);
    const left = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep\x0061');
      } catch {
        return false;
      }
    });
    expect(left).toEqual([]);
  });
});

describe('bubblewrap, for an account without rights', () => {
  const reason = process.getuid?.() !== 0 ? 'only the administrator can take another account' : whyNot('bubblewrap');
  if (reason !== null) {
    it.skip(`skipped: ${reason}`, () => {});
    return;
  }
  /** As the account 65534, which has no files and no rights. */
  const runAsNobody = async (script: string, runtime: RuntimeName = 'bubblewrap') => {
    const inside = await programOperator(script).folder();
    const args = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, join(import.meta.dirname, 'programs/run-once.ts'), runtime, inside, scratch];
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    execFile('setpriv', args, { cwd: '/', env: { PATH: process.env['PATH'], AWS_SECRET_ACCESS_KEY: 'swordfish', HOME: '/nonexistent' } }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
    return JSON.parse(await promise) as { vectors?: number[][]; output: string; reason?: string; message?: string };
  };

  it('runs programs, and shows them as little', async () => {
    const { vectors, output } = await runAsNobody(`${nosy()}; unshare -U true 2> /dev/null && echo namespaced; true`);
    expect(vectors).toEqual(twoBlocks.inputs.map((each) => [...each]));
    expect(output).not.toMatch(/swordfish|lamina@|"name": "lamina"|root:x:0|connected|wrote|mounted|vitest|uid=0|namespaced/);
  }, 30_000);

  it('stops a fork bomb', async () => {
    const { reason: ended = '', message, output } = await runAsNobody('bomb() { bomb | bomb & }; bomb; sleep 60');
    expect(['processes', 'time'].includes(ended) || /fork/i.test(output), message).toBe(true);
  }, 40_000);

  it.each(['containerless', 'proot'] as const)('%s needs no rights either', async (name) => {
    const missing = whyNot(name);
    if (missing !== null) return expect(missing).not.toBeNull();
    const { vectors, message } = await runAsNobody(COPY, name);
    expect(vectors, message).toEqual(twoBlocks.inputs.map((each) => [...each]));
  }, 30_000);
});
