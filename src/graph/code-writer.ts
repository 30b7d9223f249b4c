/** Writes the body of the loop over cells. See emit.ts for what the methods promise. */
import type { Label } from '../cube/dimension.ts';
import type { DType } from '../cube/dtype.ts';
import { invalidArgument } from '../errors.ts';
import { tooManySteps } from './steps.ts';
import {
  NotCompilable, type ArrayOperand, type CallbackOperand, type Code, type NewArray, type Operand, type Operands, type ScalarOperand, type ScalarType,
} from './emit.ts';
import { constantElements, describeOperand, literalOperand, scalarOf, tupleOf } from './operands.ts';
import type { Call } from './process.ts';
import type { Value } from './value.ts';

/** Written-out loops must not grow without bounds; what is longer is interpreted. */
const MAX_LINES = 20_000;
/** What is written to learn its type and thrown away counts too: it doubles with every callback inside of a callback. */
const MAX_NAMES = 40_000;
/** Statements that run for one cell. Beyond it a block would keep a worker busy for hours, and nobody could stop it. */
const MAX_STATEMENTS_PER_CELL = 2e7;
/** More for arrays that are long themselves, as the pixels of a large polygon are: what grows with the data is no loop inside of a loop. */
const MAX_STATEMENTS_PER_SAMPLE = 100;
/** Constant arrays up to this length are written as literals, longer ones are tables. */
const MAX_LITERALS = 64;

export type InlineGraph = (callback: CallbackOperand, parameters: Readonly<Record<string, Operand>>) => Operand;

export class CodeWriter implements Code {
  /** Objects that the code refers to as c0, c1, … */
  readonly constants: unknown[] = [];
  readonly #hoisted = new Map<string, string>();
  #lines: string[] = [];
  #names = 0;
  #statements = 0;
  /** How often for one cell the statements run that are being written. */
  #times = 1;
  #call: Call | null = null;
  readonly #inline: InlineGraph;
  readonly #limit: number;

  /** @param longest length of the longest array among the inputs */
  constructor(inline: InlineGraph, longest = 0) {
    this.#inline = inline;
    this.#limit = Math.max(MAX_STATEMENTS_PER_CELL, MAX_STATEMENTS_PER_SAMPLE * longest);
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  /** Statements before the loop over the cells of one outer index. */
  get preamble(): string {
    return [...this.#hoisted].map(([expression, name]) => `const ${name} = ${expression};`).join('\n');
  }

  get call(): Call {
    return this.#call!;
  }

  /** Runs `write` as the work of a node. */
  within<T>(call: Call, write: () => T): T {
    const outer = this.#call;
    this.#call = call;
    try {
      return write();
    } finally {
      this.#call = outer;
    }
  }

  line(statement: string): void {
    if (this.#lines.push(statement) > MAX_LINES) this.giveUp('the code is too long');
    this.#statements += this.#times;
    if (this.#statements > this.#limit) throw tooManySteps();
  }

  local(expression: string): string {
    const name = this.#name();
    this.line(`const ${name} = ${expression};`);
    return name;
  }

  hoisted(expression: string): string {
    const name = this.#hoisted.get(expression) ?? this.#name();
    this.#hoisted.set(expression, name);
    return name;
  }

  variable(initial: string): string {
    const name = this.#name();
    this.line(`let ${name} = ${initial};`);
    return name;
  }

  scalar(type: ScalarType, dtype: DType, expression: string, isNull: string | null): ScalarOperand {
    const value = this.local(expression);
    const isName = isNull === null || /^(v\d+|0|1)$/.test(isNull);
    return { kind: 'scalar', type, dtype, value, isNull: isName ? isNull : this.local(isNull) };
  }

  loop(count: string | number, body: (index: string) => void): void {
    const index = this.#name();
    this.line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`);
    this.#repeated(typeof count === 'number' ? count : 1, () => body(index));
    this.line('}');
  }

  branch(condition: string, then: () => void, otherwise?: () => void): void {
    this.line(`if (${condition}) {`);
    then();
    if (otherwise) {
      this.line('} else {');
      otherwise();
    }
    this.line('}');
  }

  constant(value: unknown): string {
    const known = this.constants.indexOf(value);
    return `c${known >= 0 ? known : this.constants.push(value) - 1}`;
  }

  scratch(length: number): string {
    return this.constant(new Float64Array(length));
  }

  number(operands: Operands, name: string): ScalarOperand {
    return scalarOf(operands[name], 'number', this.#process, name);
  }

  boolean(operands: Operands, name: string): ScalarOperand {
    return scalarOf(operands[name], 'boolean', this.#process, name);
  }

  array(operands: Operands, name: string): ArrayOperand {
    return this.#array(operands, name, 'number');
  }

  numbers(operands: Operands, name: string): ArrayOperand {
    return this.#arrayOf(operands, name, 'number');
  }

  booleans(operands: Operands, name: string): ArrayOperand {
    return this.#arrayOf(operands, name, 'boolean');
  }

  known(operands: Operands, name: string): Value | undefined {
    const operand = operands[name];
    if (operand === undefined) return undefined;
    if (operand.kind === 'constant') return operand.value;
    return operand.kind === 'scalar' && operand.literal !== undefined ? operand.literal : this.giveUp(`${name} differs from cell to cell`);
  }

  each(array: ArrayOperand, body: (element: ScalarOperand, index: string) => void): void {
    if (array.elements) array.elements.forEach((element, i) => body(element, String(i)));
    else if (array.each) array.each((element, index) => this.#repeated(array.length, () => body(element, index)));
    else if (array.count === null) this.loop(array.length, (index) => body(array.at(index), index));
    else this.#repeated(array.length, () => this.loop(array.count!, (index) => body(array.at(index), index)));
  }

  #repeated(times: number, write: () => void): void {
    const outer = this.#times;
    this.#times *= Math.max(1, times);
    write();
    this.#times = outer;
  }

  inline(callback: CallbackOperand, parameters: Readonly<Record<string, Operand>>): Operand {
    return this.#inline(callback, parameters);
  }

  tuple(elements: readonly ScalarOperand[], labels: readonly Label[] | null = null): ArrayOperand {
    return tupleOf(elements, labels);
  }

  collect({ type, dtype, length, isFull, labels = null }: NewArray, fill: (append: (element: ScalarOperand) => void) => void): ArrayOperand {
    const values = this.scratch(length);
    const nulls = this.constant(new Uint8Array(length));
    const next = this.variable('0');
    let isNullable = false;
    fill((element) => {
      isNullable ||= element.isNull !== null;
      this.line(`${values}[${next}] = ${type === 'boolean' ? `${element.value} ? 1 : 0` : element.value}; ${nulls}[${next}] = ${element.isNull ?? '0'}; ${next} += 1;`);
    });
    return {
      kind: 'array', type, dtype, length, labels, isNullable, count: isFull ? null : next,
      at: (index) => this.scalar(type, dtype, `${values}[${index}]${type === 'boolean' ? ' !== 0' : ''}`, isNullable ? `${nulls}[${index}]` : null),
    };
  }

  asScalar(operand: Operand, type: ScalarType = 'number'): ScalarOperand {
    if (operand.kind === 'scalar') return operand.literal === null ? literalOperand(null, type) : operand;
    if (operand.kind !== 'constant' || (operand.value !== null && typeof operand.value !== 'number' && typeof operand.value !== 'boolean')) {
      return this.giveUp('the callback gives neither a number nor a boolean');
    }
    return literalOperand(operand.value, type);
  }

  dryRun<T>(write: () => T): T {
    const kept = this.#lines;
    this.#lines = [];
    try {
      return write();
    } finally {
      this.#lines = kept;
    }
  }

  giveUp(why: string): never {
    throw new NotCompilable(why);
  }

  get #process(): string {
    return this.#call?.path.at(-1)?.process_id ?? 'process';
  }

  #name(): string {
    if (this.#names > MAX_NAMES) this.giveUp('the code is too long');
    return `v${this.#names++}`;
  }

  #arrayOf(operands: Operands, name: string, type: ScalarType): ArrayOperand {
    const array = this.#array(operands, name, type);
    if (array.type === type || array.length === 0) return array;
    throw invalidArgument(this.#process, name, `its elements must be ${type}s, not ${array.type}s`);
  }

  #array(operands: Operands, name: string, type: ScalarType): ArrayOperand {
    const operand = operands[name] ?? { kind: 'constant', value: null };
    if (operand.kind === 'array') return operand;
    const constant = operand.kind === 'constant' ? constantElements(operand.value, type) : null;
    if (!constant) throw invalidArgument(this.#process, name, `it must be an array, not ${describeOperand(operand)}`);
    const { elements, labels } = constant;
    return elements.length <= MAX_LITERALS ? tupleOf(elements, labels) : this.#table(elements, labels);
  }

  #table(elements: readonly ScalarOperand[], labels: readonly Label[] | null): ArrayOperand {
    const { type, dtype, isNullable } = tupleOf(elements, labels);
    const values = this.constant(Float64Array.from(elements, (e) => Number(e.literal)));
    const nulls = this.constant(Uint8Array.from(elements, (e) => (e.literal === null ? 1 : 0)));
    return {
      kind: 'array', type, dtype, length: elements.length, count: null, labels, isNullable,
      at: (index) => this.scalar(type, dtype, `${values}[${index}]${type === 'boolean' ? ' !== 0' : ''}`, isNullable ? `${nulls}[${index}]` : null),
    };
  }
}
