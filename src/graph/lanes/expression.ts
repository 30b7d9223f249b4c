/**
 * The expression tree of a callback: what four neighbouring cells compute at once.
 *
 * Where the emitters of emit.ts write JavaScript, those of lane-code.ts build such trees. They are plain data
 * without a trace of the request: one callback's tree can be put in the place of another one's samples
 * (compose.ts), and WebAssembly is written from them. All numbers are meant as float64, as in JavaScript.
 */
import type { DType } from '../../cube/dtype.ts';
import type { ScalarType } from '../emit.ts';

export type UnaryOp = 'abs' | 'sqrt' | 'ceil' | 'floor' | 'trunc' | 'nearest';

/**
 * min and max are Math.min and Math.max. least and most keep x unless y is beyond it or NaN, which is how
 * reducers go through a series.
 */
export type BinaryOp = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'least' | 'most';
export type Relation = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
export type Connective = 'and' | 'or' | 'xor' | 'not';

/**
 * sample, flag, truth: a sample of an input, whether it is no-data, and a sample of type bool.
 * choose: args are a condition and what to take when it holds and when it does not.
 * count: how many of the conditions hold.
 * stored: the number as it comes back from a float32.
 * median, quantile: of a series; args are its n numbers and then its n no-data flags.
 */
export type Op = UnaryOp | BinaryOp | Relation | Connective
  | 'sample' | 'flag' | 'truth' | 'number' | 'boolean' | 'choose' | 'count' | 'stored' | 'median' | 'quantile';

export interface Expression {
  readonly id: number;
  readonly op: Op;
  readonly type: ScalarType;
  readonly args: readonly Expression[];
  /** Of literals: the number, or 1 for true; of quantiles: the probability. */
  readonly value: number;
  /** Of samples, flags and truths: index of the input, of the element in it, and its type. */
  readonly input: number;
  readonly element: number;
  readonly dtype: DType | null;
}

type Parts = Partial<Pick<Expression, 'value' | 'input' | 'element' | 'dtype'>>;

const booleans: ReadonlySet<Op> = new Set<Op>(['flag', 'truth', 'boolean', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'xor', 'not']);

/** Makes expressions; equal ones are made once, so that they are computed once. */
export class Expressions {
  readonly #known = new Map<string, Expression>();

  make(op: Op, args: readonly Expression[], { value = 0, input = 0, element = 0, dtype = null }: Parts = {}): Expression {
    const type = op === 'choose' ? args[1]!.type : booleans.has(op) ? 'boolean' : 'number';
    const key = `${op} ${args.map((x) => x.id).join(',')} ${Object.is(value, -0) ? '-0' : value} ${input} ${element}`;
    const known = this.#known.get(key);
    if (known) return known;
    const made: Expression = { id: this.#known.size, op, type, args, value, input, element, dtype };
    this.#known.set(key, made);
    return made;
  }

  sample(input: number, element: number, dtype: DType): Expression {
    return this.make(dtype === 'bool' ? 'truth' : 'sample', [], { input, element, dtype });
  }

  flag(input: number, element: number): Expression {
    return this.make('flag', [], { input, element });
  }

  number(value: number): Expression {
    return this.make('number', [], { value });
  }

  boolean(value: boolean): Expression {
    return this.make('boolean', [], { value: Number(value) });
  }

  unary(op: UnaryOp, x: Expression): Expression {
    return this.make(op, [x]);
  }

  add(x: Expression, y: Expression): Expression {
    return this.make('add', [x, y]);
  }

  sub(x: Expression, y: Expression): Expression {
    return this.make('sub', [x, y]);
  }

  mul(x: Expression, y: Expression): Expression {
    return this.make('mul', [x, y]);
  }

  div(x: Expression, y: Expression): Expression {
    return this.make('div', [x, y]);
  }

  binary(op: BinaryOp, x: Expression, y: Expression): Expression {
    return this.make(op, [x, y]);
  }

  compare(op: Relation, x: Expression, y: Expression): Expression {
    return this.make(op, [x, y]);
  }

  isNaN(x: Expression): Expression {
    return this.make('ne', [x, x]);
  }

  /** x − x is 0 for all but NaN and the infinite numbers. */
  isFinite(x: Expression): Expression {
    return this.compare('eq', this.sub(x, x), this.number(0));
  }

  not(x: Expression): Expression {
    if (x.op === 'boolean') return this.boolean(x.value === 0);
    return x.op === 'not' ? x.args[0]! : this.make('not', [x]);
  }

  and(x: Expression, y: Expression): Expression {
    if (x.op === 'boolean') return x.value === 1 ? y : x;
    if (y.op === 'boolean') return y.value === 1 ? x : y;
    return x === y ? x : this.make('and', [x, y]);
  }

  or(x: Expression, y: Expression): Expression {
    if (x.op === 'boolean') return x.value === 1 ? x : y;
    if (y.op === 'boolean') return y.value === 1 ? y : x;
    return x === y ? x : this.make('or', [x, y]);
  }

  xor(x: Expression, y: Expression): Expression {
    return this.make('xor', [x, y]);
  }

  choose(condition: Expression, x: Expression, y: Expression): Expression {
    if (condition.op === 'boolean') return condition.value === 1 ? x : y;
    return x === y ? x : this.make('choose', [condition, x, y]);
  }

  /** The number as it comes back from a float32. */
  stored(x: Expression): Expression {
    return x.op === 'stored' ? x : this.make('stored', [x]);
  }

  count(conditions: readonly Expression[]): Expression {
    return this.make('count', conditions);
  }

  /** A statistic of a series; `flags` says which of the items are no-data. */
  ofSeries(op: 'median' | 'quantile', items: readonly Expression[], flags: readonly Expression[], value = 0): Expression {
    return this.make(op, [...items, ...flags], { value });
  }

  /** Whether any of the flags is set; null: none ever is. */
  any(flags: readonly (Expression | null)[]): Expression | null {
    return flags.reduce((a, b) => (a === null ? b : b === null ? a : this.or(a, b)), null);
  }
}

/** Rebuilds an expression with its leaves (sample, flag, truth) replaced. */
export function substitute(made: Expressions, leafOf: (leaf: Expression) => Expression): (root: Expression) => Expression {
  const done = new Map<Expression, Expression>();
  const rebuild = (old: Expression): Expression => {
    const known = done.get(old);
    if (known) return known;
    const isLeaf = old.op === 'sample' || old.op === 'flag' || old.op === 'truth';
    const fresh = isLeaf ? leafOf(old) : made.make(old.op, old.args.map(rebuild), old);
    done.set(old, fresh);
    return fresh;
  };
  return rebuild;
}
