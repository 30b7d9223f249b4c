/** Builds the expressions of a callback. See lane-code.ts for what the methods promise. */
import { NotCompilable, type ConstantOperand, type ScalarType } from '../emit.ts';
import type { Graph } from '../graph.ts';
import type { Process, Call } from '../process.ts';
import { dtypeOfNumber, selectionOf } from '../result-dtype.ts';
import { LabeledArray, type Value } from '../value.ts';
import { writeGraph, type Target } from '../walk.ts';
import { Expressions } from './expression.ts';
import type { LaneArray, LaneCallback, LaneCode, LaneOperand, LaneOperands, LaneScalar } from './lane-code.ts';

export class LaneWriter implements LaneCode, Target<LaneScalar | LaneArray | LaneCallback> {
  readonly make = new Expressions();
  #call: Call | null = null;

  get call(): Call {
    return this.#call!;
  }

  write(process: Process, operands: LaneOperands, call: Call): LaneOperand {
    const outer = this.#call;
    this.#call = call;
    try {
      return process.lanes ? process.lanes(operands, this) : this.giveUp(`${process.description.id} has no lanes`);
    } finally {
      this.#call = outer;
    }
  }

  callback(graph: Graph, environment: ReadonlyMap<string, LaneOperand>, call: Call): LaneCallback {
    return { kind: 'callback', graph, environment, call };
  }

  tuple(items: readonly LaneOperand[]): LaneArray {
    return this.arrayOf(items.map((item) => this.single(item)), null);
  }

  inline(callback: LaneCallback, parameters: Readonly<Record<string, LaneOperand>>): LaneOperand {
    const environment = new Map(callback.environment);
    for (const { name, default: value } of callback.graph.parameters) environment.set(name, { kind: 'constant', value: (value ?? null) as Value });
    for (const [name, operand] of Object.entries(parameters)) environment.set(name, operand);
    return writeGraph<LaneScalar | LaneArray | LaneCallback>(this, callback.graph, environment, callback.call);
  }

  number(operands: LaneOperands, name: string): LaneScalar {
    return this.#typed(operands[name], 'number');
  }

  boolean(operands: LaneOperands, name: string): LaneScalar {
    return this.#typed(operands[name], 'boolean');
  }

  single(operand: LaneOperand | undefined): LaneScalar {
    if (operand?.kind === 'scalar') return operand;
    if (operand && operand.kind !== 'constant') return this.giveUp('it is no single value');
    return this.#literal(operand?.value ?? null, 'number');
  }

  array(operands: LaneOperands, name: string): LaneArray {
    const operand = operands[name];
    if (operand?.kind === 'array') return operand;
    if (operand?.kind !== 'constant') return this.giveUp('it is no array');
    return this.#constantArray(operand);
  }

  known(operands: LaneOperands, name: string): Value | undefined {
    const operand = operands[name];
    if (operand === undefined) return undefined;
    if (operand.kind === 'constant') return operand.value;
    return operand.kind === 'scalar' && operand.literal !== undefined ? operand.literal : this.giveUp(`${name} differs from cell to cell`);
  }

  giveUp(why: string): never {
    throw new NotCompilable(why);
  }

  arrayOf(elements: readonly LaneScalar[], labels: LaneArray['labels']): LaneArray {
    const type = elements.find((e) => e.literal !== null)?.type ?? elements[0]?.type ?? 'number';
    const alike = elements.map((e) => (e.literal === null ? this.#literal(null, type) : e));
    if (alike.some((e) => e.type !== type)) return this.giveUp('an array of mixed types');
    return { kind: 'array', type, dtype: type === 'boolean' ? 'bool' : selectionOf(alike), labels, elements: alike };
  }

  #typed(operand: LaneOperand | undefined, type: ScalarType): LaneScalar {
    const given: LaneOperand = operand ?? { kind: 'constant', value: null };
    if (given.kind === 'scalar' && given.type === type) return given;
    if (given.kind === 'scalar' && given.literal === null) return this.#literal(null, type);
    return given.kind === 'constant' && (given.value === null || typeof given.value === type) ? this.#literal(given.value, type) : this.giveUp(`it is no ${type}`);
  }

  #literal(value: Value, type: ScalarType): LaneScalar {
    const { make } = this;
    if (typeof value === 'boolean') return { kind: 'scalar', type: 'boolean', dtype: 'bool', value: make.boolean(value), isNull: null, literal: value };
    if (typeof value === 'number') return { kind: 'scalar', type: 'number', dtype: dtypeOfNumber(value), value: make.number(value), isNull: null, literal: value };
    if (value !== null) return this.giveUp('it is neither a number nor a boolean');
    const isBoolean = type === 'boolean';
    return { kind: 'scalar', type, dtype: isBoolean ? 'bool' : 'uint8', value: isBoolean ? make.boolean(false) : make.number(0), isNull: make.boolean(true), literal: null };
  }

  #constantArray({ value }: ConstantOperand): LaneArray {
    const values = value instanceof LabeledArray ? value.values : Array.isArray(value) ? value as readonly Value[] : this.giveUp('it is no array');
    return this.arrayOf(values.map((v) => this.#literal(v, 'number')), value instanceof LabeledArray ? value.labels : null);
  }
}
