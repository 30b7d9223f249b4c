/** The processes of a run: who descends from whom (Linux' /proc), what they use, and how to end all of them. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the processes of a run use at a moment. */
export interface TreeUse {
  readonly processes: number;
  readonly memoryBytes: number;
  /** Of the processes that live, and of the children that they have waited for. */
  readonly cpuSeconds: number;
}

/** A variable that all processes of a run have, with the run's name, and no other process. */
export const MARK = 'OPERATOR_RUN';

/** The kernel counts processor time in hundredths of a second on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * All processes that descend from a first one. A process whose parent ended is adopted by another, so one that was seen once
 * stays in the list until it ends, and at the end everything is looked for that carries the run's mark in its variables.
 */
export class ProcessTree {
  readonly #known = new Set<number>();
  readonly #mark: string;

  /** @param mark 'NAME=value': a variable that only processes of this run have */
  constructor(first: number, mark: string) {
    this.#known.add(first);
    this.#mark = mark;
  }

  /** Another first process: that of a container, which is no child of what was started. */
  adopt(pid: number): void {
    this.#known.add(pid);
  }

  use(): TreeUse {
    this.#grow();
    let [processes, memoryBytes, cpuSeconds] = [0, 0, 0];
    for (const pid of this.#known) {
      const found = useOf(pid);
      if (!found) continue;
      processes += found.threads;
      memoryBytes += found.memoryBytes;
      cpuSeconds += found.cpuSeconds;
    }
    return { processes, memoryBytes, cpuSeconds };
  }

  /** Bytes in files that have no name and are open: made in memory (memfd_create), or deleted after they were opened. */
  nameless(): { memoryBytes: number; diskBytes: number } {
    const files = new Map<string, { isMemory: boolean; bytes: number }>();
    for (const pid of this.#known) {
      for (const fd of listOf(`/proc/${pid}/fd`)) namelessFile(`/proc/${pid}/fd/${fd}`, files);
    }
    const sum = (isMemory: boolean) => files.values().reduce((total, file) => total + (file.isMemory === isMemory ? file.bytes : 0), 0);
    return { memoryBytes: sum(true), diskBytes: sum(false) };
  }

  /**
   * Asks all to end, waits up to `graceMs`, and kills what is left, again and again, because a process can start others while
   * it is being killed. Gives false when something survived that (a process that hangs in the kernel).
   */
  async end(graceMs: number): Promise<boolean> {
    if (graceMs > 0) {
      this.#signal('SIGTERM');
      const until = Date.now() + graceMs;
      while (this.#alive().length > 0 && Date.now() < until) await sleep(20);
    }
    for (let round = 0; round < 100; round++) {
      for (const pid of markedProcesses(this.#mark)) this.#known.add(pid);
      if (this.#alive().length === 0) return true;
      this.#signal('SIGKILL');
      await sleep(20);
    }
    return false;
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#grow();
    for (const pid of this.#known) kill(pid, signal);
  }

  #alive(): number[] {
    this.#grow();
    return [...this.#known];
  }

  /** Forgets who has ended, finds new children. */
  #grow(): void {
    const waiting = [...this.#known];
    for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
      if (!isAlive(pid)) this.#known.delete(pid);
      for (const child of childrenOf(pid)) {
        if (!this.#known.has(child)) waiting.push(child);
        this.#known.add(child);
      }
    }
  }
}

/** Notes the file that a descriptor stands for, once for all that share it, if it has no name. */
function namelessFile(path: string, files: Map<string, { isMemory: boolean; bytes: number }>): void {
  try {
    const target = readlinkSync(path);
    if (!target.endsWith(' (deleted)')) return;
    const { dev, ino, blocks } = statSync(path);
    files.set(`${dev} ${ino}`, { isMemory: target.startsWith('/memfd:'), bytes: blocks * 512 });
  } catch {
    // It was closed meanwhile.
  }
}

function kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** A process that has ended and is not waited for yet (state Z) holds nothing any more. */
function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

function childrenOf(pid: number): number[] {
  const threads = listOf(`/proc/${pid}/task`);
  return threads.flatMap((thread) => textOf(`/proc/${pid}/task/${thread}/children`).split(' ').filter((part) => part !== '').map(Number));
}

function useOf(pid: number): { threads: number; memoryBytes: number; cpuSeconds: number } | null {
  const stat = statOf(pid);
  if (!stat) return null;
  const status = textOf(`/proc/${pid}/status`);
  // What it shares with others, the pages of programs and libraries, is not its own.
  const kibibytes = ['RssAnon', 'RssShmem'].reduce((sum, name) => sum + Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0), 0);
  const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(stat[field]), 0);
  return { threads: Number(stat[17]), memoryBytes: kibibytes * 1024, cpuSeconds: ticks / TICKS_PER_SECOND };
}

/** /proc/PID/stat from the state on (field 3 of proc(5) is [0]); null when there is no such process. */
function statOf(pid: number): string[] | null {
  const text = textOf(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything.
  return text === '' ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function markedProcesses(mark: string): number[] {
  const pids = listOf('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.filter((pid) => pid !== process.pid && textOf(`/proc/${pid}/environ`).split('\0').includes(mark) && isAlive(pid));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function listOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
