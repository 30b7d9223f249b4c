/** export_collection: hands saved files to whoever keeps collections. */
import type { Implementation } from '../../graph/process.ts';
import { textOf } from './arguments.ts';

export const exportCollection: Implementation = {
  run(args, { scope }) {
    return scope.exportCollection({ data: args['data'] ?? null, collection: textOf(args, 'export_collection', 'collection') });
  },
};
