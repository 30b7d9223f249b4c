/** What the parts of the parser share. */
import type { NodePath, OpenEOError } from '../errors.ts';
import type { Graph, Note } from './graph.ts';
import type { Definition, Process, ProcessRegistry } from './process.ts';
import type { ParameterDescription } from './wire.ts';

/** What a graph is parsed with. `report` takes an error and goes on. */
export interface ParseContext {
  readonly registry: ProcessRegistry;
  /** Names of all parameters that can be referred to. */
  readonly visible: ReadonlySet<string>;
  /** The nodes around this graph, outermost first. */
  readonly path: NodePath;
  /** Whose names the nodes mean. */
  readonly home: string;
  /** The user-defined processes whose graphs this one is in, outermost first. */
  readonly trail: readonly Definition[];
  /** User-defined processes that were parsed before; null: what is wrong with it has been reported. */
  readonly made: Map<Definition, Process | null>;
  readonly note: (note: Note) => void;
  readonly report: (error: OpenEOError, path: NodePath) => void;
  /** Parses a callback; null after having reported why it can't run. */
  readonly parseGraph: (raw: unknown, parameters: readonly ParameterDescription[], context: ParseContext) => Graph | null;
}

/** Callbacks in callbacks, and arrays in arrays: more than this nobody needs, and it must not exhaust the stack. */
export const MAX_DEPTH = 100;

/** Nodes of a graph with everything in it. Processes made of processes multiply: a few lines can stand for millions. */
export const MAX_NODES = 20_000;

/** What is wrong with a graph is told for so many places. */
export const MAX_ERRORS = 100;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
