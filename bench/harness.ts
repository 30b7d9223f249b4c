/** What benchmarks share: contenders that alternate, medians with spread, and a peer process in Python. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { withAllocation } from '../src/workers/process-settings.ts';

export const ROUNDS = 7;

/** The interpreter with the peers' packages (test/clients/requirements.txt). */
export const python = [process.env['LAMINA_PYTHON'], join(import.meta.dirname, '../.venv/bin/python'), '/opt/lamina-venv/bin/python'].find((path) => path !== undefined && existsSync(path)) ?? null;

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, low: sorted[0]!, high: sorted.at(-1)! };
}

/** A process, most in Python, that answers one JSON line with one. */
export interface Peer {
  ask<T>(task: object): Promise<T>;
  stop(): void;
}

/**
 * `command` runs the script: an interpreter, and what goes before the script. The pages that our workers are started
 * with are for them alone: a peer runs as people run it.
 */
export function startPeer(script: string, command: readonly [string, ...string[]] = [python!], { isOurs = false } = {}): Peer {
  const [interpreter, ...before] = command;
  const { GLIBC_TUNABLES: _pages, ...env } = process.env;
  const child = spawn(interpreter, [...before, join(import.meta.dirname, script)], { env: isOurs ? withAllocation(env) : env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask<T>(task: object): Promise<T> {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script} ended`);
      return JSON.parse(value as string) as T;
    },
    stop: () => void child.stdin.end(),
  };
}

/** Runs the contenders in turns and prints a line for each; each gives the milliseconds it took. */
export async function alternate(contenders: Readonly<Record<string, () => Promise<number>>>, rounds = ROUNDS): Promise<Record<string, Spread>> {
  const times: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) (times[name] ??= []).push(await run());
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => {
    const of = spread(list);
    say(`  ${name.padEnd(24)} ${of.median.toFixed(1).padStart(8)} ms  (${of.low.toFixed(1)}–${of.high.toFixed(1)}, ${list.length} rounds)`);
    return [name, of];
  }));
}

/** One figure of docs/performance.md. */
export interface Figure {
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  readonly ratio: string;
  readonly goal: string;
}
