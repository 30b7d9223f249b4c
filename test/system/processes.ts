/** Starts Lamina's processes as a user would, and ends what it started. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../bin/lamina.mjs', import.meta.url));

/** A process that has been started; its output is kept for messages. */
export interface Started {
  readonly child: ChildProcess;
  output(): string;
  /** What it wrote to stderr alone. */
  errors(): string;
  /** Ends it with a signal and waits. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Enough for the log lines of every block of a job: tests count them. */
const KEPT_CHARACTERS = 5_000_000;

export interface StartOptions {
  /** Makes it the leader of a process group, as a terminal does, so that the group can be sent signals. */
  readonly group?: boolean;
  /** Another account; only root can. */
  readonly account?: { readonly uid: number; readonly gid: number };
}

/** Starts a command without the settings of this environment. */
export function start(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}, { group = false, account }: StartOptions = {}): Started {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LAMINA_') && !name.startsWith('VITEST')));
  const child = spawn(command, args, { env: { ...clean, ...environment }, stdio: ['ignore', 'pipe', 'pipe'], detached: group, ...account });
  let text = '';
  let errors = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-KEPT_CHARACTERS)));
  child.stderr!.on('data', (chunk: string) => (errors = (errors + chunk).slice(-KEPT_CHARACTERS)));
  return {
    child,
    output: () => text,
    errors: () => errors,
    async end(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

export function lamina(args: readonly string[], environment: Readonly<Record<string, string>>, options: StartOptions = {}): Started {
  return start(process.execPath, [cli, ...args], environment, options);
}

/** Runs a command to its end. */
export async function run(started: Started): Promise<{ code: number | null; output: string }> {
  if (started.child.exitCode === null) await once(started.child, 'exit');
  return { code: started.child.exitCode, output: started.output() };
}

/** Waits until `test` gives something other than null, or until the process has ended. */
export async function until<T>(test: () => Promise<T | null> | T | null, what: string, timeoutMs = 60_000, started?: Started): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await test();
    if (value !== null) return value;
    if (started && (started.child.exitCode !== null || started.child.signalCode !== null)) throw new Error(`${what}: the process ended.\n${started.output()}`);
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms.\n${started?.output() ?? ''}`);
    await delay(50);
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

/** A client with a token. */
export class Client {
  readonly url: string;
  #token = '';

  constructor(url: string) {
    this.url = url;
  }

  async login(name: string, password: string): Promise<void> {
    const response = await fetch(`${this.url}/openeo/1.3/credentials/basic`, { headers: { Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` } });
    this.#token = `basic//${((await response.json()) as { access_token: string }).access_token}`;
  }

  fetch(path: string, init: { method?: string; body?: unknown; headers?: Record<string, string> } = {}): Promise<Response> {
    return fetch(path.startsWith('http') ? path : `${this.url}/openeo/1.3${path}`, {
      method: init.method ?? 'GET',
      headers: { Authorization: `Bearer ${this.#token}`, ...(init.body === undefined ? {} : { 'Content-Type': 'application/json' }), ...init.headers },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
  }

  async json<T>(path: string, init: Parameters<Client['fetch']>[1] = {}): Promise<T> {
    const response = await this.fetch(path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Creates and starts a batch job; gives its id. */
  async startJob(graph: object): Promise<string> {
    const created = await this.fetch('/jobs', { method: 'POST', body: { process: { process_graph: graph }, log_level: 'debug' } });
    if (created.status !== 201) throw new Error(`POST /jobs: ${created.status} ${await created.text()}`);
    const id = created.headers.get('OpenEO-Identifier')!;
    await this.fetch(`/jobs/${id}/results`, { method: 'POST' });
    return id;
  }

  /** Waits for a job to end; throws with its log when it fails. */
  async finished(id: string, timeoutMs = 120_000): Promise<Job> {
    const job = await until(async () => {
      const now = await this.json<Job>(`/jobs/${id}`);
      return ['finished', 'error', 'canceled'].includes(now.status) ? now : null;
    }, `job ${id}`, timeoutMs);
    if (job.status !== 'finished') throw new Error(`job ${id}: ${job.status}\n${JSON.stringify(await this.json(`/jobs/${id}/logs`), null, 1)}`);
    return job;
  }
}

export interface Job {
  readonly id: string;
  readonly status: string;
  readonly progress: number;
}
