/** Typed access to arguments, which the evaluator has checked against the process description. */
import { Cube } from '../../cube/cube.ts';
import type { Dimension } from '../../cube/dimension.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { Callback } from '../../graph/callback.ts';
import type { Arguments, ObjectValue, Value } from '../../graph/value.ts';

/** A data cube; throws ProcessParameterInvalid when a node gave something else. */
export function cubeOf(args: Arguments, process: string, name = 'data'): Cube {
  const value = args[name];
  if (value instanceof Cube) return value;
  throw invalidArgument(process, name, `it must be a data cube, not ${kindOf(value)}`);
}

/** A child process graph. */
export function callbackOf(args: Arguments, process: string, name: string): Callback {
  const value = args[name];
  if (value instanceof Callback) return value;
  throw invalidArgument(process, name, `it must be a process graph, not ${kindOf(value)}`);
}

/** A text. */
export function textOf(args: Arguments, process: string, name: string): string {
  const value = args[name];
  if (typeof value === 'string') return value;
  throw invalidArgument(process, name, `it must be a text, not ${kindOf(value)}`);
}

/** A text, or null when absent. */
export function optionalTextOf(args: Arguments, process: string, name: string): string | null {
  return args[name] === undefined || args[name] === null ? null : textOf(args, process, name);
}

/** An array; [] when absent. */
export function listOf(args: Arguments, process: string, name: string): readonly Value[] {
  const value = args[name];
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value as readonly Value[];
  throw invalidArgument(process, name, `it must be an array, not ${kindOf(value)}`);
}

/** Labels: texts and numbers. */
export function labelsOf(args: Arguments, process: string, name: string): (string | number)[] {
  return listOf(args, process, name).map((value) => {
    if (typeof value === 'string' || typeof value === 'number') return value;
    throw invalidArgument(process, name, `a label must be a text or a number, not ${kindOf(value)}`);
  });
}

/** True for a plain JSON object. */
export function isObject(value: Value | undefined): value is ObjectValue {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Parameters that have one value for all cells of a callback. */
export function contextOf(args: Arguments): { context: Value } {
  return { context: args['context'] ?? null };
}

/** The cube's temporal dimension, or the named one. Throws DimensionNotAvailable and TooManyDimensions. */
export function temporalIndex(cube: Cube, name: string | null): number {
  if (name !== null) {
    const index = cube.indexOf(name);
    if (cube.dimensions[index]!.type === 'temporal') return index;
    throw new OpenEOError('DimensionNotAvailable', {}, { detail: `The dimension '${name}' is of the type '${cube.dimensions[index]!.type}', not temporal.` });
  }
  const found = indicesOfType(cube, 'temporal');
  if (found.length === 0) throw new OpenEOError('DimensionNotAvailable', {}, { detail: 'The cube has no temporal dimension.' });
  if (found.length > 1) throw new OpenEOError('TooManyDimensions', {}, { detail: `There are ${found.map((i) => `'${cube.dimensions[i]!.name}'`).join(' and ')}.` });
  return found[0]!;
}

/** Positions of the dimensions of a type. */
export function indicesOfType(cube: Cube, type: Dimension['type']): number[] {
  return cube.dimensions.flatMap((d, i) => (d.type === type ? [i] : []));
}

/** What a value is, in openEO's words. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined || value === null) return 'null';
  if (value instanceof Cube) return 'a data cube';
  if (value instanceof Callback) return 'a process graph';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
