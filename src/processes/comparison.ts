/** Category comparison. A comparison with no-data is no-data; with NaN it follows IEEE 754. */
import { anyNull, type Code, type Emitter, type Operand, type Operands, type ScalarOperand } from '../graph/emit.ts';
import type { Expression, Expressions, Relation } from '../graph/lanes/expression.ts';
import { laneScalar, type LaneEmitter, type LaneScalar } from '../graph/lanes/lane-code.ts';
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

const equalLanes = (negate: boolean): LaneEmitter => (operands, code) => {
  const { make } = code;
  const delta = code.known(operands, 'delta') ?? null;
  if (delta !== null && typeof delta !== 'number') return code.giveUp('delta is no number');
  const [x, y] = [code.single(operands['x']), code.single(operands['y'])];
  const same = sameLanes(make, x, y, delta);
  return laneScalar('bool', negate ? make.not(same) : same, make.any([x.isNull, y.isNull]));
};

function sameLanes(make: Expressions, x: LaneScalar, y: LaneScalar, delta: number | null): Expression {
  if (x.type !== y.type) return make.boolean(false);
  if (x.type === 'boolean') return make.not(make.xor(x.value, y.value));
  if (delta === null) return make.compare('eq', x.value, y.value);
  return make.compare('le', make.unary('abs', make.sub(x.value, y.value)), make.number(delta));
}

/** Numbers and booleans; strings are left to the interpreter, unless everything is known and folded anyway. */
function comparable(operand: Operand | undefined, code: Code): ScalarOperand {
  if (operand?.kind === 'scalar') return operand;
  const value = operand?.kind === 'constant' ? operand.value : code.giveUp('only single values are compared');
  if (typeof value === 'boolean') return code.boolean({ value: operand! }, 'value');
  return value === null || typeof value === 'number' ? code.number({ value: operand! }, 'value') : code.giveUp('a string is compared');
}

const eq: Implementation = { run: equal, emit: emitEqual(false), lanes: equalLanes(false) };

const neq: Implementation = {
  run: (args, call) => {
    const result = equal(args, call);
    return result === null ? null : !result;
  },
  emit: emitEqual(true),
  lanes: equalLanes(true),
};

/** Order of two numbers; false for other types. */
function ordering(compare: (x: number, y: number) => boolean, operator: string, relation: Relation): Implementation {
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
    lanes: (operands, code) => {
      const { make } = code;
      const [x, y] = [code.single(operands['x']), code.single(operands['y'])];
      const isNumeric = x.type === 'number' && y.type === 'number';
      return laneScalar('bool', isNumeric ? make.compare(relation, x.value, y.value) : make.boolean(false), make.any([x.isNull, y.isNull]));
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
  lanes: (operands, code) => {
    const { make } = code;
    const [x, min, max] = [code.single(operands['x']), code.number(operands, 'min'), code.number(operands, 'max')];
    const below = make.compare(code.known(operands, 'exclude_max') === true ? 'lt' : 'le', x.value, max.value);
    const isInside = x.type === 'number' ? make.and(make.compare('ge', x.value, min.value), below) : make.boolean(false);
    return laneScalar('bool', isInside, make.any([x.isNull, min.isNull, max.isNull]));
  },
};

/** A test that any value passes or fails, no-data included. */
function test(run: (x: Value) => boolean, emit: (x: ScalarOperand) => string, lanes: (make: Expressions, x: LaneScalar) => Expression): Implementation {
  const single = (operands: Operands, code: Code) => comparable(operands['x'], code);
  return {
    run: (args) => run(args['x'] ?? null),
    emit: (operands, code) => code.scalar('boolean', 'bool', emit(single(operands, code)), null),
    lanes: (operands, code) => laneScalar('bool', lanes(code.make, code.single(operands['x'])), null),
  };
}

/** The condition, and that the value is no no-data; false for booleans. */
const number = (condition: (make: Expressions, x: Expression) => Expression) => (make: Expressions, { type, value, isNull }: LaneScalar): Expression => {
  const holds = type === 'number' ? condition(make, value) : make.boolean(false);
  return isNull === null ? holds : make.and(make.not(isNull), holds);
};

/** Not no-data, not NaN and not infinite. */
export function validLanes(make: Expressions, { type, value, isNull }: LaneScalar): Expression {
  const isFinite = type === 'number' ? make.isFinite(value) : make.boolean(true);
  return isNull === null ? isFinite : make.and(make.not(isNull), isFinite);
}

const isValidNumber = (x: Value) => x !== null && (typeof x !== 'number' || Number.isFinite(x));
const notNull = (x: ScalarOperand) => (x.isNull === null ? '' : `!(${x.isNull}) && `);

/** True for everything but no-data, NaN and the infinite numbers; see is_valid. */
export const isValid: (x: Value) => boolean = isValidNumber;

export const comparison: Record<string, Implementation> = {
  between,
  eq,
  gt: ordering((x, y) => x > y, '>', 'gt'),
  gte: ordering((x, y) => x >= y, '>=', 'ge'),
  is_infinite: test((x) => x === Infinity || x === -Infinity, (x) => (x.type === 'number' ? `${notNull(x)}(${x.value} === Infinity || ${x.value} === -Infinity)` : 'false'),
    number((make, x) => make.compare('eq', make.unary('abs', x), make.number(Infinity)))),
  is_nan: test((x) => Number.isNaN(x), (x) => (x.type === 'number' ? `${notNull(x)}${x.value} !== ${x.value}` : 'false'), number((make, x) => make.isNaN(x))),
  is_nodata: test((x) => x === null, (x) => (x.isNull === null ? 'false' : `(${x.isNull}) !== 0`), (make, x) => x.isNull ?? make.boolean(false)),
  is_valid: test(isValidNumber, (x) => `${notNull(x)}${x.type === 'number' ? `${x.value} - ${x.value} === 0` : 'true'}`, validLanes),
  lt: ordering((x, y) => x < y, '<', 'lt'),
  lte: ordering((x, y) => x <= y, '<=', 'le'),
  neq,
};
