/**
 * Stand-ins for bsub, bjobs and bkill, in shell: LSF is not free, so nothing here says that the real one takes these calls. What they answer
 * follows the manual pages of LSF 10.1; a job is a process of this machine, and what bsub was given is kept for the test.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LsfDouble {
  /** With the commands on the PATH. */
  readonly environment: Readonly<Record<string, string>>;
  /** What bsub was called with, job by job: its words, and the script that it read. */
  jobs(): { words: string[]; script: string }[];
  /** What bsub says instead, until it is null again: it refuses. */
  refuse(message: string | null): void;
  /** The reason that bjobs gives for jobs that end badly. */
  reason(text: string): void;
  close(): void;
}

const BSUB = `#!/bin/sh
state=STATE
if [ -e "$state/refuse" ]; then cat "$state/refuse" >&2; exit 255; fi
job=1; while ! mkdir "$state/$job" 2> /dev/null; do job=$((job + 1)); done
for word in "$@"; do printf '%s\\0' "$word"; done > "$state/$job/words"
cat > "$state/$job/script"
(setsid sh -c 'echo $$ > "$1/pid"; sh "$1/script"; echo $? > "$1/code"' sh "$state/$job" > /dev/null 2>&1 < /dev/null &)
echo "Job <$job> is submitted to default queue <normal>."
`;
const BJOBS = `#!/bin/sh
state=STATE
[ "$1 $2 $3" = "-a -json -o" ] || { echo "bjobs: bad call: $*" >&2; exit 255; }
for job in "$@"; do :; done
if ! [ -d "$state/$job" ]; then printf '{"COMMAND":"bjobs","JOBS":1,"RECORDS":[{"JOBID":"%s","ERROR":"Job <%s> is not found"}]}\\n' "$job" "$job"; exit 0; fi
stat=RUN; reason=
if [ -e "$state/$job/killed" ]; then stat=EXIT; reason="TERM_OWNER: job killed by owner"
elif [ -e "$state/$job/code" ]; then stat=DONE; [ "$(cat "$state/$job/code")" = 0 ] || { stat=EXIT; reason=$(cat "$state/reason" 2> /dev/null); }
fi
printf '{"COMMAND":"bjobs","JOBS":1,"RECORDS":[{"JOBID":"%s","STAT":"%s","EXIT_REASON":"%s"}]}\\n' "$job" "$stat" "$reason"
`;
const BKILL = `#!/bin/sh
state=STATE
if [ -e "$state/$1/code" ]; then echo "Job <$1>: Job has already finished" >&2; exit 255; fi
touch "$state/$1/killed"
# The job is a session of its own: all of it is told, then killed.
pid=$(cat "$state/$1/pid"); kill -TERM "-$pid" 2> /dev/null
(sleep 2; kill -KILL "-$pid" 2> /dev/null) &
echo "Job <$1> is being terminated"
`;

export function startLsfDouble(): LsfDouble {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-lsf-'));
  const state = join(folder, 'jobs');
  mkdirSync(state);
  for (const [name, text] of Object.entries({ bsub: BSUB, bjobs: BJOBS, bkill: BKILL })) {
    writeFileSync(join(folder, name), text.replaceAll('STATE', `'${state}'`));
    chmodSync(join(folder, name), 0o755);
  }
  const ids = () => readdirSync(state).filter((name) => /^\d+$/.test(name)).toSorted((a, b) => Number(a) - Number(b));
  return {
    environment: { PATH: `${folder}:${process.env['PATH']}` },
    jobs: () => ids().map((id) => ({ words: readFileSync(join(state, id, 'words'), 'utf8').split('\0').slice(0, -1), script: readFileSync(join(state, id, 'script'), 'utf8') })),
    refuse(message) {
      if (message !== null) writeFileSync(join(state, 'refuse'), message);
      else if (existsSync(join(state, 'refuse'))) rmSync(join(state, 'refuse'));
    },
    reason: (text) => writeFileSync(join(state, 'reason'), text),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
