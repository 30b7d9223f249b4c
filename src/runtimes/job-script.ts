/**
 * The script of a batch job. It carries the command, word for word, and the variables; it stays in the folder of the run, which only
 * the account of the service can read, and the batch system is given nothing but a line that starts it: no parameter is ever seen in
 * its lists. What becomes of the command is written next to it, because batch systems forget, and some record success for what was cancelled.
 *
 * Batch systems differ in what limits they keep, so the script keeps those of time and memory itself, and ends whatever the
 * command left running.
 */
import { chmod, open, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { quoted } from '../operators/shell-word.ts';
import { MARK } from './process-tree.ts';
import type { CommandLine, EndReason, Program } from './program.ts';
import { Tail } from './tail.ts';

const SCRIPT = 'run.sh';
const OUTPUT = 'output.txt';
const STATUS = 'status.txt';
const LONGEST_OUTPUT = 32 * 1024;

/** Writes the script into the folder of the run and gives the command that starts it. */
export async function writeJob(folder: string, command: CommandLine, program: Program): Promise<string> {
  const path = join(folder, SCRIPT);
  await writeFile(path, scriptOf(folder, command, program));
  await chmod(path, 0o700);
  // Nothing of the node's variables but which devices the batch system has given to the job.
  return `exec env -i \${CUDA_VISIBLE_DEVICES:+CUDA_VISIBLE_DEVICES="$CUDA_VISIBLE_DEVICES"} PATH=/usr/local/bin:/usr/bin:/bin /bin/sh ${quoted(path)}`;
}

function scriptOf(folder: string, { argv, env, cwd, cleanUp }: CommandLine, { limits }: Program): string {
  const mark = `${MARK}=${basename(folder)}`;
  const words = ['timeout', '--kill-after=2', String(limits.seconds), ...argv].map(quoted).join(' ');
  return `folder=${quoted(folder)}
# Not as arguments of a command: those can be read by everybody on the node.
${Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`).join('\n')}
# Numbers of the processes that the command started, whatever became of their parents.
ours() { grep -lzx ${quoted(mark)} /proc/[0-9]*/environ 2> /dev/null | cut -d / -f 3; }
sweep() { for round in 1 2 3; do kill -KILL $(ours) 2> /dev/null || break; done; ${cleanUp === undefined ? ':' : `${cleanUp.map(quoted).join(' ')} > /dev/null 2>&1`}; }
kibibytes() { for pid in $(ours); do cat "/proc/$pid/status" 2> /dev/null; done | awk '/^Rss(Anon|Shmem):/ { sum += $2 } END { print sum + 0 }'; }
watch() {
  while sleep 0.5; do
    now=$(kibibytes); [ "$now" -gt "\${peak:-0}" ] && peak=$now && echo "$peak" > "$folder/peak.txt"
    [ "$now" -gt ${Math.floor(limits.memoryBytes / 1024)} ] && echo memory > "$folder/reason.txt" && sweep
  done
}
stop() { kill -KILL "$watcher"; kill -TERM "$child" 2> /dev/null; sleep 1; sweep; exit 143; }
began=$(date +%s)
cd ${quoted(cwd)} || exit 126
${mark} ${words} > "$folder/${OUTPUT}" 2>&1 < /dev/null &
child=$!
watch > /dev/null 2>&1 &
watcher=$!
trap stop TERM INT
wait "$child"; code=$?
kill -KILL "$watcher"; sweep
{ echo "$code $(($(date +%s) - began)) $(cat "$folder/peak.txt" 2> /dev/null || echo 0) $(cat "$folder/reason.txt" 2> /dev/null || echo exit)"; times; } > "$folder/${STATUS}.new"
mv "$folder/${STATUS}.new" "$folder/${STATUS}"
exit "$code"
`;
}

export interface JobStatus {
  readonly exitCode: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** 0 when the command ended before anybody looked. */
  readonly peakMemoryBytes: number;
  readonly reason: EndReason;
}

/** How the command ended; null while it has not. */
export async function readStatus(folder: string): Promise<JobStatus | null> {
  const text = await readFile(join(folder, STATUS), 'utf8').catch(() => '');
  const [first = '', , children = ''] = text.split('\n');
  const [, code, seconds, peak, reason] = /^(\d+) (\d+) (\d+) (exit|memory)$/.exec(first) ?? [];
  if (code === undefined) return null;
  // The watch of the script is among them, but it takes next to nothing.
  const cpuSeconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  return { exitCode: Number(code), seconds: Number(seconds), cpuSeconds, peakMemoryBytes: Number(peak) * 1024, reason: reason as EndReason };
}

/** The last that the command said. */
export async function readJobOutput(folder: string): Promise<string> {
  const file = await open(join(folder, OUTPUT)).catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, LONGEST_OUTPUT);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), length, position: size - length });
    const tail = new Tail();
    tail.add(buffer.subarray(0, bytesRead));
    return tail.text();
  } finally {
    await file.close();
  }
}
