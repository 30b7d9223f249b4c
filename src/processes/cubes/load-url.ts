/** load_url: a file with geometries from the web; the scope knows how to reach it. */
import type { Cube } from '../../cube/cube.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Value } from '../../graph/value.ts';
import { isObject, kindOf, textOf } from './arguments.ts';
import { urlOf } from './load-stac.ts';

const ID = 'load_url';

export const loadUrl: Implementation = {
  run(args, { scope }): Promise<Cube> {
    return scope.loadUrl({ url: urlOf(textOf(args, ID, 'url'), ID), format: textOf(args, ID, 'format'), properties: propertiesOf(args['options']) });
  },
};

/** `options.properties`, the one option there is. */
function propertiesOf(options: Value | undefined): readonly string[] {
  if (options === undefined || options === null || (Array.isArray(options) && options.length === 0)) return [];
  if (!isObject(options)) throw invalidArgument(ID, 'options', `it must be an object, not ${kindOf(options)}`);
  const other = Object.keys(options).find((name) => name !== 'properties');
  if (other !== undefined) throw invalidArgument(ID, 'options', `'${other}' is not an option; there is 'properties'`);
  const names = options['properties'] ?? [];
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names as readonly string[];
  throw invalidArgument(ID, 'options', '\'properties\' must be an array of texts');
}
