/** export_workspace: hands saved files to whoever keeps workspaces. */
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { isObject, kindOf, optionalTextOf, textOf } from './arguments.ts';

const ID = 'export_workspace';

export const exportWorkspace: Implementation = {
  run(args, { scope }) {
    const { data = null } = args;
    if (!isObject(data)) throw invalidArgument(ID, 'data', `it must be a STAC resource, not ${kindOf(data)}`);
    return scope.exportWorkspace({ data, workspace: textOf(args, ID, 'workspace'), merge: optionalTextOf(args, ID, 'merge') });
  },
};
