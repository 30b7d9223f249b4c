/** stac_modify: other words for the metadata of what was saved. */
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { isObject, kindOf } from './arguments.ts';

const ID = 'stac_modify';

export const stacModify: Implementation = {
  run(args, { scope }) {
    const { data = null, changes = null } = args;
    if (!isObject(data)) throw invalidArgument(ID, 'data', `it must be a STAC resource, not ${kindOf(data)}`);
    if (!isObject(changes)) throw invalidArgument(ID, 'changes', `it must be an object, not ${kindOf(changes)}`);
    return scope.modifyStac({ data, changes });
  },
};
