/** Names of properties as clients write them: with 'properties.' before them or without. */
import { invalidParameter } from './respond.ts';

const MAX_LENGTH = 200;
const MAX_DEPTH = 8;

/** The name as the catalog knows it. Throws StacRequestError (400), naming the parameter in which it stood. */
export function propertyName(parameter: string, name: string): string {
  const property = name.replace(/^properties\./, '');
  const parts = property.split('.');
  if (parts.includes('')) throw invalidParameter(parameter, name === '' ? 'the name of a field is empty' : `'${name.slice(0, 80)}' is no name of a field`);
  if (property.length > MAX_LENGTH || parts.length > MAX_DEPTH) throw invalidParameter(parameter, `the name '${name.slice(0, 80)}' is too long`);
  return property;
}
