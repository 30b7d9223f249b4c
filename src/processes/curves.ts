/** fit_curve: the parameters of a function that come closest to a series. */
import type { Label } from '../cube/dimension.ts';
import type { ArrayOperand, CallbackOperand, Code, Operand, Operands } from '../graph/emit.ts';
import type { Call, Implementation } from '../graph/process.ts';
import { describeValue } from '../graph/schema-words.ts';
import type { Arguments, Value } from '../graph/value.ts';
import { callbackOf, invalid, isSet, labelsOf, numbersOf } from './arguments.ts';
import { instant } from './cubes/temporal.ts';
import { CurveFit } from './least-squares.ts';

/** A label as the independent variable: numbers as they are, dates in seconds since 1970 (UTC); null for other texts. */
export function abscissaOf(label: Label): number | null {
  const x = typeof label === 'number' ? label : instant(label) / 1000;
  return Number.isFinite(x) ? x : null;
}

const fitCurve: Implementation = {
  run: (args, call) => {
    const initial = guessesOf(args['parameters'] ?? null, call);
    const values = numbersOf(args, 'data', call);
    const labels = labelsOf(args, 'data');
    if (labels === null) throw invalid(call, 'data', 'it must be a labeled array: the labels are the independent variable');
    const xs = abscissasOf(labels, call);
    const fit = new CurveFit(initial.length, values.length);
    const count = collectValid(fit, xs, values);
    if (count < values.length && !isSet(args, 'ignore_nodata')) return initial.map(() => null);
    fit.begin(initial, count);
    while (fit.next()) evaluate(fit, count, args, call);
    return fit.isSolved ? [...fit.parameters] : initial.map(() => null);
  },
  emit: (operands, code) => emitFit(operands, code),
};

function guessesOf(value: Value, call: Call): number[] {
  const guesses = Array.isArray(value) ? value as readonly Value[] : [];
  if (guesses.length === 0) throw invalid(call, 'parameters', `it must be an array with at least one number, not ${describeValue(value)}`);
  return guesses.map((guess) => {
    if (typeof guess === 'number' && Number.isFinite(guess)) return guess;
    throw invalid(call, 'parameters', `first guesses must be finite numbers, not ${describeValue(guess)}`);
  });
}

function abscissasOf(labels: readonly Label[], call: Call): Float64Array {
  return Float64Array.from(labels, (label) => {
    const x = abscissaOf(label);
    if (x !== null) return x;
    throw invalid(call, 'data', `its label '${label}' is neither a number nor a date, so it can't be the independent variable`);
  });
}

function collectValid(fit: CurveFit, xs: Float64Array, values: readonly (number | null)[]): number {
  let count = 0;
  for (const [k, value] of values.entries()) {
    if (value === null) continue;
    fit.x[count] = xs[k]!;
    fit.y[count++] = value;
  }
  return count;
}

function evaluate(fit: CurveFit, count: number, args: Arguments, call: Call): void {
  const model = callbackOf(args, 'function');
  const parameters = [...fit.parameters];
  for (let k = 0; k < count; k++) {
    const value = model.interpret({ x: fit.x[k]!, parameters });
    if (value !== null && typeof value !== 'number') throw invalid(call, 'function', `it must give a number, not ${describeValue(value)}`);
    fit.values[k] = value ?? NaN;
  }
}

/** The model is written into the loop once; the solver says again and again where it wants it evaluated. */
function emitFit(operands: Operands, code: Code): Operand {
  const data = code.numbers(operands, 'data');
  const model = operands['function'];
  const ignore = code.known(operands, 'ignore_nodata');
  if (data.labels === null || data.count !== null || model?.kind !== 'callback' || typeof ignore !== 'boolean') return code.giveUp('fit_curve needs labels and a function');
  const initial = guessesOf(code.known(operands, 'parameters') ?? null, code.call);
  const fit = new CurveFit(initial.length, data.length);
  const solver = code.constant(fit);
  const { count, missing } = writeValid(data, abscissasOf(data.labels, code.call), fit, code);
  const guesses = code.constant(Float64Array.from(initial));
  code.line(`${solver}.begin(${guesses}, ${ignore ? count : `${missing} === 0 ? ${count} : 0`});`);
  code.line(`while (${solver}.next()) {`);
  writeModel(fit, model, count, code);
  code.line('}');
  const isNull = code.local(`${solver}.isSolved ? 0 : 1`);
  return code.collect({ type: 'number', dtype: 'float64', length: initial.length, isFull: true }, (append) => {
    const found = code.constant(fit.parameters);
    for (let j = 0; j < initial.length; j++) append(code.scalar('number', 'float64', `${found}[${j}]`, isNull));
  });
}

function writeValid(data: ArrayOperand, xs: Float64Array, fit: CurveFit, code: Code): { readonly count: string; readonly missing: string } {
  const [count, missing, k] = [code.variable('0'), code.variable('0'), code.variable('0')];
  const [from, x, y] = [xs, fit.x, fit.y].map((list) => code.constant(list)) as [string, string, string];
  code.each(data, ({ value, isNull }) => {
    code.branch(isNull === null ? 'true' : `(${isNull}) === 0`, () => {
      code.line(`${x}[${count}] = ${from}[${k}]; ${y}[${count}] = ${value}; ${count} += 1;`);
    }, () => code.line(`${missing} = 1;`));
    code.line(`${k} += 1;`);
  });
  return { count, missing };
}

function writeModel(fit: CurveFit, model: CallbackOperand, count: string, code: Code): void {
  const given = code.constant(fit.parameters);
  const elements = Array.from(fit.parameters, (_, j) => code.scalar('number', 'float64', `${given}[${j}]`, null));
  const parameters = code.tuple(elements);
  const [from, to] = [code.constant(fit.x), code.constant(fit.values)];
  code.loop(count, (k) => {
    const x = code.scalar('number', 'float64', `${from}[${k}]`, null);
    const { value, isNull } = code.number({ function: code.inline(model, { x, parameters }) }, 'function');
    code.line(`${to}[${k}] = ${isNull === null ? value : `(${isNull}) === 0 ? ${value} : NaN`};`);
  });
}

export const curves: Record<string, Implementation> = { fit_curve: fitCurve };
