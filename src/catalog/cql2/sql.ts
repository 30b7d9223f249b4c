/**
 * A filter as a condition of SQL on the tables of items. Nothing of the filter becomes SQL text: names, texts and
 * numbers are bound, operators come from tables here. PostgreSQL knows no geometries, so of spatial relations only
 * a box is asked; then `isExact` is false, and filterTest() must decide about what the condition lets pass.
 */
import type { Bind } from '../../database/connection.ts';
import { boxOf, type Box } from '../../geo/geometry.ts';
import { numberColumn } from '../item-property.ts';
import { truthOf } from './evaluate.ts';
import { typeOf, type Filter } from './check.ts';
import { isArithmetic, isArrayRelation, isComparison, isSpatial, isTemporal, temporalRelations, type Comparison, type TemporalCondition, type TemporalRelation } from './operations.ts';
import { geometryOf } from './spatial.ts';
import { databasePattern } from './text-folding.ts';
import { childrenOf, type ArrayExpression, type BoxLiteral, type Call, type Expression, type GeometryLiteral, type InstantLiteral, type Interval, type Property } from './tree.ts';

export interface SqlCondition {
  readonly sql: string;
  /** True: the items that meet the condition are those that the filter lets pass. False: some of them are not. */
  readonly isExact: boolean;
}

/** A filter in SQL, with the part of it that says where and when items are ('true' for none): no item outside of `bounds` meets it. */
export interface FilterCondition extends SqlCondition {
  readonly bounds: string;
}

/** `touchesBox` gives the condition under which the box of an item touches another. */
export function filterCondition(filter: Filter, bind: Bind, touchesBox: (box: Box, bind: Bind) => string): FilterCondition {
  const writer = new SqlWriter(bind, touchesBox);
  return { ...writer.condition(filter.expression, true), bounds: writer.bounds(filter.expression).join(' and ') || 'true' };
}

/** Boxes all of which an item must touch that a filter lets pass. */
export const boxesOfFilter = ({ expression }: Filter): readonly Box[] => boxesOf(expression);

function boxesOf(node: Expression): Box[] {
  if (node.kind !== 'call') return [];
  if (node.op === 'and') return node.args.flatMap(boxesOf);
  const literal = node.args.find((argument) => argument.kind === 'geometry' || argument.kind === 'bbox');
  return literal && isSpatial(node.op) && node.op !== 's_disjoint' && asksGeometry(node) ? [boxOf(geometryOf(literal))] : [];
}

/** True for a filter that SQL alone can't decide. */
export const needsTest = (filter: Filter): boolean => asksGeometry(filter.expression);

const EVERYTHING: SqlCondition = { sql: 'true', isExact: false };

class SqlWriter {
  readonly #bind: Bind;
  readonly #touchesBox: (box: Box, bind: Bind) => string;
  /** Names of properties that are bound already. */
  readonly #names = new Map<string, string>();
  /** Expressions that are written already: said again, they need no more values. */
  readonly #written = new Map<Expression, string>();
  readonly #hinted = new Map<Expression, readonly string[]>();

  constructor(bind: Bind, touchesBox: (box: Box, bind: Bind) => string) {
    this.#bind = bind;
    this.#touchesBox = touchesBox;
  }

  /** What is true of every item for which the expression is `wanted`, which is not the opposite where it is unknown. */
  condition(node: Expression, wanted: boolean): SqlCondition {
    if (node.kind === 'call') {
      if (node.op === 'not') return this.condition(node.args[0]!, !wanted);
      if (node.op === 'and' || node.op === 'or') return this.#connective(node, wanted);
    }
    if (!asksGeometry(node)) return { sql: wanted ? [this.#value(node), ...this.#hints(node)].join(' and ') : `not ${this.#value(node)}`, isExact: true };
    return node.kind === 'call' && isSpatial(node.op) ? this.#spatial(node, wanted) : EVERYTHING;
  }

  /** Conditions that must be met for the expression to be true, and that an index answers. */
  bounds(node: Expression): readonly string[] {
    if (node.kind !== 'call') return [];
    if (node.op === 'and') return node.args.flatMap((argument) => this.bounds(argument));
    if (isSpatial(node.op)) return asksGeometry(node) ? [this.#spatial(node, true).sql] : [];
    return this.#hints(node);
  }

  #connective({ op, args }: Call, wanted: boolean): SqlCondition {
    const parts = args.map((argument) => this.condition(argument, wanted));
    const word = (op === 'and') === wanted ? 'and' : 'or';
    return { sql: `(${parts.map(({ sql }) => `(${sql})`).join(` ${word} `)})`, isExact: parts.every(({ isExact }) => isExact) };
  }

  #spatial({ op, args }: Call, wanted: boolean): SqlCondition {
    const literal = args.find((argument) => argument.kind === 'geometry' || argument.kind === 'bbox');
    const mustTouch = (op !== 's_disjoint') === wanted;
    return { sql: literal && mustTouch ? this.#touching(literal) : 'footprint is not null', isExact: false };
  }

  #touching(literal: GeometryLiteral | BoxLiteral): string {
    const sql = this.#written.get(literal) ?? this.#touchesBox(boxOf(geometryOf(literal)), this.#bind);
    this.#written.set(literal, sql);
    return sql;
  }

  #hints(node: Expression): readonly string[] {
    const hints = this.#hinted.get(node) ?? this.#timeHints(node);
    this.#hinted.set(node, hints);
    return hints;
  }

  /** More conditions, which an index knows, for comparisons of the time of items. */
  #timeHints(node: Expression): string[] {
    if (node.kind !== 'call' || node.args.length !== 2) return [];
    const [left, right] = node.args as [Expression, Expression];
    if (!isDatetime(left) || right.kind === 'property') return [];
    if (isTemporal(node.op)) return this.#temporalHints(node.op, right);
    return isComparison(node.op) && node.op !== '<>' ? [`instant ${node.op} ${this.#value(right)}`] : [];
  }

  /** `instant` is where the time of an item begins, and no later than where it ends. */
  #temporalHints(relation: TemporalRelation, other: Expression): string[] {
    if (relation === 't_disjoint') return [];
    const conditions: readonly TemporalCondition[] = temporalRelations[relation];
    return conditions.flatMap(([end, sign, otherEnd]) => {
      if (end === 'start') return [`instant ${sign} ${this.#endOf(other, otherEnd)}`];
      return sign === '<' || sign === '=' ? [`instant <= ${this.#endOf(other, otherEnd)}`] : [];
    });
  }

  #value(node: Expression): string {
    const sql = this.#written.get(node) ?? this.#valueOf(node);
    this.#written.set(node, sql);
    return sql;
  }

  #valueOf(node: Expression): string {
    switch (node.kind) {
      case 'literal': return this.#literal(node.value);
      case 'date':
      case 'timestamp': return this.#instant(node);
      case 'property': return this.#property(node);
      case 'array': return this.#array(node);
      case 'call': return this.#call(node);
      case 'interval':
      case 'geometry':
      case 'bbox': throw new Error(`A ${node.kind} has no value of its own in SQL.`);
    }
  }

  #literal(value: string | number | boolean): string {
    if (typeof value === 'boolean') return String(value);
    return `${this.#bind(value)}::${typeof value === 'number' ? 'float8' : 'text'}`;
  }

  #instant({ text, kind }: InstantLiteral, time = '00:00:00'): string {
    const full = kind === 'date' ? `${text}T${time}Z` : text.toUpperCase();
    return `${this.#bind(/Z$|[+-]\d\d:\d\d$/.test(full) ? full : `${full}Z`)}::timestamptz`;
  }

  /** Constants are one parameter; with one unknown element the array is unknown. */
  #array(node: ArrayExpression): string {
    const constants = constantsOf(node);
    if (constants) return `${this.#bind(JSON.stringify(constants))}::jsonb`;
    const elements = node.items.map((item) => (item.kind === 'date' || item.kind === 'timestamp' ? `${this.#bind(item.text)}::text` : this.#value(item)));
    return `(case when num_nulls(${elements.join(', ')}) = 0 then jsonb_build_array(${elements.join(', ')}) end)`;
  }

  #property({ name, type }: Property): string {
    if (name === 'id' || name === 'collection') return type === 'string' ? name : `to_jsonb(${name})`;
    const column = type === 'number' ? numberColumn(name) : null;
    if (column !== null) return column;
    const json = this.#json(name);
    const as = (jsonType: string, sql: string) => `(case jsonb_typeof(${json}) when '${jsonType}' then ${sql} end)`;
    switch (type) {
      case 'string': return as('string', `${json} #>> '{}'`);
      case 'number': return as('number', `(${json})::float8`);
      case 'boolean': return as('boolean', `(${json})::boolean`);
      case 'array': return as('array', json);
      case 'instant': return as('string', name === 'datetime' ? 'instant' : `cql2_instant(${json} #>> '{}')`);
      case 'interval':
      case 'geometry':
      case 'any': return `nullif(${json}, 'null'::jsonb)`;
    }
  }

  #json(name: string): string {
    let placeholder = this.#names.get(name);
    if (placeholder === undefined) this.#names.set(name, (placeholder = this.#bind(name.split('.'))));
    return `(properties #> ${placeholder}::text[])`;
  }

  #call(node: Call): string {
    const { op, args } = node;
    if (isComparison(op)) return this.#comparison(op, args[0]!, args[1]!);
    if (isTemporal(op)) return this.#temporal(op, args[0]!, args[1]!);
    // Between two literals: it is the same for all items.
    if (isSpatial(op)) return constantTruth(node);
    if (op === 'between') return `(${this.#comparison('>=', args[0]!, args[1]!)} and ${this.#comparison('<=', args[0]!, args[2]!)})`;
    if (op === 'in') return this.#in(args[0]!, args[1] as ArrayExpression);
    if (op === 'isNull') return this.#isNull(args[0]!);
    if (op === 'like') return `(${this.#value(args[0]!)} like ${this.#pattern(args[1]!)})`;
    return this.#applied(op, args.map((argument) => this.#value(argument)));
  }

  #applied(op: string, [a, ...rest]: readonly string[]): string {
    const b = rest[0]!;
    if (isArithmetic(op)) return `cql2_arithmetic('${op}', ${a}, ${b})`;
    if (isArrayRelation(op)) return arrayRelation(op, a!, b);
    switch (op) {
      case 'and':
      case 'or': return `(${[a, ...rest].join(` ${op} `)})`;
      case 'not': return `(not ${a})`;
      case 'casei': return `cql2_casei(${a})`;
      case 'accenti': return `cql2_accenti(${a})`;
      case 'abs': return `abs(${a})`;
      case 'ceil': return `ceil(${a})`;
      case 'floor': return `floor(${a})`;
      case 'length': return `char_length(${a})::float8`;
      case 'array_length': return `jsonb_array_length(${a})::float8`;
      default: throw new Error(`'${op}' passed the checker but has no SQL.`);
    }
  }

  #comparison(op: Comparison, left: Expression, right: Expression): string {
    const [a, b] = [this.#value(left), this.#value(right)];
    const type = typeOf(left);
    if (type === 'any') return `(cql2_compare(${a}, ${b}) ${op} 0)`;
    // Order by code points; an index of equal texts is of the default collation.
    return type === 'string' && op !== '=' && op !== '<>' ? `(${a} collate "C" ${op} ${b})` : `(${a} ${op} ${b})`;
  }

  /** Long lists of literals are one parameter. */
  #in(operand: Expression, list: ArrayExpression): string {
    const type = { string: 'text', number: 'float8' }[typeOf(operand) as string];
    const values = list.items.map((item) => (item.kind === 'literal' ? item.value : null));
    if (type !== undefined && !values.includes(null)) return `(${this.#value(operand)} = any(${this.#bind(values)}::${type}[]))`;
    return `(${list.items.map((item) => this.#comparison('=', operand, item)).join(' or ')})`;
  }

  #isNull(operand: Expression): string {
    if (operand.kind === 'interval') return `(num_nulls(${Object.values(this.#span(operand)).join(', ')}) > 0)`;
    if (operand.kind !== 'property') return operand.kind === 'call' ? `(${this.#value(operand)} is null)` : 'false';
    if (operand.name === 'id' || operand.name === 'collection') return 'false';
    if (operand.name === 'geometry') return '(footprint is null)';
    return `(coalesce(jsonb_typeof(${this.#json(operand.name)}), 'null') = 'null')`;
  }

  #pattern(node: Expression): string {
    if (node.kind === 'literal') return this.#literal(databasePattern(String(node.value)));
    const { op, args } = node as Call;
    return this.#applied(op, [this.#pattern(args[0]!)]);
  }

  #temporal(relation: TemporalRelation, left: Expression, right: Expression): string {
    const [a, b] = [this.#span(left), this.#span(right)];
    const all = temporalRelations[relation].map(([end, sign, other]) => `${a[end]} ${sign} ${b[other]}`).join(' and ');
    const ends = [...new Set([a.start, a.end, b.start, b.end])];
    return `(case when num_nulls(${ends.join(', ')}) = 0 then ${relation === 't_disjoint' ? `not (${all})` : all} end)`;
  }

  /** Both ends of the time that an expression stands for. */
  #span(node: Expression): { readonly start: string; readonly end: string } {
    return { start: this.#endOf(node, 'start'), end: this.#endOf(node, 'end') };
  }

  #endOf(node: Expression, end: 'start' | 'end'): string {
    if (node.kind === 'interval') return this.#edge(node, end);
    if (!isDatetime(node)) return this.#value(node);
    // An item without an instant has the time from its start to its end.
    return end === 'start' ? 'instant' : `(case jsonb_typeof(${this.#json('datetime')}) when 'string' then instant else ends end)`;
  }

  #edge(interval: Interval, end: 'start' | 'end'): string {
    const node = interval[end];
    if (node.kind === 'open') return `${end === 'start' ? '\'-infinity\'' : '\'infinity\''}::timestamptz`;
    return node.kind === 'date' && end === 'end' ? this.#instant(node, '23:59:59.999999') : this.#value(node);
  }
}

const isDatetime = (node: Expression) => node.kind === 'property' && node.name === 'datetime';

/** True when the geometry of an item must be known, but for whether it has one. */
function asksGeometry(node: Expression): boolean {
  if (node.kind === 'call' && isSpatial(node.op)) return node.args.some(({ kind }) => kind === 'property');
  return childrenOf(node).some(asksGeometry);
}

function constantTruth(node: Call): string {
  const truth = truthOf(node)({ id: '', collection: '', geometry: null, properties: { datetime: null } });
  return truth === null ? 'null::boolean' : String(truth);
}

/** An array in JSON, a time as its text; null where something in it is no constant. */
function constantsOf({ items }: ArrayExpression): unknown[] | null {
  const values = items.map((item) => (item.kind === 'array' ? constantsOf(item) : item.kind === 'literal' ? item.value : item.kind === 'date' || item.kind === 'timestamp' ? item.text : null));
  return values.includes(null) ? null : values;
}

function arrayRelation(op: string, a: string, b: string): string {
  switch (op) {
    case 'a_contains': return `cql2_contains(${a}, ${b})`;
    case 'a_containedBy': return `cql2_contains(${b}, ${a})`;
    case 'a_overlaps': return `cql2_overlaps(${a}, ${b})`;
    default: return `(cql2_contains(${a}, ${b}) and cql2_contains(${b}, ${a}))`;
  }
}
