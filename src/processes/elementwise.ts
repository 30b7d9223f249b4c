/** How processes that map numbers to a number are written once for the interpreter and once as code. */
import { anyNull, type Emitter } from '../graph/emit.ts';
import type { Expression, Expressions } from '../graph/lanes/expression.ts';
import { laneScalar, type LaneCode, type LaneEmitter, type LaneOperands } from '../graph/lanes/lane-code.ts';
import type { Implementation } from '../graph/process.ts';
import { arithmeticOf } from '../graph/result-dtype.ts';
import { numberOf } from './arguments.ts';

/** The same function in lanes: from expressions of its arguments to one of its result. */
export type Lanes = (make: Expressions, ...x: Expression[]) => Expression;

/**
 * A function of numbers; no-data when any argument is. `code` is the same function as an expression of
 * its operands; without it the compiled loop calls the function.
 */
export function numeric(names: readonly string[], f: (...x: number[]) => number, code?: (...x: string[]) => string, lanes?: Lanes): Implementation {
  return {
    run: (args, call) => {
      const values = names.map((name) => numberOf(args, name, call));
      return values.includes(null) ? null : f(...values as number[]);
    },
    emit: emitNumeric(names, f, code),
    ...(lanes && { lanes: numericLanes(names, lanes) }),
  };
}

function emitNumeric(names: readonly string[], f: (...x: number[]) => number, code?: (...x: string[]) => string): Emitter {
  return (operands, target) => {
    const values = names.map((name) => target.number(operands, name));
    const inputs = values.map((v) => v.value);
    const expression = code ? code(...inputs) : `${target.constant(f)}(${inputs.join(', ')})`;
    return target.scalar('number', arithmeticOf(values), expression, anyNull(...values));
  };
}

function numericLanes(names: readonly string[], lanes: Lanes): LaneEmitter {
  return (operands: LaneOperands, code: LaneCode) => {
    const values = names.map((name) => code.number(operands, name));
    return laneScalar(arithmeticOf(values), lanes(code.make, ...values.map((v) => v.value)), code.make.any(values.map((v) => v.isNull)));
  };
}
