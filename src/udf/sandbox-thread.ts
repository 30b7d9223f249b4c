/**
 * A sandbox in a thread of its own, as its user sees it: it starts with the first call, ends when nobody
 * has called for a while, and is killed when it breaks a limit or its caller gives up.
 *
 * Every start begins with a new instance of everything, so functions can't hand anything from call to call
 * for sure, and never from one user to another.
 */
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { OpenEOError } from '../errors.ts';
import type { UdfAnswer, UdfCall, UdfSandbox } from '../graph/udf.ts';
import type { Log } from '../log.ts';
import type { Reply, Request, SandboxLimits, ThreadSettings } from './messages.ts';

/** Beyond the limit that the sandbox keeps itself, before it is killed; starting takes some of it. */
const GRACE_MS = 5000;
const IDLE_MS = 2000;

export interface SandboxSettings {
  readonly code: string;
  /** JSON. */
  readonly context: string;
  readonly limits: SandboxLimits;
  /** Takes what the code writes to `console`. */
  readonly log: Log;
  /** Waits until there is room for one more thread that computes. */
  readonly gate: <T>(work: () => Promise<T>) => Promise<T>;
}

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly signal: Int32Array<SharedArrayBuffer>;
}

export class SandboxThread implements UdfSandbox {
  readonly #settings: SandboxSettings;
  #running: Running | null = null;
  #calls = 0;
  #idle: NodeJS.Timeout | undefined;
  /** Calls are answered one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(settings: SandboxSettings) {
    this.#settings = settings;
  }

  call<C extends UdfCall>(call: C, signal: AbortSignal): Promise<UdfAnswer<C>> {
    const answer = this.#turn.then(() => this.#settings.gate(() => this.#ask(call, signal)));
    this.#turn = answer.catch(() => {});
    return answer as Promise<UdfAnswer<C>>;
  }

  async #ask(call: UdfCall, signal: AbortSignal): Promise<UdfAnswer<UdfCall>> {
    signal.throwIfAborted();
    const { worker, port } = this.#start();
    const id = this.#calls++;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const onMessage = (reply: Reply) => { if (reply.id === id) resolve(reply); };
    const onAbort = () => { reject(signal.reason as Error); };
    const onEnd = () => { resolve({ id, logs: [], failure: 'its runtime ended, perhaps because it used too much memory' }); };
    const deadline = setTimeout(() => { resolve({ id, logs: [], failure: this.#tooLong() }); }, this.#patience);
    signal.addEventListener('abort', onAbort, { once: true });
    worker.once('exit', onEnd);
    port.on('message', onMessage);
    try {
      port.postMessage({ id, call } satisfies Request, buffersOf(call));
      return this.#take(await promise);
    } catch (error) {
      this.end();
      throw error;
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
      worker.off('exit', onEnd);
      port.off('message', onMessage);
      this.#rest();
    }
  }

  callSync<C extends UdfCall>(call: C): UdfAnswer<C> {
    const running = this.#start();
    const id = this.#calls++;
    const until = performance.now() + this.#patience;
    running.port.postMessage({ id, call } satisfies Request, buffersOf(call));
    try {
      return this.#take(this.#waitFor(id, running, until)) as UdfAnswer<C>;
    } catch (error) {
      this.end();
      throw error;
    } finally {
      this.#rest();
    }
  }

  #waitFor(id: number, { port, signal }: Running, until: number): Reply {
    for (;;) {
      const seen = Atomics.load(signal, 0);
      for (let next = receive(port); next; next = receive(port)) if (next.id === id) return next;
      const left = until - performance.now();
      if (left <= 0) return { id, logs: [], failure: this.#tooLong() };
      Atomics.wait(signal, 0, seen, left);
    }
  }

  /** Kills the thread. The next call starts another one. */
  end(): void {
    clearTimeout(this.#idle);
    void this.#running?.worker.terminate();
    this.#running = null;
  }

  get #patience(): number {
    return this.#settings.limits.milliseconds + GRACE_MS;
  }

  #tooLong(): string {
    return `it ran longer than ${this.#settings.limits.milliseconds / 1000} s, which is the limit`;
  }

  #start(): Running {
    clearTimeout(this.#idle);
    return this.#running ??= start(this.#settings);
  }

  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#running) this.#idle = setTimeout(() => { this.end(); }, IDLE_MS).unref();
  }

  #take(reply: Reply): UdfAnswer<UdfCall> {
    for (const { level, message } of reply.logs) this.#settings.log[level](message);
    if ('answer' in reply) return reply.answer;
    throw new OpenEOError('UdfFailed', { reason: reply.failure });
  }
}

function start({ code, context, limits }: SandboxSettings): Running {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    name: 'udf',
    workerData: { code, context, limits, signal, port: port2 } satisfies ThreadSettings,
    transferList: [port2],
    // Nothing of the service is in it, not even what the environment says.
    env: {}, argv: [], execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 },
  });
  // An uncaught error ends the thread; who waits learns it from the end.
  worker.on('error', () => {});
  // A thread that nobody waits for must not keep the service alive.
  worker.unref();
  return { worker, port: port1, signal };
}

const receive = (port: MessagePort) => (receiveMessageOnPort(port) as { readonly message: Reply } | undefined)?.message;

/** They change hands instead of being copied. */
function buffersOf(call: UdfCall): ArrayBuffer[] {
  if (!('samples' in call)) return [];
  const { data, nulls } = call.samples;
  return nulls ? [data.buffer, nulls.buffer] : [data.buffer];
}
