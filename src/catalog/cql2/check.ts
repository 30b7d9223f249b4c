/**
 * The types of a filter. Gives the tree back with every property marked by the type as which it is read, so that
 * SQL and the evaluator need not guess: `cloud = 5` reads a number, `cloud = 'x'` a text.
 */
import { instantLiteral } from './literals.ts';
import { isComparison, operations } from './operations.ts';
import type { Queryables } from './queryables.ts';
import { Budget, Cql2Error, type Call, type Expression, type Interval, type OpenEnd, type Property, type ValueType } from './tree.ts';

/** A filter whose names, types and numbers of arguments are right. */
export interface Filter {
  readonly expression: Expression;
}

/** Throws Cql2Error for what is no condition, for types that do not fit, and for unknown properties where all are known. */
export function checkFilter(expression: Expression, queryables: Queryables): Filter {
  return { expression: new Checker(queryables).condition(expression) };
}

/** Types whose values can be compared; others have functions of their own. */
const comparable: readonly ValueType[] = ['boolean', 'number', 'string', 'instant', 'any'];

/** Types of what an array may contain beside times and arrays. */
const elements: readonly ValueType[] = ['boolean', 'number', 'string'];

const names: Readonly<Record<ValueType, string>> = {
  boolean: 'a condition', number: 'a number', string: 'a text', instant: 'a point in time', interval: 'a time', geometry: 'a geometry', array: 'an array', any: 'a value',
};

/** A name in a message: the beginning of a long one. */
const shown = (name: string) => name.slice(0, 60);

class Checker {
  readonly #queryables: Queryables;
  readonly #budget = new Budget();

  constructor(queryables: Queryables) {
    this.#queryables = queryables;
  }

  /** The same expression as one that holds or does not. A property alone is most often a condition cut short. */
  condition(node: Expression): Expression {
    if (node.kind === 'property' && this.#ownType(node) !== 'boolean') throw new Cql2Error(node.at, `expected a condition, but found the property '${shown(node.name)}' alone; compare it with something`);
    return this.check(node, 'boolean');
  }

  /** The same expression as one of a type. */
  check(node: Expression, wanted: ValueType): Expression {
    return this.#budget.descend(node.at, () => {
      if (node.kind === 'property') return this.#property(unprefixed(node), wanted);
      return coerced(this.#checked(node), wanted);
    });
  }

  #checked(node: Exclude<Expression, Property>): Exclude<Expression, Property> {
    switch (node.kind) {
      case 'call': return this.#call(node);
      case 'interval': return this.#interval(node);
      case 'array': return { ...node, items: node.items.map((item) => this.#element(item)) };
      case 'literal':
      case 'date':
      case 'timestamp':
      case 'geometry':
      case 'bbox': return node;
    }
  }

  #property(node: Property, wanted: ValueType): Property {
    const type = this.#typeOf(node);
    if (wanted === 'geometry' && type !== 'geometry') throw new Cql2Error(node.at, `the property '${shown(node.name)}' is no geometry; items have the geometry 'geometry'`);
    if (type === 'any') return { ...node, type: wanted === 'interval' ? 'instant' : wanted };
    if (wanted === 'any' || type === wanted || (wanted === 'interval' && type === 'instant')) return { ...node, type };
    throw new Cql2Error(node.at, `expected ${names[wanted]}, but the property '${shown(node.name)}' is ${names[type]}`);
  }

  #typeOf({ name, at }: Property): ValueType {
    const type = this.#queryables.typeOf(name);
    if (type === null) throw new Cql2Error(at, `there is no property '${shown(name)}' to filter by; see the queryables`);
    return type;
  }

  #call(node: Call): Call {
    if (isComparison(node.op)) return this.#compared(node, node.args, 2);
    switch (node.op) {
      case 'between': return this.#compared(node, node.args, 3);
      case 'in': return this.#in(node);
      case 'isNull': return { ...node, args: [this.#nullable(only(node, 1)[0]!)] };
      default: return this.#operation(node);
    }
  }

  #operation(node: Call): Call {
    const operation = operations.get(node.op)!;
    const { takes, repeats } = operation;
    if (repeats ? node.args.length < takes.length : node.args.length !== takes.length) {
      throw new Cql2Error(node.at, `'${node.op}' takes ${takes.length} argument${takes.length === 1 ? '' : 's'}${repeats ? ' or more' : ''}, not ${node.args.length}`);
    }
    const args = node.args.map((argument, i) => (takes[0] === 'boolean' ? this.condition(argument) : this.check(argument, takes[Math.min(i, takes.length - 1)]!)));
    if (node.op === 'like') requirePattern(args[1]!);
    return { ...node, args };
  }

  /** All operands are read as the type that one of them tells. */
  #compared(node: Call, operands: readonly Expression[], count: number): Call {
    if (operands.length !== count) throw new Cql2Error(node.at, `'${node.op}' takes ${count} arguments, not ${operands.length}`);
    return { ...node, args: this.#alike(operands) };
  }

  #in(node: Call): Call {
    const [operand, list] = only(node, 2) as [Expression, Expression];
    if (list.kind !== 'array') throw new Cql2Error(list.at, '\'in\' needs a list of values');
    if (list.items.length === 0) throw new Cql2Error(list.at, 'the list of \'in\' is empty');
    const [first, ...items] = this.#alike([operand, ...list.items]);
    return { ...node, args: [first!, { ...list, items }] };
  }

  #alike(operands: readonly Expression[]): Expression[] {
    const types = operands.map((operand) => this.#ownType(operand));
    const wanted = types.includes('instant') ? 'instant' : (types.find((type) => type !== 'any') ?? 'any');
    const wrong = types.findIndex((type) => !comparable.includes(type));
    if (wrong >= 0) throw new Cql2Error(operands[wrong]!.at, `${names[types[wrong]!]} can't be compared like that; there are functions for it`);
    return operands.map((operand) => this.check(operand, wanted));
  }

  #ownType(node: Expression): ValueType {
    return node.kind === 'property' ? this.#typeOf(unprefixed(node)) : typeOf(node);
  }

  /** Anything may be asked to be null; a property is looked at as it is. */
  #nullable(node: Expression): Expression {
    if (node.kind !== 'property') return this.check(node, this.#ownType(node));
    return this.#ownType(node) === 'geometry' ? { ...unprefixed(node), type: 'geometry' } : this.#raw(node);
  }

  #raw(node: Property): Property {
    return { ...unprefixed(node), type: 'any' };
  }

  #interval(node: Interval): Interval {
    const end = (one: Expression | OpenEnd) => (one.kind === 'open' ? one : this.check(one, 'instant'));
    return { ...node, start: end(node.start), end: end(node.end) };
  }

  /** Elements are compared as the JSON that they are in items, so a property is looked at as it is. */
  #element(item: Expression): Expression {
    if (item.kind === 'array' || item.kind === 'date' || item.kind === 'timestamp') return this.#checked(item);
    const type = this.#ownType(item);
    if (item.kind === 'property' ? type === 'geometry' : !elements.includes(type)) throw new Cql2Error(item.at, 'an array may contain texts, numbers, booleans, times and arrays of them');
    return item.kind === 'property' ? this.#raw(item) : this.check(item, 'any');
  }
}

/** Some clients write where in an item a property is; the standard has its bare name. */
function unprefixed(node: Property): Property {
  return { ...node, name: node.name.replace(/^properties\./, '') };
}

/** What an expression yields by itself. */
export function typeOf(node: Expression): ValueType {
  switch (node.kind) {
    case 'literal': return typeof node.value as 'string' | 'number' | 'boolean';
    case 'date':
    case 'timestamp': return 'instant';
    case 'bbox': return 'geometry';
    case 'property': return node.type;
    case 'call': return operations.get(node.op)?.gives ?? 'boolean';
    case 'interval':
    case 'geometry':
    case 'array': return node.kind;
  }
}

/** A text that stands where a time is wanted is one, which clients that know no `timestamp` rely on. */
function coerced(node: Exclude<Expression, Property>, wanted: ValueType): Expression {
  const type = typeOf(node);
  if (type === wanted || wanted === 'any' || (type === 'instant' && wanted === 'interval')) return node;
  if (node.kind === 'literal' && typeof node.value === 'string' && (wanted === 'instant' || wanted === 'interval')) {
    return instantLiteral(/^\d{4}-\d{2}-\d{2}$/.test(node.value) ? 'date' : 'timestamp', node.value, node.at);
  }
  throw new Cql2Error(node.at, `expected ${names[wanted]}, but found ${names[type]}`);
}

function only(node: Call, count: number): readonly Expression[] {
  if (node.args.length === count) return node.args;
  throw new Cql2Error(node.at, `'${node.op}' takes ${count} argument${count === 1 ? '' : 's'}, not ${node.args.length}`);
}

/** What LIKE compares with is known beforehand: a text, folded or not. */
function requirePattern(node: Expression): void {
  if (node.kind === 'literal') return;
  if (node.kind === 'call' && (node.op === 'casei' || node.op === 'accenti')) return requirePattern(node.args[0]!);
  throw new Cql2Error(node.at, 'the pattern of LIKE must be a text');
}

