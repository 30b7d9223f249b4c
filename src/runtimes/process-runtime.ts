/** A runtime: an isolation at a place. It runs an operator on blocks, as a program with files. */
import { mkdir, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { findPackageJSON } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OpenEOError } from '../errors.ts';
import { acceleratorHost, isConstrained, noAccelerator } from '../operators/accelerators.ts';
import { patchesOf } from '../operators/block-geometry.ts';
import type { Operator } from '../operators/operator.ts';
import type { RuntimeName } from '../operators/reference.ts';
import { acceleratorDevices } from './devices.ts';
import { variablesOf } from './environment.ts';
import { giveFolder, readOutput, WrongOutput, writeInput } from './exchange.ts';
import { missingTool, type Isolation, type RunPlace } from './isolation.ts';
import { limitsOf } from './limits.ts';
import { NoGpuThere, RuntimeUnavailable, type Ended, type Folders, type Limits, type Place, type Program, type Usage } from './program.ts';

/** Blocks of one shape. */
export interface Blocks {
  readonly inputs: readonly Float32Array[];
  readonly rows: number;
  readonly columns: number;
}

export interface BlocksDone {
  /** For each block [dimensions, rows of patches, columns of patches]. */
  readonly vectors: readonly Float32Array[];
  readonly usage: Usage;
  /** What the program said. */
  readonly output: string;
}

/** A program of an operator that failed. `ended` says how. */
export class OperatorFailed extends OpenEOError<'OperatorFailed'> {
  readonly ended: Ended;

  constructor({ manifest }: Operator, reason: string, ended: Ended) {
    super('OperatorFailed', { operator: `${manifest.name}:${manifest.version}`, reason });
    this.ended = ended;
  }
}

export interface ProcessRuntime {
  readonly name: RuntimeName;
  readonly isolation: Isolation;
  /**
   * Computes blocks in one run of the program. Throws RuntimeUnavailable when this runtime can't run the operator,
   * OperatorFailed when the program fails, passes a limit or gives something else than vectors, and the signal's reason.
   */
  run(operator: Operator, blocks: Blocks, signal: AbortSignal): Promise<BlocksDone>;
}

export interface ProcessRuntimeOptions {
  readonly name: RuntimeName;
  readonly isolation: Isolation;
  readonly place: Place;
  /** Holds a folder per run; on a cluster one that all nodes see under this path. */
  readonly scratch: string;
  /** More than this no operator gets. */
  readonly limits?: Partial<Limits>;
  /** Variables for the tools that start programs (podman, sbatch), and not for the programs. */
  readonly toolEnvironment?: Readonly<Record<string, string>>;
}

export function createProcessRuntime(options: ProcessRuntimeOptions): ProcessRuntime {
  const { name, isolation } = options;
  return {
    name, isolation,
    async run(operator, blocks, signal) {
      signal.throwIfAborted();
      const reason = isolation.refuses(operator.manifest.kind);
      if (reason !== null) throw new RuntimeUnavailable(`${name} can't run it, because ${reason}`);
      const wantsGpu = operator.manifest.resources?.gpu === true && (acceleratorHost({ ...operator, runtime: name }) === 'batch' || acceleratorDevices().length > 0);
      try {
        return await runOnce(wantsGpu, operator, blocks, options, signal);
      } catch (error) {
        if (!(error instanceof NoGpuThere)) throw error;
        if (isConstrained(operator)) throw noAccelerator(operator, `its batch system gives none: ${error.message}`, error);
        const done = await runOnce(false, operator, blocks, options, signal);
        return { ...done, output: `The batch system gives no accelerator (${error.message}); this was computed on the processor.\n${done.output}` };
      }
    },
  };
}

/** In a folder of its own, which goes away with the run. */
async function runOnce(gpu: boolean, operator: Operator, blocks: Blocks, options: ProcessRuntimeOptions, signal: AbortSignal): Promise<BlocksDone> {
  const run: RunPlace = { ...nameOf(options.scratch), toolEnvironment: { ...TOOL_VARIABLES, ...options.toolEnvironment } };
  const work = join(run.folder, 'work');
  await mkdir(run.folder, { recursive: true, mode: 0o700 });
  try {
    await mkdir(work, { mode: 0o700 });
    return await runIn({ package: resolve(await operator.folder()), work }, run, gpu, operator, blocks, options, signal);
  } finally {
    await rm(run.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** For tools whose environment says nothing. */
const TOOL_VARIABLES: Readonly<Record<string, string>> = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: ownHome(), LANG: 'C.UTF-8' };

/** Accounts without an entry in the table of the machine have none: OpenShift and some clusters give such numbers to containers. */
function ownHome(): string {
  try {
    return homedir();
  } catch {
    return tmpdir();
  }
}

function nameOf(scratch: string): Pick<RunPlace, 'name' | 'folder'> {
  const name = `lamina-${randomUUID()}`;
  return { name, folder: join(resolve(scratch), name) };
}

async function runIn(folders: Folders, run: RunPlace, gpu: boolean, operator: Operator, blocks: Blocks, { isolation, place, limits }: ProcessRuntimeOptions, signal: AbortSignal): Promise<BlocksDone> {
  const { manifest } = operator;
  const { inputs, rows, columns } = blocks;
  const program = programOf(operator, folders, isolation, limitsOf(manifest, limits), gpu);
  const command = await isolation.commandLine(program, run);
  await writeInput(folders.work, inputs, [manifest.input.bands.length, rows, columns], operator.params);
  await giveFolder(folders.work, command.owner);
  const ended = await place.run(command, program, run, signal);
  if (ended.reason === 'cancelled') signal.throwIfAborted();
  const notStarted = notStartedBecause(isolation, ended);
  if (notStarted !== null) throw new RuntimeUnavailable(notStarted);
  if (ended.reason !== 'exit' || ended.exitCode !== 0) throw new OperatorFailed(operator, failureOf(ended, program), ended);
  const [down, across] = patchesOf(operator, rows, columns);
  const { dimensions } = manifest.output;
  const all = await readOutput(folders.work, [inputs.length, dimensions, down, across]).catch((error: unknown) => {
    throw error instanceof WrongOutput ? new OperatorFailed(operator, error.message, ended) : error;
  });
  const length = dimensions * down * across;
  return { vectors: inputs.map((_, i) => all.subarray(i * length, (i + 1) * length)), usage: ended.usage, output: ended.output };
}

/** A runtime that does not work on a machine is another matter than a program that fails. */
function notStartedBecause(isolation: Isolation, { reason, exitCode, output }: Ended): string | null {
  if (reason !== 'exit' || exitCode === null) return null;
  const { tool } = isolation;
  return (tool === null ? null : missingTool(tool, exitCode, output)) ?? isolation.failedToStart?.(exitCode, output) ?? null;
}

/** Why a run ended, as the end of a sentence: the limit that it passed, or its exit code and the last that it said. */
function failureOf({ reason, exitCode, signal, output }: Ended, { limits }: Program): string {
  const last = output === '' ? '' : `; it said: ${output.split('\n').slice(-8).join('\n').slice(-1000)}`;
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const reasons: Readonly<Record<Ended['reason'], string>> = {
    exit: exitCode === null ? `it was ended by ${signal ?? 'a signal'}` : `it ended with code ${exitCode}`,
    cancelled: 'it was cancelled',
    time: `it was not done after ${limits.seconds} s, its limit of time`,
    memory: `it took more than ${mebibytes(limits.memoryBytes)}, its limit of memory`,
    processes: `it had more than ${limits.processes} processes and threads, its limit`,
    disk: `it wrote more than ${mebibytes(limits.diskBytes)}, its limit for files`,
  };
  return reasons[reason] + last;
}

function programOf(operator: Operator, folders: Folders, isolation: Isolation, limits: Limits, gpu: boolean): Program {
  const { manifest } = operator;
  const inside = isolation.inside(folders);
  const base = { variables: variablesOf(operator, inside), folders, limits, gpu, ...(operator.batch && { batch: operator.batch }) };
  if (manifest.kind === 'image') return { ...base, command: manifest.command ?? [], reads: [], image: manifest.image };
  if (manifest.kind === 'exec') return { ...base, command: inPackage(manifest.command, inside.package), reads: [], image: null };
  const { file, input, output } = manifest.model;
  return { ...base, command: [process.execPath, ONNX_PROGRAM, `${inside.package}/${file}`, input, output], reads: onnxReads(), image: null };
}

/** The program may be a file of the package, whatever the working folder of a wrapper is. */
function inPackage([program = '', ...rest]: readonly string[], folder: string): string[] {
  return [program.startsWith('./') ? `${folder}/${program.slice(2)}` : program, ...rest];
}

const ONNX_PROGRAM = fileURLToPath(new URL('../operators/runtime/onnx-program.ts', import.meta.url));

/** What the program for ONNX models needs of this machine: Node, its own two files, and ONNX Runtime. Nothing else of the installation is shown. */
function onnxReads(): string[] {
  const packages = ['onnxruntime-node', 'onnxruntime-common'].map((name) => dirname(findPackageJSON(name, import.meta.url)!));
  const own = ['../operators/npy.ts', '../../package.json'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return [process.execPath, ONNX_PROGRAM, ...own, ...packages];
}
