/** What the language needs of a process: its description (data, processes/<id>.json) and its implementation (code). */
import type { Cube } from '../cube/cube.ts';
import type { NodePath, OpenEOError } from '../errors.ts';
import type { Emitter } from './emit.ts';
import type { LaneEmitter } from './lanes/lane-code.ts';
import type { Graph } from './graph.ts';
import type { Kernel, KernelInput } from './kernel.ts';
import type { Scope } from './scope.ts';
import type { Steps } from './steps.ts';
import type { Arguments, Value } from './value.ts';
import type { ProcessDescription, ProcessGraph } from './wire.ts';

/** The circumstances of one call. */
export interface Call {
  readonly scope: Scope;
  /** The node that is being run, outermost first. */
  readonly path: NodePath;
  /** The self-contained graph that makes a cube, parameters replaced by values. */
  originOf(cube: Cube): ProcessGraph;
  /** What callbacks may still compute; absent: as much as they like. */
  readonly steps?: Steps;
}

export interface Implementation {
  /**
   * Runs the process on arguments that have been checked against the description and completed with
   * its defaults. Processes without `scope` in their nature (math, logic, arrays) are synchronous and
   * are what the interpreter of callbacks uses.
   */
  readonly run: (args: Arguments, call: Call) => Value | Promise<Value>;
  /**
   * What only the process can say about its arguments, looked at when a graph is parsed, before anything is queued or run. It is given
   * those that are written out, and the names of all: others are references, whose values are not known yet. Throws OpenEOError.
   */
  readonly check?: (written: Arguments, given: ReadonlySet<string>) => void;
  /** How to write the process as code inside a compiled callback; absent: the callback calls `run`. */
  readonly emit?: Emitter;
  /**
   * A kernel of its own for callbacks that are nothing but this process on one of their parameters. `args` lacks
   * that one. null: the callback is compiled or interpreted like others.
   */
  readonly kernel?: (args: Arguments, input: KernelInput, call: Call) => Kernel | null;
  /** How to write it for SIMD lanes, with the same results as `emit`; absent: callbacks with it run as JavaScript. */
  readonly lanes?: LaneEmitter;
}

export interface Process extends Implementation {
  readonly description: ProcessDescription;
  /** Of a process that is made of others: they run in its place, and `run` is never called. */
  readonly graph?: Graph;
  /** By what parameters were called in former versions of the standard. */
  readonly formerParameters?: ReadonlyMap<string, FormerParameter>;
}

export interface FormerParameter {
  /** What it is called today. */
  readonly today: string;
  /** Writes a former value as one of today; gives other values back as they are. */
  readonly adapt?: (value: unknown) => unknown;
}

/** A process that somebody made of others, as it was written. */
export interface Definition {
  /** How messages call it, e.g. 'ndvi'. */
  readonly name: string;
  /** The JSON of the process, not checked yet. */
  readonly process: unknown;
  /** Whose names its nodes mean; see `Definitions`. */
  readonly home: string;
}

/** The user-defined processes that a graph needs, loaded beforehand; see link.ts. */
export interface Definitions {
  /** The home of the graph they were loaded for. */
  readonly home: string;
  /**
   * What a node of a graph at `home` means by a namespace and an id: the definition, an error that says
   * why it can't be had, or null when there is none.
   */
  find(home: string, namespace: string | null, id: string): Definition | OpenEOError | null;
}

/** Looks processes up by id; the language knows no concrete process. */
export interface ProcessRegistry extends ReadonlyMap<string, Process> {
  /** Processes by ids of former versions of the standard: graphs may use them, nothing lists them. */
  readonly former?: ReadonlyMap<string, Process>;
  /** Absent: graphs have the predefined processes only. */
  readonly definitions?: Definitions;
}
