/**
 * The script of a batch job. It carries the command, word for word, and the variables; it stays in the folder of the run, which only
 * the account of the service can read, and the batch system is given nothing but a line that starts it: no parameter is ever seen in
 * its lists. What becomes of the command is written next to it, because batch systems forget, and some record success for what was cancelled.
 */
import { chmod, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandLine, Program } from './program.ts';
import { Tail } from './tail.ts';

const SCRIPT = 'run.sh';
const OUTPUT = 'output.txt';
const STATUS = 'status.txt';

/** A word for a POSIX shell that is exactly this text, whatever is in it. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Writes the script into the folder of the run and gives the command that starts it. */
export async function writeJob(folder: string, { argv, env, cwd, cleanUp }: CommandLine, { limits }: Program): Promise<string> {
  const path = join(folder, SCRIPT);
  const words = ['timeout', '--kill-after=2', String(limits.seconds), ...argv];
  const after = cleanUp === undefined ? ':' : `${cleanUp.map(quoted).join(' ')} > /dev/null 2>&1`;
  const lines = [
    `folder=${quoted(folder)}`,
    // Not as arguments of a command: those can be read by everybody on the node.
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`),
    // timeout(1) leads a group of processes: all of it is told, then killed, and then what a container engine may have left goes.
    `stop() { kill -TERM "$child" 2> /dev/null; sleep 1; kill -KILL -- "-$child" 2> /dev/null; ${after}; exit 143; }`,
    'trap stop TERM INT',
    'began=$(date +%s)',
    `cd ${quoted(cwd)} || exit 126`,
    `${words.map(quoted).join(' ')} > "$folder/${OUTPUT}" 2>&1 < /dev/null &`,
    'child=$!',
    'wait "$child"; code=$?',
    `{ echo "$code $(($(date +%s) - began))"; times; } > "$folder/${STATUS}.new"`,
    `mv "$folder/${STATUS}.new" "$folder/${STATUS}"`,
    'exit "$code"',
  ];
  await writeFile(path, `${lines.join('\n')}\n`);
  await chmod(path, 0o700);
  // Nothing of the node's variables but which devices the batch system has given to the job.
  return `exec env -i \${CUDA_VISIBLE_DEVICES:+CUDA_VISIBLE_DEVICES="$CUDA_VISIBLE_DEVICES"} PATH=/usr/local/bin:/usr/bin:/bin /bin/sh ${quoted(path)}`;
}

export interface JobStatus {
  readonly exitCode: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** How the command ended; null while it has not. */
export async function readStatus(folder: string): Promise<JobStatus | null> {
  const text = await readFile(join(folder, STATUS), 'utf8').catch(() => '');
  const [first = '', , children = ''] = text.split('\n');
  const [code, seconds] = first.split(' ').map(Number);
  if (first === '' || !Number.isInteger(code)) return null;
  const cpuSeconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  return { exitCode: code!, seconds: seconds ?? 0, cpuSeconds };
}

/** The last that the command said. */
export async function readJobOutput(folder: string): Promise<string> {
  const tail = new Tail();
  const file = await open(join(folder, OUTPUT)).catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - 32 * 1024);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(Math.min(size, 32 * 1024)), position: start });
    tail.add(buffer.subarray(0, bytesRead));
    return tail.text();
  } finally {
    await file.close();
  }
}
