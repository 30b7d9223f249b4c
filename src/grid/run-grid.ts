/** A run over many files: each is a task, done by whichever process of the grid comes to it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Grid, Purpose, TaskDetails } from './grid.ts';
import { openGrid, openPlace, type GridAccess } from './open-grid.ts';
import { GridOutputs } from './outputs.ts';
import { openInputs, type Inputs } from './task-inputs.ts';
import { outputNames, type ListedTask } from './work-list.ts';
import { workThrough, type Progress, type Tally } from './work-through.ts';

export interface GridRun {
  /** Where the processes meet: a directory, 's3://bucket/prefix' or 'database:name'. */
  readonly grid: string;
  /** A directory or 's3://bucket/prefix' with GeoTIFF files, or a list of files (.txt, .csv, .json). */
  readonly input: string;
  /** The tasks, where whoever calls has read the list of `input` himself. */
  readonly tasks?: AsyncIterable<ListedTask>;
  /** A directory or 's3://bucket/prefix'. */
  readonly output: string;
  /** What has to be the same in all processes: operator with digest, parameters. */
  readonly purpose: Purpose;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  /** Tasks that failed in an earlier run are tried again. */
  readonly retry: boolean;
  /** Turns one local file into another; its error is the reason of the failure. */
  process(input: string, output: string, signal: AbortSignal): Promise<void>;
}

export interface GridReport extends Tally {
  /** The tasks that failed, with their reasons. */
  readonly failures: readonly TaskDetails[];
}

/**
 * Takes part in a grid until every file is done or failed, or `signal` ends it. All outputs that are
 * committed are in their place then.
 *
 * @throws {Error} when the grid is for something else (GridMismatch), an address is wrong, or there is nothing to do
 */
export async function runGrid(run: GridRun, access: GridAccess, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<GridReport> {
  checkApart(run);
  const inputs = await openInputs(run.input, access, run.tasks);
  const output = await openPlace(run.output, access);
  const scratch = await mkdtemp(join(tmpdir(), 'lamina-grid-'));
  const grid = await openGrid(run.grid, access, { worker: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`, leaseMs: run.leaseMs, maxAttempts: run.maxAttempts });
  try {
    await grid.agree(run.purpose);
    if (run.retry) await reopenFailed(grid);
    const names = outputNames(inputs.tasks);
    const outputs = new GridOutputs(output.store, output.prefix, (task) => names.get(task) ?? task);
    const tally = await workThrough(grid, inputs.tasks, workOf(run, inputs, outputs, scratch), { leaseMs: run.leaseMs, signal, log: access.log, onProgress });
    await outputs.settle(knownOf(grid, names));
    return { ...tally, failures: await failuresOf(grid, names) };
  } finally {
    await grid.close();
    output.close();
    inputs.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Outputs that lie below the inputs would be inputs of the processes that come later. */
function checkApart({ input, output }: GridRun): void {
  const isS3 = input.startsWith('s3://');
  const [from, to] = [input, output].map((address) => (isS3 ? address.replace(/\/+$/, '') : resolve(address)));
  if (to === from || to!.startsWith(`${from}/`)) throw new Error('--output must not be in the folder of --input: files that are written there would be taken for inputs.');
}

function workOf(run: GridRun, inputs: Inputs, outputs: GridOutputs, scratch: string) {
  return {
    async run(claim: { task: string; token: number }, signal: AbortSignal) {
      const result = join(scratch, 'output.tif');
      await rm(result, { force: true });
      await run.process(await inputs.fetch(claim.task, scratch), result, signal);
      signal.throwIfAborted();
      await outputs.stage(claim, result);
      return {};
    },
    publish: (state: { task: string; token: number }) => outputs.publish(state),
    discard: (claim: { task: string; token: number }) => outputs.discard(claim),
  };
}

async function reopenFailed(grid: Grid): Promise<void> {
  for await (const { task, status } of grid.list()) if (status === 'failed') await grid.reopen(task);
}

/** States of the tasks of this run; a grid may have more. */
async function* knownOf(grid: Grid, names: ReadonlyMap<string, string>) {
  for await (const state of grid.list()) if (names.has(state.task)) yield state;
}

async function failuresOf(grid: Grid, names: ReadonlyMap<string, string>): Promise<TaskDetails[]> {
  const failures: TaskDetails[] = [];
  for await (const { task, status } of knownOf(grid, names)) {
    const details = status === 'failed' ? await grid.read(task) : null;
    if (details !== null) failures.push(details);
  }
  return failures;
}
