/**
 * How processes write themselves for SIMD lanes.
 *
 * The counterpart of emit.ts: an emitter gets operands for the parameters of its process and gives the operand
 * that holds the result, as expressions instead of JavaScript. It is asked only after the process has been
 * written as JavaScript, so wrong arguments have been refused by then; what it can't write (`giveUp`) runs as
 * JavaScript. Both must give the same bits.
 */
import type { DType } from '../../cube/dtype.ts';
import type { Label } from '../../cube/dimension.ts';
import type { ConstantOperand, ScalarType } from '../emit.ts';
import type { Graph } from '../graph.ts';
import type { Call } from '../process.ts';
import type { Value } from '../value.ts';
import type { Expression, Expressions } from './expression.ts';

/** One value per cell. */
export interface LaneScalar {
  readonly kind: 'scalar';
  readonly type: ScalarType;
  /** What the value can be stored in without loss. */
  readonly dtype: DType;
  /** Anything where isNull holds. */
  readonly value: Expression;
  /** Whether it is no-data; null: it never is. */
  readonly isNull: Expression | null;
  /** Set for a literal: it adapts to the type of what it is combined with. */
  readonly literal?: number | boolean | null;
}

/** An array per cell, of the same length in all cells. */
export interface LaneArray {
  readonly kind: 'array';
  readonly type: ScalarType;
  readonly dtype: DType;
  readonly labels: readonly Label[] | null;
  readonly elements: readonly LaneScalar[];
}

export interface LaneCallback {
  readonly kind: 'callback';
  readonly graph: Graph;
  readonly environment: ReadonlyMap<string, LaneOperand>;
  readonly call: Call;
}

export type LaneOperand = ConstantOperand | LaneScalar | LaneArray | LaneCallback;
export type LaneOperands = Readonly<Record<string, LaneOperand | undefined>>;
export type LaneEmitter = (operands: LaneOperands, code: LaneCode) => LaneOperand;

export interface LaneCode {
  /** Makes expressions. */
  readonly make: Expressions;
  /** Of the node that is being written. */
  readonly call: Call;
  number(operands: LaneOperands, name: string): LaneScalar;
  boolean(operands: LaneOperands, name: string): LaneScalar;
  /** A number or a boolean, whichever is given; null is taken for a number. */
  single(operand: LaneOperand | undefined): LaneScalar;
  array(operands: LaneOperands, name: string): LaneArray;
  known(operands: LaneOperands, name: string): Value | undefined;
  inline(callback: LaneCallback, parameters: Readonly<Record<string, LaneOperand>>): LaneOperand;
  giveUp(why: string): never;
}

export function laneScalar(dtype: DType, value: Expression, isNull: Expression | null): LaneScalar {
  return { kind: 'scalar', type: value.type, dtype, value, isNull: isNull?.op === 'boolean' && isNull.value === 0 ? null : isNull };
}
