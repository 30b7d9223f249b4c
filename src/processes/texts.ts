/** Category texts. No-data is passed through. */
import type { Implementation } from '../graph/process.ts';
import { describeValue } from '../graph/schema-words.ts';
import { elementsOf, invalid, isSet, textOf } from './arguments.ts';

/** Searches a pattern in a text; case is ignored when `case_sensitive` is false. */
function search<T extends boolean | number | null>(find: (data: string, pattern: string) => T): Implementation {
  return {
    run: (args, call) => {
      const [data, pattern] = [textOf(args, 'data', call), textOf(args, 'pattern', call)];
      if (data === null || pattern === null) return null;
      return isSet(args, 'case_sensitive') ? find(data, pattern) : find(data.toLowerCase(), pattern.toLowerCase());
    },
  };
}

const concat: Implementation = {
  run: (args, call) => {
    const parts = elementsOf(args, 'data', call).map((part) => {
      if (part === null || typeof part !== 'object') return String(part);
      throw invalid(call, 'data', `its elements must be strings, numbers or booleans, not ${describeValue(part)}`);
    });
    return parts.join(String(args['separator'] ?? ''));
  },
};

export const texts: Record<string, Implementation> = {
  text_begins: search((data, pattern) => data.startsWith(pattern)),
  text_concat: concat,
  text_contains: search((data, pattern) => data.includes(pattern)),
  text_ends: search((data, pattern) => data.endsWith(pattern)),
  text_find: search((data, pattern) => {
    const position = data.indexOf(pattern);
    return position < 0 ? null : position;
  }),
};
