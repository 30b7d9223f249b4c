/** save_result: hands a cube to whoever keeps results. */
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, isObject, kindOf, textOf } from './arguments.ts';

export const saveResult: Implementation = {
  run(args, call) {
    const data = cubeOf(args, 'save_result');
    const options = args['options'] ?? {};
    // Clients in languages without objects send an empty array for no options.
    const isEmptyList = Array.isArray(options) && options.length === 0;
    if (!isObject(options) && !isEmptyList) throw invalidArgument('save_result', 'options', `it must be an object, not ${kindOf(options)}`);
    return call.scope.saveResult({ data, format: textOf(args, 'save_result', 'format'), options: isObject(options) ? options : {}, origin: call.originOf(data) });
  },
};
