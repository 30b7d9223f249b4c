/** The arguments that a node is run with: references resolved and checked, defaults added. */
import { Cube } from '../cube/cube.ts';
import { invalidArgument } from '../errors.ts';
import type { Argument, GraphNode } from './graph.ts';
import { isAbsent } from './parse-arguments.ts';
import { resolve, withDefaults, type Bindings } from './resolve.ts';
import { checkValue } from './schema.ts';
import type { Arguments, Value } from './value.ts';

/**
 * Literals were checked by the parser; what comes out of references is checked here. Throws
 * ProcessParameterInvalid.
 */
export function checkedArguments(node: GraphNode, bindings: Bindings): Arguments {
  const { process } = node;
  const given = new Map<string, Value>();
  for (const description of process.description.parameters) {
    const argument = node.arguments.get(description.name);
    if (!argument) continue;
    const value = resolve(argument, bindings);
    if (isComputed(argument) && isAbsent(value, description)) continue;
    // No-data that comes out of a node is data, wherever it goes: processes pass it through or refuse it themselves.
    if (isComputed(argument) && value !== null) checkParameter(process.description.id, description.name, value, description.schema);
    given.set(description.name, value);
  }
  return withDefaults(Object.fromEntries(given), process);
}

const isComputed = (argument: Argument) => argument.kind !== 'literal' && argument.kind !== 'callback';

/** Throws ProcessParameterInvalid when a value does not conform to the schema of the parameter. */
export function checkParameter(process: string, parameter: string, value: Value, schema: unknown): void {
  const problem = checkValue(value, schema);
  if (problem === null) return;
  const hint = value instanceof Cube ? ' Use apply, reduce_dimension or apply_dimension to work on the values of a cube.' : '';
  throw invalidArgument(process, parameter, problem, { detail: hint.trim() });
}
