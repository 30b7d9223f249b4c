/** A node of a cluster as a place to run on: submit, look again and again, cancel. What differs between batch systems is in BatchCommands. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunPlace } from './isolation.ts';
import { readJobOutput, readStatus, writeJob } from './job-script.ts';
import { beyond } from './limits.ts';
import { NoGpuThere, RuntimeUnavailable, type CommandLine, type Ended, type EndReason, type Limits, type Place, type Program } from './program.ts';

/** What a batch system says of a job. */
export interface JobState {
  readonly isOver: boolean;
  /** For a job that it ended itself: why. */
  readonly reason?: EndReason;
}

/** The commands of a batch system. All throw RuntimeUnavailable when it does not answer. */
export interface BatchCommands {
  /** Submits the one line that starts the script; gives the number of the job. */
  submit(line: string, program: Program, run: RunPlace): Promise<string>;
  state(job: string, run: RunPlace): Promise<JobState>;
  cancel(job: string, run: RunPlace): Promise<void>;
}

const FIRST_LOOK_MS = 100;
const LONGEST_PAUSE_MS = 2000;
/** Looks in a row without an answer, a minute of them: the controller of a cluster may be started anew while jobs run. */
const SILENCES = 30;
/** A job that its batch system calls over may still be writing to a network file system. */
const STATUS_WITHIN_MS = 3000;
const GONE_WITHIN_MS = 10_000;

/** Mebibytes that a job asks for: more than its program may take, because whoever sees that first should be the script, which says so. */
export function roomFor({ memoryBytes }: Limits): number {
  return Math.ceil(beyond(memoryBytes) / 2 ** 20) + 64;
}

/** What a refusal of a job that asked for an accelerator means when it is the accelerator that is refused; null for other refusals. */
export function gpuRefusal({ gpu }: Program, error: unknown): NoGpuThere | null {
  const isRefused = gpu && error instanceof RuntimeUnavailable && /generic resource|gres|gpu|node configuration/i.test(error.message);
  return isRefused ? new NoGpuThere(error.message, { cause: error }) : null;
}

/** @param options.silences looks without an answer that are borne; more of them end the run with what the last one said */
export function batchPlace(commands: BatchCommands, { silences = SILENCES }: { readonly silences?: number } = {}): Place {
  return {
    async run(command, program, run, signal) {
      signal.throwIfAborted();
      const started = performance.now();
      const job = await commands.submit(await writeJob(run.folder, command, program), program, run);
      const cancelled = await untilOver(commands, job, run, { signal, silences }).catch(async (error: unknown) => {
        // Nobody will look after it, and its folder goes.
        await commands.cancel(job, run).catch(() => undefined);
        throw error;
      });
      return { ...await endOf(commands, job, run, program, command, cancelled), usage: await usageOf(run, (performance.now() - started) / 1000) };
    },
  };
}

/** Waits for the end of a job; true when it was cancelled. Its own flag, because batch systems record success for scripts that end well when told to. */
async function untilOver(commands: BatchCommands, job: string, run: RunPlace, { signal, silences }: { readonly signal: AbortSignal; readonly silences: number }): Promise<boolean> {
  let silent = 0;
  for (let pause = FIRST_LOOK_MS; !signal.aborted; pause = Math.min(pause * 1.3, LONGEST_PAUSE_MS)) {
    if ((await readStatus(run.folder)) !== null) return false;
    const state = await commands.state(job, run).catch((error: unknown) => {
      if (++silent > silences) throw error;
      return null;
    });
    if (state?.isOver) return false;
    if (state) silent = 0;
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
  await commands.cancel(job, run);
  const until = Date.now() + GONE_WITHIN_MS;
  while (!(await commands.state(job, run)).isOver && Date.now() < until) await sleep(FIRST_LOOK_MS);
  return true;
}

async function endOf(commands: BatchCommands, job: string, run: RunPlace, { limits }: Program, { killedMeans }: CommandLine, cancelled: boolean): Promise<Omit<Ended, 'usage'>> {
  const output = await readJobOutput(run.folder);
  if (cancelled) return { reason: 'cancelled', exitCode: null, signal: null, output };
  const until = Date.now() + STATUS_WITHIN_MS;
  let status = await readStatus(run.folder);
  while (status === null && Date.now() < until) {
    await sleep(FIRST_LOOK_MS);
    status = await readStatus(run.folder);
  }
  if (status === null) return { reason: (await commands.state(job, run)).reason ?? 'exit', exitCode: null, signal: `its batch system (job ${job})`, output };
  const { exitCode, seconds, reason } = status;
  if (reason !== 'exit') return { reason, exitCode: null, signal: 'SIGKILL', output };
  if ((exitCode === 124 || exitCode === 137) && seconds >= limits.seconds) return { reason: 'time', exitCode: null, signal: null, output };
  if (exitCode === 137) return { reason: killedMeans ?? (await commands.state(job, run)).reason ?? 'exit', exitCode: null, signal: 'SIGKILL', output };
  return { reason: exitCode === 153 ? 'disk' : 'exit', exitCode, signal: null, output };
}

async function usageOf(run: RunPlace, wallSeconds: number): Promise<Ended['usage']> {
  const status = await readStatus(run.folder);
  return { wallSeconds: status?.seconds ?? wallSeconds, cpuSeconds: status?.cpuSeconds ?? null, peakMemoryBytes: status?.peakMemoryBytes || null, source: 'batch job' };
}

/**
 * Runs a command of a batch system and gives what it says. Throws RuntimeUnavailable with its last line when it is not
 * installed, does not answer, or refuses.
 */
export function ask([tool, ...args]: readonly [string, ...string[]], run: RunPlace, input = ''): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(tool, args, { env: { ...run.toolEnvironment }, cwd: run.folder, timeout: 30_000, maxBuffer: 2 ** 20 }, (error, stdout, stderr) => {
    if (error === null) return resolve(stdout);
    const said = stderr.trim().split('\n').at(-1) ?? '';
    reject(new RuntimeUnavailable((error as NodeJS.ErrnoException).code === 'ENOENT' ? `${tool} is not installed` : `${tool} failed: ${said || error.message}`, { cause: error }));
  });
  child.stdin?.on('error', () => undefined).end(input);
  return promise;
}
