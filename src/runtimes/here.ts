/** Runs commands on this machine, as child processes. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { MARK, ProcessTree } from './process-tree.ts';
import { RuntimeUnavailable, type CommandLine, type Ended, type EndReason, type Place, type Program, type Usage } from './program.ts';
import { Tail } from './tail.ts';
import { watchRun, type Seen } from './watch.ts';

/** Time between asking processes to end and killing them. */
const GRACE_MS = 1000;
/** The shell that starts a command tells what it and its descendants took: the kernel adds that up when they are waited for. */
const TIMED = '"$@"; code=$?; times >&3; exit $code';

/** This machine as a place to run on. */
export function here(): Place {
  return { run: (command, program, _run, signal) => new Run(command, program, signal).outcome() };
}

let runs = 0;

class Run {
  readonly #command: CommandLine;
  readonly #program: Program;
  readonly #signal: AbortSignal;
  readonly #started = performance.now();
  readonly #output = new Tail();
  readonly #times = new Tail();
  #reason: EndReason = 'exit';
  #ending: Promise<boolean> | null = null;

  constructor(command: CommandLine, program: Program, signal: AbortSignal) {
    this.#command = command;
    this.#program = program;
    this.#signal = signal;
  }

  async outcome(): Promise<Ended> {
    this.#signal.throwIfAborted();
    const mark = `${process.pid}-${++runs}-${Date.now()}`;
    const child = this.#spawn(mark);
    const { pid } = child;
    const closed = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', (error) => reject(new RuntimeUnavailable(`it can't be started: ${error.message}`)));
      child.once('close', (code, signal) => resolve([code, signal]));
    });
    if (pid === undefined) throw await closed.catch((error: unknown) => error);
    const tree = new ProcessTree(pid, `${MARK}=${mark}`);
    const end = (reason: EndReason, graceMs: number) => {
      if (this.#ending === null) this.#reason = reason;
      this.#ending ??= tree.end(graceMs);
    };
    const onAbort = () => end('cancelled', GRACE_MS);
    this.#signal.addEventListener('abort', onAbort);
    const stopAdopting = adopt(tree, this.#command.processFile);
    const stopWatching = watchRun(tree, this.#program.folders.work, this.#program.limits, (limit) => end(limit, limit === 'time' ? GRACE_MS : 0));
    try {
      const [code, signal] = await closed;
      // What it left running in the background ends with it.
      await (this.#ending ?? tree.end(0));
      return this.#ended(code, signal, stopWatching());
    } finally {
      stopWatching();
      stopAdopting();
      this.#signal.removeEventListener('abort', onAbort);
      // A run that came to its own end has left nothing behind.
      if (this.#reason !== 'exit') await cleanUp(this.#command.cleanUp, this.#command.env);
    }
  }

  #spawn(mark: string): ChildProcess {
    const { argv, env, cwd } = this.#command;
    const child = spawn('/bin/sh', ['-c', TIMED, 'lamina', ...argv], { cwd, env: { ...env, [MARK]: mark }, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    child.stdout!.on('data', (bytes: Buffer) => this.#output.add(bytes));
    child.stderr!.on('data', (bytes: Buffer) => this.#output.add(bytes));
    child.stdio[3]!.on('data', (bytes: Buffer) => this.#times.add(bytes));
    return child;
  }

  #ended(code: number | null, signal: NodeJS.Signals | null, seen: Seen): Ended {
    const killed = signal ?? signalOf(code);
    const { killedMeans, isElsewhere = false } = this.#command;
    return {
      reason: this.#reason === 'exit' ? reasonOf(killed, killedMeans) : this.#reason,
      exitCode: killed === null ? code : null,
      signal: killed,
      output: this.#output.text(),
      usage: usageOf((performance.now() - this.#started) / 1000, isElsewhere ? null : seen, this.#times.text()),
    };
  }
}

/** A shell says 128 + n of a command that signal n ended. */
function signalOf(code: number | null): string | null {
  const names: Readonly<Record<number, string>> = { 130: 'SIGINT', 132: 'SIGILL', 134: 'SIGABRT', 135: 'SIGBUS', 136: 'SIGFPE', 137: 'SIGKILL', 139: 'SIGSEGV', 143: 'SIGTERM', 152: 'SIGXCPU', 153: 'SIGXFSZ' };
  return code === null ? null : names[code] ?? null;
}

function reasonOf(signal: string | null, killedMeans: EndReason = 'exit'): EndReason {
  if (signal === 'SIGXFSZ') return 'disk';
  return signal === 'SIGKILL' ? killedMeans : 'exit';
}

/** The second line of `times` is what the children took: '0m0.12s 0m0.03s'. Nothing, when the shell itself was killed. */
function usageOf(wallSeconds: number, seen: Seen | null, times: string): Usage {
  if (seen === null) return { wallSeconds, cpuSeconds: null, peakMemoryBytes: null, source: 'sampled' };
  const children = times.split('\n')[1] ?? '';
  const measured = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
  return { wallSeconds, cpuSeconds: Math.max(measured, seen.cpuSeconds), peakMemoryBytes: seen.peakMemoryBytes, source: measured >= seen.cpuSeconds && children !== '' ? 'measured' : 'sampled' };
}

/** Waits for the number of a container's first process; gives what ends the waiting. */
function adopt(tree: ProcessTree, file: string | undefined): () => void {
  if (file === undefined) return () => {};
  const timer = setInterval(() => {
    const pid = Number(readOrEmpty(file));
    if (!(pid > 1)) return;
    tree.adopt(pid);
    clearInterval(timer);
  }, 20);
  return () => clearInterval(timer);
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function cleanUp(argv: readonly string[] | undefined, env: Readonly<Record<string, string>>): Promise<void> {
  if (argv === undefined) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  // It fails where there is nothing left to clean up.
  execFile(argv[0]!, argv.slice(1), { env, timeout: 20_000 }, () => resolve());
  return promise;
}
