/** Batch systems that do not answer while a job runs: what becomes of the job. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchPlace, type BatchCommands } from '../../src/runtimes/batch-place.ts';
import { RuntimeUnavailable, type CommandLine, type Program } from '../../src/runtimes/program.ts';

const never = new AbortController().signal;
const command: CommandLine = { argv: ['true'], env: {}, cwd: '/' };
let folder: string;
let program: Program;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-batch-'));
  program = { command: ['true'], variables: {}, folders: { package: folder, work: folder }, reads: [], image: null, gpu: false, limits: { seconds: 60, memoryBytes: 1e9, processes: 10, diskBytes: 1e9 } };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Commands that submit, and that answer what is said. */
function commands(states: (look: number) => Promise<{ isOver: boolean }>): { asked: BatchCommands; cancelled: string[] } {
  const cancelled: string[] = [];
  let look = 0;
  return { cancelled, asked: { submit: async () => '7', state: () => states(look++), cancel: async (job) => void cancelled.push(job) } };
}

const run = (asked: BatchCommands) => batchPlace(asked, { silences: 2 }).run(command, program, { name: 'run', folder, toolEnvironment: {} }, never);
const silent = () => Promise.reject(new RuntimeUnavailable('scontrol failed: Unable to contact slurm controller'));

it('a job goes on although its batch system is silent for a moment', async () => {
  const { asked, cancelled } = commands(async (look) => {
    if (look < 2) return silent();
    await writeFile(join(folder, 'status.txt'), '0 1 0 exit\n0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n');
    return { isOver: true };
  });
  expect(await run(asked)).toMatchObject({ reason: 'exit', exitCode: 0 });
  expect(cancelled).toEqual([]);
  await rm(join(folder, 'status.txt'));
});

it('a job that nobody can look after any more is cancelled', async () => {
  const { asked, cancelled } = commands(silent);
  await expect(run(asked)).rejects.toThrow('Unable to contact');
  expect(cancelled).toEqual(['7']);
});
