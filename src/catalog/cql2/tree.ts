/** The syntax tree of a CQL2 filter. Text and JSON are two spellings of it; SQL and the evaluator are two readings. */
import type { Geometry } from '../../geo/geometry.ts';

/** What an expression yields. 'any': a property whose type nobody knows before an item is seen. */
export type ValueType = 'boolean' | 'number' | 'string' | 'instant' | 'interval' | 'geometry' | 'array' | 'any';

/** Where something stands in the filter as it was sent: 'character 12' or 'filter.args[1]'. */
export type Place = string;

interface Node {
  readonly at: Place;
}

export interface Literal extends Node {
  readonly kind: 'literal';
  readonly value: string | number | boolean;
}

/** `text` is an RFC 3339 date ('date') or date-time ('timestamp'). */
export interface InstantLiteral extends Node {
  readonly kind: 'date' | 'timestamp';
  readonly text: string;
}

/** One end of an interval without an end. */
export interface OpenEnd extends Node {
  readonly kind: 'open';
}

export interface Interval extends Node {
  readonly kind: 'interval';
  readonly start: Expression | OpenEnd;
  readonly end: Expression | OpenEnd;
}

export interface GeometryLiteral extends Node {
  readonly kind: 'geometry';
  readonly geometry: Geometry;
}

/** Four numbers, or six with heights. West may be greater than east: the box crosses the antimeridian. */
export interface BoxLiteral extends Node {
  readonly kind: 'bbox';
  readonly bbox: readonly number[];
}

export interface Property extends Node {
  readonly kind: 'property';
  readonly name: string;
  /** As what the value is read; one that is something else counts as missing. Set by the checker. */
  readonly type: ValueType;
}

export interface ArrayExpression extends Node {
  readonly kind: 'array';
  readonly items: readonly Expression[];
}

/** Operators, predicates and functions alike; `op` is the name that CQL2 JSON gives them. */
export interface Call extends Node {
  readonly kind: 'call';
  readonly op: string;
  readonly args: readonly Expression[];
}

export type Expression = Literal | InstantLiteral | Interval | GeometryLiteral | BoxLiteral | Property | ArrayExpression | Call;

/** A filter that can't be understood; `place` says where, the message what is wrong and what was expected. */
export class Cql2Error extends Error {
  override readonly name = 'Cql2Error';
  readonly place: Place;

  constructor(place: Place, reason: string) {
    super(`at ${place}: ${reason}`);
    this.place = place;
  }
}

/** How deep a filter may be nested. */
export const MAX_DEPTH = 64;
/** How many nodes (values, properties, operators) a filter may have. */
export const MAX_NODES = 5000;

/** Counts nodes and depth while a filter is read, and throws Cql2Error where one is too many. */
export class Budget {
  #nodes = 0;
  #depth = 0;

  /** Runs `read` one level deeper. */
  descend<T>(at: Place, read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new Cql2Error(at, `the filter is nested more than ${MAX_DEPTH} deep`);
    const result = read();
    this.#depth--;
    return result;
  }

  /** Takes note of one more node. */
  count(at: Place): void {
    if (++this.#nodes > MAX_NODES) throw new Cql2Error(at, `the filter has more than ${MAX_NODES} parts`);
  }
}

/** The nodes directly below one. */
export function childrenOf(node: Expression): readonly Expression[] {
  if (node.kind === 'call') return node.args;
  if (node.kind === 'array') return node.items;
  if (node.kind === 'interval') return [node.start, node.end].filter((end) => end.kind !== 'open');
  return [];
}
