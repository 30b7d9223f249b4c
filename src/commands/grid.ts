/** `lamina grid show|retry`, and what `lamina run --grid` does. */
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { openGrid, type GridAccess } from '../grid/open-grid.ts';
import { runGrid, type GridReport, type GridRun } from '../grid/run-grid.ts';
import type { Progress } from '../grid/work-through.ts';
import type { Grid, TaskStatus } from '../grid/grid.ts';
import { tasksOfPlaces } from './grid-tasks.ts';
import { createStreamLog, type Log } from '../log.ts';
import { untilTold } from './until-told.ts';

/** How long a process may give no sign of life before others take its task. */
const LEASE_MS = 60_000;
const MAX_ATTEMPTS = 3;

/** What `lamina run` knows of a run over many files. */
export type GridErrand = Pick<GridRun, 'grid' | 'input' | 'output' | 'purpose' | 'process'> & {
  /** Values of --lease (seconds) and --attempts, as they were written. */
  readonly lease?: string | undefined;
  /** Value of --asset: which asset of each item in a list of STAC items is the input. */
  readonly asset?: string | undefined;
  readonly attempts?: string | undefined;
  readonly retry?: boolean | undefined;
  /** No progress is shown. */
  readonly isQuiet?: boolean;
};

/**
 * Takes part in a grid, tells how far it is, and lists what failed. SIGTERM and SIGINT give the task in hand back.
 *
 * @returns exit code: 0 when all tasks are done, 1 when some failed, 130 when it was told to end before
 */
export async function gridRun(errand: GridErrand, environment: NodeJS.ProcessEnv): Promise<number> {
  const log = createStreamLog(process.stderr, 'warning');
  const tasks = await tasksOfPlaces(errand.input, errand.asset);
  const run: GridRun = {
    ...errand,
    ...(tasks && { tasks }),
    leaseMs: wholeNumber('--lease', errand.lease, 1, 86_400, LEASE_MS / 1000) * 1000,
    maxAttempts: wholeNumber('--attempts', errand.attempts, 1, 100, MAX_ATTEMPTS),
    retry: errand.retry ?? false,
  };
  const { signal, end } = untilTold('the process was told to end');
  try {
    return tell(await runGrid(run, accessOf(environment, log), signal, errand.isQuiet ? () => {} : showProgress()));
  } finally {
    end();
  }
}

function tell({ total, done, failed, did, refused, failures }: GridReport): number {
  process.stdout.write(`${done} of ${total} tasks are done, ${did} by this process${failed > 0 ? `; ${failed} failed` : ''}${refused > 0 ? `; ${refused} were taken over by others` : ''}\n`);
  for (const { task, attempts, reason } of failures) process.stdout.write(`  ${task} (${attempts} attempts): ${reason ?? 'no reason is known'}\n`);
  if (failed > 0) process.stdout.write('Run with --retry to try these again.\n');
  return failed > 0 ? 1 : done < total ? 130 : 0;
}

/** One line that changes on a terminal; elsewhere a line per tenth. */
function showProgress(): (progress: Progress) => void {
  let last = -1;
  return ({ total, done, failed, held }) => {
    const text = `${done + failed}/${total} tasks (${failed} failed, ${held} in work elsewhere)`;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}${done + failed === total ? '\n' : ''}`);
    const tenth = Math.floor(((done + failed) / total) * 10);
    if (!process.stderr.isTTY && tenth !== last) process.stderr.write(`${text}\n`);
    last = tenth;
  };
}

/** Throws an Error with one line. */
export async function gridCommand([name = '', ...args]: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const commands: Readonly<Record<string, (grid: Grid) => Promise<void>>> = { show, retry };
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new Error(`\`lamina grid\` takes show or retry, and where the grid is: a directory, s3://bucket/prefix or database:name`);
  const { positionals: [address, ...more] } = parseArgs({ args, options: {}, allowPositionals: true });
  if (address === undefined || more.length > 0) throw new Error(`\`lamina grid ${name}\` takes one grid: a directory, s3://bucket/prefix or database:name`);
  const grid = await openGrid(address, accessOf(environment, createStreamLog(process.stderr, 'warning')), { worker: `command-${process.pid}`, leaseMs: LEASE_MS, maxAttempts: MAX_ATTEMPTS });
  try {
    await command(grid);
  } finally {
    await grid.close();
  }
}

async function show(grid: Grid): Promise<void> {
  const counts = new Map<TaskStatus, number>();
  for await (const { task, status } of grid.list()) {
    counts.set(status, (counts.get(status) ?? 0) + 1);
    if (status === 'done') continue;
    const { worker, attempts, reason } = (await grid.read(task))!;
    process.stdout.write([task, status, `attempt ${attempts}`, `last of ${worker}`, ...(reason === undefined ? [] : [reason])].join('  ') + '\n');
  }
  process.stdout.write(counts.size === 0 ? 'Nobody has claimed a task yet.\n' : `${[...counts].map(([status, count]) => `${count} ${status}`).join(', ')}\n`);
}

async function retry(grid: Grid): Promise<void> {
  let opened = 0;
  for await (const { task, status } of grid.list()) if (status === 'failed' && await grid.reopen(task)) opened++;
  process.stdout.write(`${opened} failed tasks can be tried again\n`);
}

function accessOf(environment: NodeJS.ProcessEnv, log: Log): GridAccess {
  const { s3, databaseUrl } = readConfig(environment);
  return { s3, databaseUrl, log };
}

function wholeNumber(option: string, text: string | undefined, least: number, most: number, fallback: number): number {
  const value = text === undefined ? fallback : /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw new Error(`${option} is a whole number from ${least} to ${most}, not '${text}'`);
  return value;
}
