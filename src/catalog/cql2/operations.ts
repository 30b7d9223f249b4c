/** What can be called in a filter: names as CQL2 JSON writes them, what they take and what they yield. */
import type { ValueType } from './tree.ts';

export interface Operation {
  /** Types of the arguments; the last one stands for all that follow when `repeats`. */
  readonly takes: readonly ValueType[];
  readonly gives: ValueType;
  readonly repeats?: boolean;
}

export const comparisons = ['=', '<>', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof comparisons)[number];

export const arithmetics = ['+', '-', '*', '/', '%', 'div', '^'] as const;
export type Arithmetic = (typeof arithmetics)[number];

export const spatialRelations = ['s_intersects', 's_disjoint', 's_equals', 's_touches', 's_crosses', 's_overlaps', 's_contains', 's_within'] as const;
export type SpatialRelation = (typeof spatialRelations)[number];

export const arrayRelations = ['a_equals', 'a_contains', 'a_containedBy', 'a_overlaps'] as const;
export type ArrayRelation = (typeof arrayRelations)[number];

type End = 'start' | 'end';
/** [end of the first, comparison, end of the second]; several hold together. */
export type TemporalCondition = readonly [End, '<' | '>' | '=' | '<=' | '>=', End];

/** The relations of two times by their ends; an instant begins and ends at once. `t_disjoint` is the opposite of `t_intersects`. */
export const temporalRelations = {
  t_after: [['start', '>', 'end']],
  t_before: [['end', '<', 'start']],
  t_contains: [['start', '<', 'start'], ['end', '>', 'end']],
  t_disjoint: [['start', '<=', 'end'], ['end', '>=', 'start']],
  t_during: [['start', '>', 'start'], ['end', '<', 'end']],
  t_equals: [['start', '=', 'start'], ['end', '=', 'end']],
  t_finishedBy: [['start', '<', 'start'], ['end', '=', 'end']],
  t_finishes: [['start', '>', 'start'], ['end', '=', 'end']],
  t_intersects: [['start', '<=', 'end'], ['end', '>=', 'start']],
  t_meets: [['end', '=', 'start']],
  t_metBy: [['start', '=', 'end']],
  t_overlappedBy: [['start', '>', 'start'], ['start', '<', 'end'], ['end', '>', 'end']],
  t_overlaps: [['start', '<', 'start'], ['end', '>', 'start'], ['end', '<', 'end']],
  t_startedBy: [['start', '=', 'start'], ['end', '>', 'end']],
  t_starts: [['start', '=', 'start'], ['end', '<', 'end']],
} as const satisfies Record<string, readonly TemporalCondition[]>;
export type TemporalRelation = keyof typeof temporalRelations;

/** Functions beyond the operators of the standard, as GET /functions tells of them. */
export const functions: Readonly<Record<string, Operation & { readonly description: string }>> = {
  abs: { takes: ['number'], gives: 'number', description: 'The number without its sign.' },
  ceil: { takes: ['number'], gives: 'number', description: 'The smallest integer that is not less than the number.' },
  floor: { takes: ['number'], gives: 'number', description: 'The largest integer that is not greater than the number.' },
  length: { takes: ['string'], gives: 'number', description: 'How many characters (code points) a text has.' },
  array_length: { takes: ['array'], gives: 'number', description: 'How many elements an array has.' },
};

const same = (names: readonly string[], operation: Operation): Record<string, Operation> => Object.fromEntries(names.map((name) => [name, operation]));

/** Operators whose arguments have one fixed type each. Comparisons, `between`, `in` and `isNull` take several: see check.ts. */
export const operations: ReadonlyMap<string, Operation> = new Map(Object.entries({
  and: { takes: ['boolean', 'boolean'], gives: 'boolean', repeats: true },
  or: { takes: ['boolean', 'boolean'], gives: 'boolean', repeats: true },
  not: { takes: ['boolean'], gives: 'boolean' },
  like: { takes: ['string', 'string'], gives: 'boolean' },
  casei: { takes: ['string'], gives: 'string' },
  accenti: { takes: ['string'], gives: 'string' },
  ...same(arithmetics, { takes: ['number', 'number'], gives: 'number' }),
  ...same(spatialRelations, { takes: ['geometry', 'geometry'], gives: 'boolean' }),
  ...same(Object.keys(temporalRelations), { takes: ['interval', 'interval'], gives: 'boolean' }),
  ...same(arrayRelations, { takes: ['array', 'array'], gives: 'boolean' }),
  ...functions,
} satisfies Record<string, Operation>));

/** Names by their lower-case form: text is read without regard to case, JSON not. */
const byLowerCase = new Map([...operations.keys()].map((name) => [name.toLowerCase(), name]));

/** The name of a function or predicate however its letters are written; null when there is none. */
export function operationNamed(name: string): string | null {
  const found = byLowerCase.get(name.toLowerCase());
  return found !== undefined && /^[a-z]/.test(found) && !['and', 'or', 'not', 'like', 'div'].includes(found) ? found : null;
}

export const isComparison = (op: string): op is Comparison => (comparisons as readonly string[]).includes(op);
export const isArithmetic = (op: string): op is Arithmetic => (arithmetics as readonly string[]).includes(op);
export const isSpatial = (op: string): op is SpatialRelation => (spatialRelations as readonly string[]).includes(op);
export const isTemporal = (op: string): op is TemporalRelation => Object.hasOwn(temporalRelations, op);
export const isArrayRelation = (op: string): op is ArrayRelation => (arrayRelations as readonly string[]).includes(op);
