/** load_uploaded_files: opens files of the user; the scope knows where they are. */
import type { Cube } from '../../cube/cube.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { isObject, kindOf, listOf, textOf } from './arguments.ts';

const ID = 'load_uploaded_files';

export const loadUploadedFiles: Implementation = {
  run(args, { scope }): Promise<Cube> {
    const paths = listOf(args, ID, 'paths').map((path) => {
      if (typeof path !== 'string') throw invalidArgument(ID, 'paths', `a path must be a text, not ${kindOf(path)}`);
      return path;
    });
    const options = args['options'] ?? {};
    const isEmptyList = Array.isArray(options) && options.length === 0;
    if (!isObject(options) && !isEmptyList) throw invalidArgument(ID, 'options', `it must be an object, not ${kindOf(options)}`);
    return scope.loadFiles({ paths, format: textOf(args, ID, 'format'), options: isObject(options) ? options : {} });
  },
};
