/**
 * How processes write themselves as code.
 *
 * An emitter gets operands for the parameters of its process and returns the operand that holds the
 * result, adding statements to the loop body on the way. It writes JavaScript from numbers and from the
 * names that `Code` hands out, never from strings of the client: those go through `constant`. An emitter
 * that can't write a case (`giveUp`) sends the whole callback to the interpreter, which is slow and right.
 */
import type { DType } from '../cube/dtype.ts';
import type { Label } from '../cube/dimension.ts';
import type { Graph } from './graph.ts';
import type { Call } from './process.ts';
import type { Value } from './value.ts';

export type ScalarType = 'number' | 'boolean';

/** Known before the loop runs. */
export interface ConstantOperand {
  readonly kind: 'constant';
  readonly value: Value;
}

/** One value per cell. */
export interface ScalarOperand {
  readonly kind: 'scalar';
  readonly type: ScalarType;
  /** What the value can be stored in without loss. */
  readonly dtype: DType;
  /** A name or a literal, cheap and free of effects. Holds anything when null. */
  readonly value: string;
  /** A name or literal that is 1 for no-data and 0 otherwise; null: never no-data. */
  readonly isNull: string | null;
  /** Set for a literal: it adapts to the type of what it is combined with. */
  readonly literal?: number | boolean | null;
}

/** An array per cell. */
export interface ArrayOperand {
  readonly kind: 'array';
  readonly type: ScalarType;
  readonly dtype: DType;
  /** The number of elements; the largest possible one when `count` is given. */
  readonly length: number;
  /** Name that holds the number of elements of the cell when it differs from cell to cell. */
  readonly count: string | null;
  readonly labels: readonly Label[] | null;
  /** False: no element is ever no-data. */
  readonly isNullable: boolean;
  /** Present when the elements are known one by one, e.g. for [{"from_node": "a"}, 1]. */
  readonly elements?: readonly ScalarOperand[];
  /** The element at an index, which is a number or the name of one. Adds statements. */
  readonly at: (index: string | number) => ScalarOperand;
  /** A better loop over all elements than one with `at`. */
  readonly each?: (body: (element: ScalarOperand, index: string) => void) => void;
  /**
   * Present when the elements are samples of up to 32 bits, as they are stored: names an int32 that orders
   * like the element at a known index (NaN at either end).
   */
  readonly keyAt?: (index: number) => { readonly key: string; readonly isNull: string | null };
}

/** A callback inside the callback, with what its parent's parameters and its surroundings hold. */
export interface CallbackOperand {
  readonly kind: 'callback';
  readonly graph: Graph;
  readonly environment: ReadonlyMap<string, Operand>;
  /** Of the node the callback was given to. */
  readonly call: Call;
}

export interface NewArray {
  readonly type: ScalarType;
  readonly dtype: DType;
  readonly length: number;
  readonly isFull: boolean;
  readonly labels?: readonly Label[] | null;
}

export type Operand = ConstantOperand | ScalarOperand | ArrayOperand | CallbackOperand;

export type Operands = Readonly<Record<string, Operand | undefined>>;

export type Emitter = (operands: Operands, code: Code) => Operand;

/** Thrown by `giveUp`; the compiler then falls back to the interpreter. */
export class NotCompilable extends Error {}

/** The body of the loop over cells, as far as it has been written. */
export interface Code {
  /** Of the node that is being written; the scope in it must not be used. */
  readonly call: Call;
  /** Names the value of an expression. */
  local(expression: string): string;
  /** Names a value and its no-data flag: a new scalar. */
  scalar(type: ScalarType, dtype: DType, expression: string, isNull: string | null): ScalarOperand;
  /** Names an expression of `o` and `inner` only, which is the same for many cells. */
  hoisted(expression: string): string;
  /** A variable that `line` may assign to. */
  variable(initial: string): string;
  line(statement: string): void;
  /** `for` over 0 … count−1; the body gets the name of the index. */
  loop(count: string | number, body: (index: string) => void): void;
  branch(condition: string, then: () => void, otherwise?: () => void): void;
  /** A name for an object that the code uses, e.g. a function or a table. */
  constant(value: unknown): string;
  /** A name for a Float64Array that lives as long as the kernel. */
  scratch(length: number): string;

  /** The operand as a number or boolean; throws ProcessParameterInvalid when it is something else. */
  number(operands: Operands, name: string): ScalarOperand;
  boolean(operands: Operands, name: string): ScalarOperand;
  /** The operand as an array; an array of constants becomes a table. */
  array(operands: Operands, name: string): ArrayOperand;
  /** An array of numbers. */
  numbers(operands: Operands, name: string): ArrayOperand;
  /** An array of booleans. */
  booleans(operands: Operands, name: string): ArrayOperand;
  /** The value of an operand that must be known before the loop runs, e.g. ignore_nodata. */
  known(operands: Operands, name: string): Value | undefined;
  /** Elements of a cell's array one after the other. */
  each(array: ArrayOperand, body: (element: ScalarOperand, index: string) => void): void;
  /** Writes the body of a callback for the given parameters. */
  inline(callback: CallbackOperand, parameters: Readonly<Record<string, Operand>>): Operand;
  /** An array of elements that are known one by one. */
  tuple(elements: readonly ScalarOperand[], labels?: readonly Label[] | null): ArrayOperand;
  /**
   * A new array of at most `length` elements: `fill` gets a function that appends one. `isFull`: every
   * cell's array has exactly `length` elements.
   */
  collect(shape: NewArray, fill: (append: (element: ScalarOperand) => void) => void): ArrayOperand;
  /** A single value; of the given type when it is literally no-data. Arrays give up. */
  asScalar(operand: Operand, type?: ScalarType): ScalarOperand;
  /** Writes code and throws it away, to learn what it would give. */
  dryRun<T>(write: () => T): T;
  giveUp(why: string): never;
}

/** The no-data flag of a value that is no-data when any of the operands is. */
export function anyNull(...operands: readonly ScalarOperand[]): string | null {
  const flags = operands.flatMap((o) => (o.isNull === null ? [] : [o.isNull]));
  return flags.length === 0 ? null : [...new Set(flags)].join(' | ');
}
