/** Category comparison. A comparison with no-data is no-data; with NaN it follows IEEE 754. */
import { anyNull, type Code, type Emitter, type Operand, type Operands, type ScalarOperand } from '../graph/emit.ts';
import type { Call, Implementation } from '../graph/process.ts';
import type { Arguments, Value } from '../graph/value.ts';
import { booleanOf, isSet, numberOf } from './arguments.ts';

/** x equals y as eq() sees it, types strictly told apart; null when either is no-data. */
export function isEqual(x: Value, y: Value, delta: number | null = null, caseSensitive = true): boolean | null {
  if (x === null || y === null) return null;
  if (typeof x === 'number' && typeof y === 'number') return delta === null ? x === y : Math.abs(x - y) <= delta;
  if (typeof x === 'string' && typeof y === 'string') return caseSensitive ? x === y : x.toLowerCase() === y.toLowerCase();
  return typeof x === typeof y && typeof x === 'boolean' && x === y;
}

function equal(args: Arguments, call: Call): boolean | null {
  const caseSensitive = booleanOf(args, 'case_sensitive', call) !== false;
  return isEqual(args['x'] ?? null, args['y'] ?? null, numberOf(args, 'delta', call), caseSensitive);
}

const emitEqual = (negate: boolean): Emitter => (operands, code) => {
  const delta = code.known(operands, 'delta') ?? null;
  if (delta !== null && typeof delta !== 'number') return code.giveUp('delta is no number');
  const [x, y] = [comparable(operands['x'], code), comparable(operands['y'], code)];
  const same = x.type !== y.type ? 'false' : delta === null || x.type === 'boolean' ? `${x.value} === ${y.value}` : `Math.abs(${x.value} - ${y.value}) <= ${delta}`;
  return code.scalar('boolean', 'bool', negate ? `!(${same})` : same, anyNull(x, y));
};

/** Numbers and booleans; strings are left to the interpreter, unless everything is known and folded anyway. */
function comparable(operand: Operand | undefined, code: Code): ScalarOperand {
  if (operand?.kind === 'scalar') return operand;
  const value = operand?.kind === 'constant' ? operand.value : code.giveUp('only single values are compared');
  if (typeof value === 'boolean') return code.boolean({ value: operand! }, 'value');
  return value === null || typeof value === 'number' ? code.number({ value: operand! }, 'value') : code.giveUp('a string is compared');
}

const eq: Implementation = { run: equal, emit: emitEqual(false) };

const neq: Implementation = {
  run: (args, call) => {
    const result = equal(args, call);
    return result === null ? null : !result;
  },
  emit: emitEqual(true),
};

/** Order of two numbers; false for other types. */
function ordering(compare: (x: number, y: number) => boolean, operator: string): Implementation {
  return {
    run: (args) => {
      const [x, y] = [args['x'] ?? null, args['y'] ?? null];
      if (x === null || y === null) return null;
      return typeof x === 'number' && typeof y === 'number' && compare(x, y);
    },
    emit: (operands, code) => {
      const [x, y] = [comparable(operands['x'], code), comparable(operands['y'], code)];
      const isNumeric = x.type === 'number' && y.type === 'number';
      return code.scalar('boolean', 'bool', isNumeric ? `${x.value} ${operator} ${y.value}` : 'false', anyNull(x, y));
    },
  };
}

const between: Implementation = {
  run: (args, call) => {
    const [min, max] = [numberOf(args, 'min', call), numberOf(args, 'max', call)];
    const x = args['x'] ?? null;
    if (x === null || min === null || max === null) return null;
    return typeof x === 'number' && x >= min && (isSet(args, 'exclude_max') ? x < max : x <= max);
  },
  emit: (operands, code) => {
    const x = comparable(operands['x'], code);
    const [min, max] = [code.number(operands, 'min'), code.number(operands, 'max')];
    const operator = code.known(operands, 'exclude_max') === true ? '<' : '<=';
    const expression = x.type === 'number' ? `${x.value} >= ${min.value} && ${x.value} ${operator} ${max.value}` : 'false';
    return code.scalar('boolean', 'bool', expression, anyNull(x, min, max));
  },
};

/** A test that any value passes or fails, no-data included. */
function test(run: (x: Value) => boolean, emit: (x: ScalarOperand) => string): Implementation {
  const single = (operands: Operands, code: Code) => comparable(operands['x'], code);
  return {
    run: (args) => run(args['x'] ?? null),
    emit: (operands, code) => code.scalar('boolean', 'bool', emit(single(operands, code)), null),
  };
}

const isValidNumber = (x: Value) => x !== null && (typeof x !== 'number' || Number.isFinite(x));
const notNull = (x: ScalarOperand) => (x.isNull === null ? '' : `!(${x.isNull}) && `);

/** True for everything but no-data, NaN and the infinite numbers; see is_valid. */
export const isValid: (x: Value) => boolean = isValidNumber;

export const comparison: Record<string, Implementation> = {
  between,
  eq,
  gt: ordering((x, y) => x > y, '>'),
  gte: ordering((x, y) => x >= y, '>='),
  is_infinite: test((x) => x === Infinity || x === -Infinity, (x) => (x.type === 'number' ? `${notNull(x)}(${x.value} === Infinity || ${x.value} === -Infinity)` : 'false')),
  is_nan: test((x) => Number.isNaN(x), (x) => (x.type === 'number' ? `${notNull(x)}${x.value} !== ${x.value}` : 'false')),
  is_nodata: test((x) => x === null, (x) => (x.isNull === null ? 'false' : `(${x.isNull}) !== 0`)),
  is_valid: test(isValidNumber, (x) => `${notNull(x)}${x.type === 'number' ? `${x.value} - ${x.value} === 0` : 'true'}`),
  lt: ordering((x, y) => x < y, '<'),
  lte: ordering((x, y) => x <= y, '<='),
  neq,
};
