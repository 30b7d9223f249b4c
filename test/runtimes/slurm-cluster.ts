/** A Slurm cluster of one node, without munge, systemd or accounting, for the time of a test. Debian's packages slurm-wlm and slurm-wlm-torque. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SlurmCluster {
  /** What the commands of Slurm find in their environment. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Why no cluster can be started here; null when one can. */
export function noSlurm(): string | null {
  if (process.getuid?.() !== 0) return 'its daemons are started by the administrator only';
  const missing = ['slurmctld', 'slurmd', 'sbatch', 'scancel'].find((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  return missing === undefined ? null : `${missing} is not installed (Debian: slurm-wlm)`;
}

/** `gpus`: accelerators of its node; they are files that swallow everything, and Slurm gives them out like real ones. */
export async function startSlurm({ gpus = 0 }: { readonly gpus?: number } = {}): Promise<SlurmCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-slurm-'));
  for (const name of ['state', 'spool', 'log']) mkdirSync(join(folder, name));
  const [control, node] = await Promise.all([freePort(), freePort()]);
  const configuration = join(folder, 'slurm.conf');
  if (gpus > 0) writeFileSync(join(folder, 'gres.conf'), gresOf(folder, gpus));
  writeFileSync(configuration, configurationOf(folder, control, node, gpus));
  const environment = { ...process.env, SLURM_CONF: configuration } as Record<string, string>;
  execFileSync('slurmctld', [], { env: environment });
  execFileSync('slurmd', ['-N', hostname()], { env: environment });
  await untilIdle(environment, folder);
  return {
    environment: { SLURM_CONF: configuration },
    async close() {
      for (const name of ['slurmd', 'slurmctld']) await stop(Number(readFileSync(join(folder, `${name}.pid`), 'utf8')));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilIdle(env: Record<string, string>, folder: string): Promise<void> {
  for (let i = 0; i < 150; i++) {
    const said = spawnSync('sinfo', ['-h', '-o', '%T'], { env, encoding: 'utf8' }).stdout ?? '';
    if (said.includes('idle')) return;
    await sleep(100);
  }
  throw new Error(`the Slurm node does not come up: ${readFileSync(join(folder, 'log/slurmctld.log'), 'utf8').slice(-1500)}`);
}

async function stop(pid: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    try {
      process.kill(pid, i < 50 ? 'SIGTERM' : 'SIGKILL');
    } catch {
      return;
    }
    await sleep(100);
  }
}

function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as { port: number };
    server.close(() => resolve(port));
  });
  return promise;
}

/** Character devices like /dev/null, because Slurm looks at what they are. */
function gresOf(folder: string, gpus: number): string {
  for (let i = 0; i < gpus; i++) execFileSync('mknod', [join(folder, `gpu${i}`), 'c', '1', '3']);
  return `NodeName=${hostname()} Name=gpu Type=fake Count=${gpus} File=${folder}/gpu[0-${gpus - 1}]\n`;
}

function configurationOf(folder: string, control: number, node: number, gpus: number): string {
  return `
ClusterName=lamina
SlurmctldHost=${hostname()}(127.0.0.1)
SlurmctldPort=${control}
SlurmdPort=${node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/log/slurmctld.log
SlurmdLogFile=${folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MpiDefault=none
${gpus > 0 ? 'GresTypes=gpu\n' : ''}KillWait=2
NodeName=${hostname()} NodeAddr=127.0.0.1 CPUs=2 RealMemory=6000${gpus > 0 ? ` Gres=gpu:fake:${gpus}` : ''} State=UNKNOWN
PartitionName=low Nodes=${hostname()} Default=YES MaxTime=60 State=UP
PartitionName=high Nodes=${hostname()} MaxTime=60 State=UP
`;
}
