/** Arguments that processes which store embeddings have in common. */
import type { Quantization } from '../../cube/cube.ts';
import { invalidArgument } from '../../errors.ts';
import type { Arguments } from '../../graph/value.ts';
import { isObject, kindOf } from './arguments.ts';

const quantizations: readonly Quantization[] = ['float32', 'float16', 'int8', 'int8_power2', 'int8_per_vector', 'binary'];

/** `quantization`, or `usual` when it is not given. Throws ProcessParameterInvalid that lists the ways there are. */
export function quantizationOf(args: Arguments, process: string, usual: Quantization): Quantization {
  const value = args['quantization'] ?? usual;
  const known = quantizations.find((name) => name === value);
  if (known) return known;
  throw invalidArgument(process, 'quantization', `'${typeof value === 'string' ? value : kindOf(value)}' is not supported; there are ${quantizations.join(', ')}`);
}

/** `dimensions`: how many to keep; null for all. Throws ProcessParameterInvalid. */
export function dimensionsOf(args: Arguments, process: string): number | null {
  const value = args['dimensions'] ?? null;
  if (value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw invalidArgument(process, 'dimensions', 'it must be a whole number from 1 on, or null for all dimensions');
}

/** `options`: parameters of the operator by name. Which it takes is told by whoever knows the operator. Throws ProcessParameterInvalid for what is no object. */
export function optionsOf(args: Arguments, process: string): Readonly<Record<string, unknown>> {
  const value = args['options'] ?? {};
  if (isObject(value)) return value;
  throw invalidArgument(process, 'options', `it must be an object with the parameters of the operator by their names, not ${kindOf(value)}`);
}
