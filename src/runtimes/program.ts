/** The words of this folder: a program, the folders it works in, its limits, the command that starts it, and how it ended. */

import type { BatchOptions } from '../operators/batch-options.ts';
import type { RunPlace } from './isolation.ts';

/** What a run may use. */
export interface Limits {
  readonly seconds: number;
  /** Of all its processes together. */
  readonly memoryBytes: number;
  /** Processes and threads at a time. */
  readonly processes: number;
  /** In files. */
  readonly diskBytes: number;
}

/** Two folders: the operator's package, which is only read, and one of this run, in which it works. */
export interface Folders {
  readonly package: string;
  readonly work: string;
}

/** A program of an operator, ready to be started, in the words of the place where it will run. */
export interface Program {
  /** Program and arguments; nothing in them is read by a shell. */
  readonly command: readonly string[];
  /** All variables it finds, and no others but PATH, HOME, TMPDIR and LANG. */
  readonly variables: Readonly<Record<string, string>>;
  /** On this machine. */
  readonly folders: Folders;
  /** Files and folders of this machine that it reads besides, at the paths they have: a Node and its modules. */
  readonly reads: readonly string[];
  /** The container image that it is in; null: it is started among the programs of this machine. */
  readonly image: string | null;
  /** Gets an accelerator: of this machine, or one that a batch system is asked for. */
  readonly gpu: boolean;
  readonly limits: Limits;
  /** What its job of Slurm is submitted with, beside and before what the service says. */
  readonly batch?: BatchOptions;
}

/** What is really started. */
export interface CommandLine {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The account that the files of the work folder belong to; absent: the one of this process. */
  readonly owner?: number;
  /** A file into which the first process of a container is written by number: it is no child of what is started. */
  readonly processFile?: string;
  /** Ends what killing the processes leaves behind, a container for example. */
  readonly cleanUp?: readonly string[];
  /** What it means when the kernel kills the program and nobody here did: an engine keeps its memory limit that way. */
  readonly killedMeans?: EndReason;
  /** The program is no descendant of what is started: a daemon runs it, so nothing is known of what it uses. */
  readonly isElsewhere?: boolean;
}

/** What a run took. `source` says whether the kernel counted it, it was sampled, or a job's script said so (in whole seconds). */
export interface Usage {
  readonly wallSeconds: number;
  readonly cpuSeconds: number | null;
  /** Largest sum over its processes that was seen. */
  readonly peakMemoryBytes: number | null;
  readonly source: 'measured' | 'sampled' | 'batch job';
}

export type EndReason = 'exit' | 'cancelled' | 'time' | 'memory' | 'processes' | 'disk';

/** How a run ended. */
export interface Ended {
  readonly reason: EndReason;
  /** null: a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last lines of what it wrote to standard output and standard error. */
  readonly output: string;
  readonly usage: Usage;
}

/** Where commands run: here, or on a node that a batch system picks. */
export interface Place {
  /** Runs to the end. Never rejects for what the program does; throws RuntimeUnavailable when it can't be started. */
  run(command: CommandLine, program: Program, run: RunPlace, signal: AbortSignal): Promise<Ended>;
}

/** A runtime that does not work on this machine, or not for this operator. The message says why. */
export class RuntimeUnavailable extends Error {
  override readonly name = 'RuntimeUnavailable';
}

/** A batch system that has no accelerator to give. */
export class NoGpuThere extends RuntimeUnavailable {}
