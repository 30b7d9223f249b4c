/** How processes that map numbers to a number are written once for the interpreter and once as code. */
import { anyNull, type Emitter } from '../graph/emit.ts';
import type { Implementation } from '../graph/process.ts';
import { arithmeticOf } from '../graph/result-dtype.ts';
import { numberOf } from './arguments.ts';

/**
 * A function of numbers; no-data when any argument is. `code` is the same function as an expression of
 * its operands; without it the compiled loop calls the function.
 */
export function numeric(names: readonly string[], f: (...x: number[]) => number, code?: (...x: string[]) => string): Implementation {
  return {
    run: (args, call) => {
      const values = names.map((name) => numberOf(args, name, call));
      return values.includes(null) ? null : f(...values as number[]);
    },
    emit: emitNumeric(names, f, code),
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
