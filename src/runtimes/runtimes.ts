/** All runtimes by name. A batch system is a place, the rest are isolations: 'slurm+podman' is podman at a node of Slurm. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { baseRuntimes, batchSystems, type BatchSystem, type RuntimeName } from '../operators/reference.ts';
import { apptainer } from './apptainer.ts';
import { bubblewrap } from './bubblewrap.ts';
import { containerless } from './containerless.ts';
import { here } from './here.ts';
import { lsf } from './lsf.ts';
import type { Isolation } from './isolation.ts';
import { docker, podman } from './podman.ts';
import { pbs } from './pbs.ts';
import { createProcessRuntime, type ProcessRuntime } from './process-runtime.ts';
import type { Limits, Place } from './program.ts';
import { proot } from './proot.ts';
import { slurm } from './slurm.ts';
import type { BatchOptions } from '../operators/batch-options.ts';

/** By name. */
export const isolations: Readonly<Record<Isolation['name'], Isolation>> = { containerless, bubblewrap, proot, podman, docker, apptainer };

export interface RuntimeSettings {
  /** Holds a folder per run; for batch systems one that all nodes see under this path. */
  readonly scratch: string;
  /** More than this no operator gets. */
  readonly limits?: Partial<Limits>;
  /** What jobs of batch systems are submitted with. */
  readonly batch?: BatchOptions;
  /** Variables for podman, sbatch and their kin, and not for operators: where their configuration is. */
  readonly toolEnvironment?: Readonly<Record<string, string>>;
}

/** All names of runtimes that are programs: every isolation, here and with each batch system. */
export const processRuntimes: readonly RuntimeName[] = [undefined, ...batchSystems].flatMap((system) =>
  baseRuntimes.filter((name) => name !== 'onnx').map((name): RuntimeName => (system ? `${system}+${name}` : name)));

/** The runtime of a name. 'onnx' behind a batch system means its program without a container. */
export function openRuntime(name: RuntimeName, settings: RuntimeSettings): ProcessRuntime {
  const [first, second] = name.split('+') as [string, string | undefined];
  const base = second ?? first;
  const isolation = isolations[base === 'onnx' ? 'containerless' : (base as Isolation['name'])];
  const place = second === undefined ? here() : placeOf(first as BatchSystem, settings);
  const { scratch, limits = {}, toolEnvironment = {} } = settings;
  return createProcessRuntime({ name, isolation, place, scratch, limits, toolEnvironment });
}

const places: Readonly<Record<BatchSystem, (options: BatchOptions) => Place>> = { slurm, pbs, lsf };

function placeOf(system: BatchSystem, { batch = {} }: RuntimeSettings): Place {
  return places[system](batch);
}

/** Variables that say where the tools find their configuration and their state; nothing else of an environment concerns them. */
const TOOL_VARIABLES = ['PATH', 'HOME', 'USER', 'LOGNAME', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'CONTAINERS_CONF', 'CONTAINERS_STORAGE_CONF', 'CONTAINER_HOST', 'DOCKER_HOST', 'DOCKER_CONFIG', 'APPTAINER_CACHEDIR', 'APPTAINER_TMPDIR', 'APPTAINER_CONFIGDIR', 'SLURM_CONF', 'PBS_CONF_FILE', 'PBS_DEFAULT', 'PBS_SERVER', 'LSF_ENVDIR', 'LSF_SERVERDIR', 'LSF_BINDIR', 'LSF_LIBDIR'];

/** Where commands of a user keep the files of runs: accounts that share a machine do not share that folder. */
export function userScratch(): string {
  return join(tmpdir(), `lamina-runs-${getuid?.() ?? 0}`);
}

/** What of an environment the tools are given. */
export function toolEnvironmentOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(TOOL_VARIABLES.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}
