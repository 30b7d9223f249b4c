/**
 * A filter in memory: the reference for the SQL, and what decides where SQL can't. Logic has three values: what
 * depends on a missing property, or on one of another type, is unknown (null), and only true lets an item pass.
 */
import type { Geometry } from '../../geo/geometry.ts';
import type { StacItem } from '../types.ts';
import { calculate } from './arithmetic.ts';
import type { Filter } from './check.ts';
import { AFTER_ALL, BEFORE_ALL, endOfDay, instantOf } from './instants.ts';
import { isArithmetic, isArrayRelation, isComparison, isSpatial, isTemporal, temporalRelations, type ArrayRelation, type Comparison, type SpatialRelation, type TemporalRelation } from './operations.ts';
import { geometryOf, mirrorOf, spatialTest } from './spatial.ts';
import { compareTexts, foldAccents, foldCase, likeTest } from './text-folding.ts';
import type { ArrayExpression, Call, Expression, Interval, OpenEnd, Property } from './tree.ts';

/** What a filter looks at: an item, or something else in its shape. */
export interface FilteredItem extends Pick<StacItem, 'id' | 'collection' | 'geometry' | 'properties'> {
  /** Beginning and end of what lasts, null where it is open. Absent: the properties tell the time, as they do of items. */
  readonly interval?: readonly [string | null, string | null];
}

/** [first, last] instant in microseconds since 1970. */
type Span = readonly [bigint, bigint];
type Value = unknown;
type Read<T> = (item: FilteredItem) => T | null;

/** A test for items. What can be prepared is prepared once, so keep it for many items. */
export function filterTest(filter: Filter): (item: FilteredItem) => boolean {
  const read = truthOf(filter.expression);
  return (item) => read(item) === true;
}

/** true, false, or null for unknown. */
export function truthOf(node: Expression): Read<boolean> {
  const read = valueOf(node);
  return (item) => {
    const value = read(item);
    return typeof value === 'boolean' ? value : null;
  };
}

function valueOf(node: Expression): Read<Value> {
  switch (node.kind) {
    case 'literal': return () => node.value;
    case 'date':
    case 'timestamp': {
      const instant = instantOf(node.text);
      return () => instant;
    }
    case 'geometry':
    case 'bbox': {
      const geometry = geometryOf(node);
      return () => geometry;
    }
    case 'property': return propertyOf(node);
    case 'array': return arrayOf(node);
    case 'interval': return spanOf(node);
    case 'call': return callOf(node);
  }
}

/** A name with dots is a path: 'proj:centroid.lat' is the member `lat` of `proj:centroid`. */
function stored(item: FilteredItem, name: string): unknown {
  if (name === 'id' || name === 'collection' || name === 'geometry') return item[name];
  let value: unknown = item.properties;
  for (const key of name.split('.')) value = memberOf(value, key);
  return value ?? null;
}

function memberOf(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return /^-?\d{1,9}$/.test(key) ? (value as unknown[]).at(Number(key)) : undefined;
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** The value of a property as the type that the checker wants; null for another. */
function propertyOf({ name, type }: Property): Read<Value> {
  return (item) => {
    const value = stored(item, name);
    switch (type) {
      case 'instant': return typeof value === 'string' ? instantOf(value) : null;
      case 'array': return Array.isArray(value) ? value : null;
      case 'string':
      case 'number':
      case 'boolean': return typeof value === type ? value : null;
      case 'interval':
      case 'geometry':
      case 'any': return value;
    }
  };
}

/** Unknown as soon as one element is. A time is its text, as in the arrays of items. */
function arrayOf({ items }: ArrayExpression): Read<readonly Value[]> {
  const reads = items.map((item) => (item.kind === 'date' || item.kind === 'timestamp' ? () => item.text : valueOf(item)));
  return (item) => {
    const values = reads.map((read) => read(item));
    return values.includes(null) ? null : values;
  };
}

function callOf(node: Call): Read<Value> {
  const { op, args } = node;
  if (isComparison(op)) return comparison(op, args[0]!, args[1]!);
  if (isArithmetic(op)) return strict(args, (a, b) => calculate(op, a as number, b as number));
  if (isSpatial(op)) return spatial(op, args[0]!, args[1]!);
  if (isTemporal(op)) return temporal(op, args[0]!, args[1]!);
  if (isArrayRelation(op)) return strict(args, (a, b) => arraysRelate(op, a as unknown[], b as unknown[]));
  switch (op) {
    case 'and': return connective(args, false);
    case 'or': return connective(args, true);
    case 'not': return strict([args[0]!], (a) => !(a as boolean));
    case 'between': return connective([call('>=', [args[0]!, args[1]!]), call('<=', [args[0]!, args[2]!])], false);
    case 'in': return connective((args[1] as ArrayExpression).items.map((entry) => call('=', [args[0]!, entry])), true);
    case 'isNull': {
      const read = valueOf(args[0]!);
      return (item) => read(item) === null;
    }
    case 'like': return like(args[0]!, args[1]!);
    default: return strict(args, functionNamed(op));
  }
}

const call = (op: string, args: readonly Expression[]): Call => ({ kind: 'call', op, args, at: '' });

/** Unknown as soon as one argument is. */
function strict(args: readonly Expression[], apply: (a: Value, b: Value) => Value): Read<Value> {
  const [first, second] = args.map(valueOf);
  return (item) => {
    const a = first!(item);
    if (a === null) return null;
    const b = second ? second(item) : undefined;
    return b === null ? null : apply(a, b);
  };
}

/** OR (`decisive` true) and AND (`decisive` false): one decisive argument decides, however many are unknown. */
function connective(args: readonly Expression[], decisive: boolean): Read<boolean> {
  const reads = args.map(truthOf);
  return (item) => {
    let result: boolean | null = !decisive;
    for (const read of reads) {
      const truth = read(item);
      if (truth === decisive) return decisive;
      if (truth === null) result = null;
    }
    return result;
  };
}

function comparison(op: Comparison, left: Expression, right: Expression): Read<boolean> {
  return strict([left, right], (a, b) => {
    const order = compare(a, b);
    return order === null ? null : holds(op, order);
  }) as Read<boolean>;
}

/** null for values that have no order between them. */
function compare(a: Value, b: Value): number | null {
  if (typeof a !== typeof b) return null;
  if (typeof a === 'string') return compareTexts(a, b as string);
  if (typeof a === 'number' || typeof a === 'bigint' || typeof a === 'boolean') return a === b ? 0 : a < (b as typeof a) ? -1 : 1;
  return null;
}

function holds(op: Comparison, order: number): boolean {
  switch (op) {
    case '=': return order === 0;
    case '<>': return order !== 0;
    case '<': return order < 0;
    case '<=': return order <= 0;
    case '>': return order > 0;
    case '>=': return order >= 0;
  }
}

/** The checker has seen that the pattern is a text, folded or not. */
function like(operand: Expression, pattern: Expression): Read<Value> {
  const test = likeTest(patternText(pattern));
  return strict([operand], (text) => test(text as string));
}

/** The text of the pattern of LIKE, folded as it says. */
function patternText(node: Expression): string {
  if (node.kind === 'literal') return String(node.value);
  const { op, args } = node as Call;
  return (op === 'casei' ? foldCase : foldAccents)(patternText(args[0]!));
}

function spatial(relation: SpatialRelation, left: Expression, right: Expression): Read<boolean> {
  if (right.kind === 'geometry' || right.kind === 'bbox') {
    const test = spatialTest(relation, geometryOf(right));
    return strict([left], (candidate) => test(candidate as Geometry)) as Read<boolean>;
  }
  if (left.kind === 'geometry' || left.kind === 'bbox') return spatial(mirrorOf(relation), right, left);
  return strict([left, right], (a, b) => spatialTest(relation, b as Geometry)(a as Geometry)) as Read<boolean>;
}

function temporal(relation: TemporalRelation, left: Expression, right: Expression): Read<boolean> {
  const [first, second] = [spanOf(left), spanOf(right)];
  const isNegated = relation === 't_disjoint';
  return (item) => {
    const a = first(item);
    const b = a && second(item);
    if (!a || !b) return null;
    const edge = (span: Span, end: 'start' | 'end') => span[end === 'start' ? 0 : 1];
    return isNegated !== temporalRelations[relation].every(([of, sign, other]) => holds(sign, compare(edge(a, of), edge(b, other))!));
  };
}

/** The time that an expression stands for: an instant begins and ends at once. */
function spanOf(node: Expression): Read<Span> {
  if (node.kind === 'interval') {
    const [start, end] = [edgeOf(node, 'start'), edgeOf(node, 'end')];
    return (item) => {
      const [first, last] = [start(item), end(item)];
      return first === null || last === null ? null : [first, last];
    };
  }
  if (node.kind === 'property' && node.name === 'datetime') return itemSpan;
  const read = valueOf(node) as Read<bigint>;
  return (item) => {
    const instant = read(item);
    return instant === null ? null : [instant, instant];
  };
}

function edgeOf(interval: Interval, end: 'start' | 'end'): Read<bigint> {
  const node: Expression | OpenEnd = interval[end];
  if (node.kind === 'open') return () => (end === 'start' ? BEFORE_ALL : AFTER_ALL);
  const read = valueOf(node) as Read<bigint>;
  if (node.kind !== 'date' || end === 'start') return read;
  // A day that ends an interval belongs to it.
  return (item) => endOfDay(read(item)!);
}

/** An item without an instant has the time from its start to its end. */
function itemSpan({ interval, properties }: FilteredItem): Span | null {
  const at = (value: unknown) => (typeof value === 'string' ? instantOf(value) : null);
  if (interval) return [at(interval[0]) ?? BEFORE_ALL, at(interval[1]) ?? AFTER_ALL];
  const { datetime, start_datetime: start, end_datetime: end } = properties;
  const instant = at(datetime);
  if (instant !== null) return [instant, instant];
  const first = at(start);
  return first === null ? null : [first, at(end) ?? first];
}

/** Arrays as sets. */
function arraysRelate(relation: ArrayRelation, a: readonly unknown[], b: readonly unknown[]): boolean {
  const has = (list: readonly unknown[]) => {
    const keys = new Set(list.map(canonical));
    return (value: unknown) => keys.has(canonical(value));
  };
  switch (relation) {
    case 'a_contains': return b.every(has(a));
    case 'a_containedBy': return a.every(has(b));
    case 'a_equals': return a.every(has(b)) && b.every(has(a));
    case 'a_overlaps': return a.some(has(b));
  }
}

/** The same text for the same JSON, whatever the order of its keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => compareTexts(a, b))) : part));
}

function functionNamed(op: string): (value: Value) => Value {
  switch (op) {
    case 'casei': return (text) => foldCase(text as string);
    case 'accenti': return (text) => foldAccents(text as string);
    case 'abs': return (value) => Math.abs(value as number);
    case 'ceil': return (value) => Math.ceil(value as number);
    case 'floor': return (value) => Math.floor(value as number);
    case 'length': return (text) => Array.from(text as string).length;
    case 'array_length': return (list) => (list as unknown[]).length;
    default: throw new Error(`'${op}' passed the checker but can't be evaluated.`);
  }
}
