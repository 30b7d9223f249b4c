/** The parameters that a process of a user declares. */
import { OpenEOError } from '../errors.ts';
import { isObject } from './parse-context.ts';
import { restrictSchema } from './schema.ts';
import type { ParameterDescription } from './wire.ts';

const MAX_PARAMETERS = 1000;

/** Reads declared parameters, their schemas made harmless. What is wrong is reported and left out. */
export function parseParameters(raw: unknown, report: (error: OpenEOError) => void): ParameterDescription[] {
  const invalid = (detail: string) => report(new OpenEOError('ProcessInvalid', {}, { detail }));
  if (raw === undefined || raw === null) return [];
  const isDeclaration = (p: unknown): p is ParameterDescription => isObject(p) && typeof p['name'] === 'string' && p['name'] !== '';
  if (!Array.isArray(raw) || !raw.every(isDeclaration)) {
    invalid('`parameters` must be an array of objects with a name and a schema.');
    return [];
  }
  if (raw.length > MAX_PARAMETERS) {
    invalid(`A process can have at most ${MAX_PARAMETERS} parameters.`);
    return [];
  }
  const names = raw.map((p) => p.name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) invalid(`The parameter '${repeated}' is declared twice.`);
  return raw.map((p) => ({
    name: p.name,
    description: typeof p.description === 'string' ? p.description : '',
    schema: restrictSchema(p.schema),
    // With a default a parameter is optional, whether its author says so or not.
    ...((p.optional === true || p.default !== undefined) && { optional: true }),
    ...(p.default !== undefined && { default: p.default }),
  }));
}
