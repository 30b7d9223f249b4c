/** Typed access to the arguments of scalar and array processes. null is openEO's no-data. */
import type { Label } from '../cube/dimension.ts';
import { invalidArgument, type OpenEOError } from '../errors.ts';
import type { Callback } from '../graph/callback.ts';
import type { Call } from '../graph/process.ts';
import { describeValue } from '../graph/schema-words.ts';
import { LabeledArray, type Arguments, type Value } from '../graph/value.ts';

/** The error for an argument of the running process. */
export function invalid(call: Pick<Call, 'path'>, parameter: string, reason: string): OpenEOError {
  return invalidArgument(call.path.at(-1)?.process_id ?? 'process', parameter, reason);
}

/** A number or no-data; throws ProcessParameterInvalid for anything else. */
export function numberOf(args: Arguments, name: string, call: Call): number | null {
  const value = args[name] ?? null;
  if (value === null || typeof value === 'number') return value;
  throw invalid(call, name, `it must be a number, not ${describeValue(value)}`);
}

/** A boolean or no-data. */
export function booleanOf(args: Arguments, name: string, call: Call): boolean | null {
  const value = args[name] ?? null;
  if (value === null || typeof value === 'boolean') return value;
  throw invalid(call, name, `it must be a boolean, not ${describeValue(value)}`);
}

/** A text or no-data. */
export function textOf(args: Arguments, name: string, call: Call): string | null {
  const value = args[name] ?? null;
  if (value === null || typeof value === 'string') return value;
  throw invalid(call, name, `it must be a string, not ${describeValue(value)}`);
}

/** The elements of an array, labeled or not. */
export function elementsOf(args: Arguments, name: string, call: Call): readonly Value[] {
  const value = args[name] ?? null;
  if (value instanceof LabeledArray) return value.values;
  if (Array.isArray(value)) return value as readonly Value[];
  throw invalid(call, name, `it must be an array, not ${describeValue(value)}`);
}

/** The elements of an array of numbers and no-data. */
export function numbersOf(args: Arguments, name: string, call: Call): readonly (number | null)[] {
  const elements = elementsOf(args, name, call);
  const wrong = elements.find((v) => v !== null && typeof v !== 'number');
  if (wrong === undefined) return elements as readonly (number | null)[];
  throw invalid(call, name, `its elements must be numbers, not ${describeValue(wrong)}`);
}

/** The elements of an array of booleans and no-data. */
export function booleansOf(args: Arguments, name: string, call: Call): readonly (boolean | null)[] {
  const elements = elementsOf(args, name, call);
  const wrong = elements.find((v) => v !== null && typeof v !== 'boolean');
  if (wrong === undefined) return elements as readonly (boolean | null)[];
  throw invalid(call, name, `its elements must be booleans, not ${describeValue(wrong)}`);
}

/** The labels of an array; null when it has none. */
export function labelsOf(args: Arguments, name: string): readonly Label[] | null {
  const value = args[name];
  return value instanceof LabeledArray ? value.labels : null;
}

/** An array with the given labels, or without. */
export function arrayOf(values: readonly Value[], labels: readonly Label[] | null): Value {
  return labels ? new LabeledArray(values, labels) : values;
}

/** A child process graph. */
export function callbackOf(args: Arguments, name: string): Callback {
  return args[name] as Callback;
}

/** A switch such as ignore_nodata, whose default the evaluator has filled in. */
export function isSet(args: Arguments, name: string): boolean {
  return args[name] === true;
}
