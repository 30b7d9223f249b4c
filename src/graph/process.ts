/** What the language needs of a process: its description (data, processes/<id>.json) and its implementation (code). */
import type { Cube } from '../cube/cube.ts';
import type { NodePath } from '../errors.ts';
import type { Emitter } from './emit.ts';
import type { Scope } from './scope.ts';
import type { Arguments, Value } from './value.ts';
import type { ProcessDescription, ProcessGraph } from './wire.ts';

/** The circumstances of one call. */
export interface Call {
  readonly scope: Scope;
  /** The node that is being run, outermost first. */
  readonly path: NodePath;
  /** The self-contained graph that makes a cube, parameters replaced by values. */
  originOf(cube: Cube): ProcessGraph;
}

export interface Implementation {
  /**
   * Runs the process on arguments that have been checked against the description and completed with
   * its defaults. Processes without `scope` in their nature (math, logic, arrays) are synchronous and
   * are what the interpreter of callbacks uses.
   */
  readonly run: (args: Arguments, call: Call) => Value | Promise<Value>;
  /** How to write the process as code inside a compiled callback; absent: the callback calls `run`. */
  readonly emit?: Emitter;
}

export interface Process extends Implementation {
  readonly description: ProcessDescription;
}

/** Looks processes up by id; the language knows no concrete process. */
export type ProcessRegistry = ReadonlyMap<string, Process>;
