/** CQL2 JSON as a syntax tree. Faults are named by their path in the object: 'filter.args[0].property'. */
import { boxLiteral, geometryLiteral, instantLiteral, intervalEnd, numberLiteral, textLiteral } from './literals.ts';
import { isArithmetic, isComparison, operationNamed } from './operations.ts';
import { Budget, Cql2Error, type ArrayExpression, type Expression, type Interval, type OpenEnd, type Place } from './tree.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Throws Cql2Error. Types are not looked at. */
export function parseJson(value: unknown): Expression {
  return new JsonParser().read(value, 'filter');
}

const plainOperators = new Set(['and', 'or', 'not', 'like', 'between', 'in', 'isNull']);

class JsonParser {
  readonly #budget = new Budget();

  read(value: unknown, at: Place): Expression {
    this.#budget.count(at);
    return this.#budget.descend(at, () => this.#value(value, at));
  }

  #value(value: unknown, at: Place): Expression {
    if (typeof value === 'string') return textLiteral(value, at);
    if (typeof value === 'number') return numberLiteral(value, at);
    if (typeof value === 'boolean') return { kind: 'literal', value, at };
    if (Array.isArray(value)) return this.#array(value, at);
    if (value === null || value === undefined) throw new Cql2Error(at, 'expected a value, but found null; to ask for missing values use isNull');
    return this.#object(value as Fields, at);
  }

  #array(values: readonly unknown[], at: Place): ArrayExpression {
    return { kind: 'array', items: values.map((entry, i) => this.read(entry, `${at}[${i}]`)), at };
  }

  #object(value: Fields, at: Place): Expression {
    if ('op' in value) return this.#call(text(value['op'], `${at}.op`), value['args'], at);
    if ('property' in value) return { kind: 'property', name: textLiteral(text(value['property'], `${at}.property`), `${at}.property`).value as string, type: 'any', at };
    if ('timestamp' in value) return instantLiteral('timestamp', text(value['timestamp'], `${at}.timestamp`), `${at}.timestamp`);
    if ('date' in value) return instantLiteral('date', text(value['date'], `${at}.date`), `${at}.date`);
    if ('interval' in value) return this.#interval(value['interval'], `${at}.interval`);
    if ('bbox' in value && !('type' in value)) return boxLiteral(numbers(value['bbox'], `${at}.bbox`), at);
    if ('type' in value) return geometryLiteral(value, at);
    return this.#formerForms(value, at);
  }

  /** Drafts of the standard, which clients still send, wrote functions in ways of their own. */
  #formerForms(value: Fields, at: Place): Expression {
    for (const op of ['casei', 'accenti']) if (op in value) return { kind: 'call', op, args: [this.read(value[op], `${at}.${op}`)], at };
    const called = value['function'];
    if (isFields(called)) return this.#call(text(called['name'], `${at}.function.name`), called['args'], `${at}.function`);
    throw new Cql2Error(at, 'expected one of the members op, property, timestamp, date, interval, bbox, or a GeoJSON geometry');
  }

  #call(name: string, given: unknown, at: Place): Expression {
    const op = isComparison(name) || isArithmetic(name) || plainOperators.has(name) ? name : operationNamed(name);
    if (op === null) throw new Cql2Error(`${at}.op`, `there is no operator or function '${name.slice(0, 60)}'`);
    const isBare = op === 'isNull' && isFields(given);
    const args: unknown = isBare ? [given] : (given ?? []);
    if (!Array.isArray(args)) throw new Cql2Error(`${at}.args`, 'expected an array of arguments');
    return { kind: 'call', op, args: this.#arguments(op, args, `${at}.args`), at };
  }

  /** `between` came with its two limits in one array once. */
  #arguments(op: string, args: readonly unknown[], at: Place): Expression[] {
    const [operand, limits] = args;
    if (op === 'between' && args.length === 2 && Array.isArray(limits)) {
      return [this.read(operand, `${at}[0]`), ...limits.map((limit, i) => this.read(limit, `${at}[1][${i}]`))];
    }
    return args.map((argument, i) => this.read(argument, `${at}[${i}]`));
  }

  #interval(value: unknown, at: Place): Interval {
    if (!Array.isArray(value) || value.length !== 2) throw new Cql2Error(at, 'expected an array of two ends');
    return { kind: 'interval', start: this.#end(value[0], `${at}[0]`), end: this.#end(value[1], `${at}[1]`), at };
  }

  #end(value: unknown, at: Place): Expression | OpenEnd {
    if (value === '..' || value === '') return { kind: 'open', at };
    return typeof value === 'string' ? intervalEnd(value, at) : this.read(value, at);
  }
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function text(value: unknown, at: Place): string {
  if (typeof value !== 'string') throw new Cql2Error(at, 'expected a text');
  return value;
}

function numbers(value: unknown, at: Place): number[] {
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'number' && Number.isFinite(entry))) throw new Cql2Error(at, 'expected an array of numbers');
  return value as number[];
}
