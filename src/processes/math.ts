/** Category math: arithmetic, exponentials and logarithms, rounding. */
import { OpenEOError } from '../errors.ts';
import { anyNull } from '../graph/emit.ts';
import type { Expression } from '../graph/lanes/expression.ts';
import { laneScalar, type LaneEmitter } from '../graph/lanes/lane-code.ts';
import type { Implementation } from '../graph/process.ts';
import { arithmeticOf, selectionOf } from '../graph/result-dtype.ts';
import { invalid, numberOf } from './arguments.ts';
import { numeric, type Lanes } from './elementwise.ts';

/** Remainder with the sign of the divisor; a zero divisor gives ±infinity or NaN, an infinite one x itself. */
function modulo(x: number, y: number): number {
  if (y === 0) return x / Math.abs(y);
  const remainder = x % y;
  const isOpposed = remainder !== 0 && remainder < 0 !== y < 0;
  return isOpposed && Number.isFinite(y) ? remainder + y : remainder;
}

/** Logarithm to a base, exact where JavaScript has a function for the base. */
function logarithm(x: number, base: number): number {
  if (base === 10) return Math.log10(x);
  return base === 2 ? Math.log2(x) : Math.log(x) / Math.log(base);
}

/** Nearest integer, halves to the even one (IEEE 754); never −0. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const part = x - below;
  if (part !== 0.5) return Math.round(x) + 0;
  return below % 2 === 0 ? below : below + 1;
}

function roundTo(x: number, digits: number): number {
  if (!Number.isFinite(x)) return x;
  // A power of ten below one is no exact number; dividing by its inverse is.
  const factor = 10 ** Math.abs(digits);
  if (!Number.isFinite(factor)) return digits > 0 ? x : 0;
  return digits >= 0 ? roundHalfEven(x * factor) / factor : roundHalfEven(x / factor) * factor;
}

/** Maps [inputMin, inputMax] to [outputMin, outputMax] linearly; x is held inside. Either range may be swapped. */
function scaleLinear(x: number, inputMin: number, inputMax: number, outputMin: number, outputMax: number): number {
  const held = Math.min(Math.max(x, Math.min(inputMin, inputMax)), Math.max(inputMin, inputMax));
  return (held - inputMin) / (inputMax - inputMin) * (outputMax - outputMin) + outputMin;
}

function hold(x: number, min: number, max: number): number {
  if (min > max) throw new OpenEOError('MinMaxSwapped', {});
  return Math.min(Math.max(x, min), max);
}

/** NaN has no integer part: it becomes no-data. */
const integerPart: Implementation = {
  run: (args, call) => {
    const x = numberOf(args, 'x', call);
    return x === null || Number.isNaN(x) ? null : Math.trunc(x) + 0;
  },
  emit: (operands, code) => {
    const x = code.number(operands, 'x');
    return code.scalar('number', arithmeticOf([x]), `Math.trunc(${x.value}) + 0`, `${x.isNull ?? '0'} | (${x.value} !== ${x.value} ? 1 : 0)`);
  },
  lanes: (operands, code) => {
    const { make } = code;
    const x = code.number(operands, 'x');
    return laneScalar(arithmeticOf([x]), make.add(make.unary('trunc', x.value), make.number(0)), make.any([x.isNull, make.isNaN(x.value)]));
  },
};

const roundLanes: LaneEmitter = (operands, code) => {
  const { make } = code;
  const [x, p] = [code.number(operands, 'x'), code.known(operands, 'p')];
  const factor = typeof p === 'number' ? 10 ** Math.abs(p) : NaN;
  if (typeof p !== 'number' || !Number.isFinite(factor)) return code.giveUp('p must be a known integer');
  const nearest = (value: Expression) => make.add(make.unary('nearest', value), make.number(0));
  const by = make.number(factor);
  const value = p >= 0 ? make.div(nearest(make.mul(x.value, by)), by) : make.mul(nearest(make.div(x.value, by)), by);
  // Infinite numbers stay, and where the factor leads beyond float64 the function gives the same infinity.
  return laneScalar(arithmeticOf([x]), value, x.isNull);
};

const round: Implementation = {
  run: (args, call) => {
    const [x, p] = [numberOf(args, 'x', call), numberOf(args, 'p', call)];
    if (p === null || !Number.isInteger(p)) throw invalid(call, 'p', 'it must be an integer');
    return x === null ? null : roundTo(x, p);
  },
  emit: (operands, code) => {
    const [x, p] = [code.number(operands, 'x'), code.known(operands, 'p')];
    if (typeof p !== 'number' || !Number.isInteger(p)) return code.giveUp('p must be a known integer');
    return code.scalar('number', arithmeticOf([x]), `${code.constant(roundTo)}(${x.value}, ${p})`, x.isNull);
  },
  lanes: roundLanes,
};

const clip: Implementation = {
  ...numeric(['x', 'min', 'max'], hold),
  emit: (operands, code) => {
    const [x, min, max] = [code.number(operands, 'x'), code.number(operands, 'min'), code.number(operands, 'max')];
    const isOrdered = typeof min.literal === 'number' && typeof max.literal === 'number' && !(min.literal > max.literal);
    const nulls = anyNull(x, min, max);
    const expression = isOrdered
      ? `Math.min(Math.max(${x.value}, ${min.value}), ${max.value})`
      : `${nulls ? `(${nulls}) ? 0 : ` : ''}${code.constant(hold)}(${x.value}, ${min.value}, ${max.value})`;
    return code.scalar('number', selectionOf([x, min, max]), expression, nulls);
  },
  lanes: (operands, code) => {
    const { make } = code;
    const [x, min, max] = [code.number(operands, 'x'), code.number(operands, 'min'), code.number(operands, 'max')];
    const isOrdered = typeof min.literal === 'number' && typeof max.literal === 'number' && !(min.literal > max.literal);
    if (!isOrdered) return code.giveUp('the limits may be swapped in a cell');
    return laneScalar(selectionOf([x, min, max]), make.binary('min', make.binary('max', x.value, min.value), max.value), make.any([x.isNull, min.isNull, max.isNull]));
  },
};

const scaleLanes: Lanes = (make, x, inputMin, inputMax, outputMin, outputMax) => {
  const [low, high] = [make.binary('min', inputMin!, inputMax!), make.binary('max', inputMin!, inputMax!)];
  const held = make.binary('min', make.binary('max', x!, low), high);
  return make.add(make.mul(make.div(make.sub(held, inputMin!), make.sub(inputMax!, inputMin!)), make.sub(outputMax!, outputMin!)), outputMin!);
};

const signLanes: Lanes = (make, x) => make.choose(make.compare('gt', x!, make.number(0)), make.number(1),
  make.choose(make.compare('lt', x!, make.number(0)), make.number(-1), x!));

/** Math.pow is exact for these powers, as its source (fdlibm) takes the same shortcuts. */
const power: Implementation = {
  ...numeric(['base', 'p'], (base, p) => base ** p),
  lanes: (operands, code) => {
    const [base, p] = [code.number(operands, 'base'), code.number(operands, 'p')];
    const value = powerOf(code.make.mul.bind(code.make), base.value, p.literal) ?? code.giveUp('not every power is exact');
    return laneScalar(arithmeticOf([base, p]), value, code.make.any([base.isNull, p.isNull]));
  },
};

function powerOf(multiply: (x: Expression, y: Expression) => Expression, base: Expression, p: unknown): Expression | null {
  if (p === 1) return base;
  return p === 2 ? multiply(base, base) : null;
}

export const math: Record<string, Implementation> = {
  absolute: numeric(['x'], Math.abs, (x) => `Math.abs(${x})`, (make, x) => make.unary('abs', x!)),
  add: numeric(['x', 'y'], (x, y) => x + y, (x, y) => `${x} + ${y}`, (make, x, y) => make.add(x!, y!)),
  clip,
  divide: numeric(['x', 'y'], (x, y) => x / y, (x, y) => `${x} / ${y}`, (make, x, y) => make.div(x!, y!)),
  linear_scale_range: numeric(['x', 'inputMin', 'inputMax', 'outputMin', 'outputMax'], scaleLinear, undefined, scaleLanes),
  mod: numeric(['x', 'y'], modulo),
  multiply: numeric(['x', 'y'], (x, y) => x * y, (x, y) => `${x} * ${y}`, (make, x, y) => make.mul(x!, y!)),
  normalized_difference: numeric(['x', 'y'], (x, y) => (x - y) / (x + y), (x, y) => `(${x} - ${y}) / (${x} + ${y})`,
    (make, x, y) => make.div(make.sub(x!, y!), make.add(x!, y!))),
  sgn: numeric(['x'], Math.sign, undefined, signLanes),
  subtract: numeric(['x', 'y'], (x, y) => x - y, (x, y) => `${x} - ${y}`, (make, x, y) => make.sub(x!, y!)),
};

export const exponentials: Record<string, Implementation> = {
  exp: numeric(['p'], Math.exp),
  ln: numeric(['x'], Math.log),
  log: numeric(['x', 'base'], logarithm),
  power,
  sqrt: numeric(['x'], Math.sqrt, (x) => `Math.sqrt(${x})`, (make, x) => make.unary('sqrt', x!)),
};

export const rounding: Record<string, Implementation> = {
  ceil: numeric(['x'], Math.ceil, (x) => `Math.ceil(${x})`, (make, x) => make.unary('ceil', x!)),
  floor: numeric(['x'], Math.floor, (x) => `Math.floor(${x})`, (make, x) => make.unary('floor', x!)),
  int: integerPart,
  round,
};
