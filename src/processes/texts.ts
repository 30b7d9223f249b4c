/** Category texts. No-data is passed through. */
import type { Call, Implementation } from '../graph/process.ts';
import { describeValue } from '../graph/schema-words.ts';
import type { Value } from '../graph/value.ts';
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

/** Numbers, booleans and null as the standard writes them: in lower case. */
function asText(value: Value, parameter: string, call: Call): string {
  if (value === null || typeof value !== 'object') return String(value);
  throw invalid(call, parameter, `only strings, numbers, booleans and null can be joined, not ${describeValue(value)}`);
}

const concat: Implementation = {
  run: (args, call) => {
    const parts = elementsOf(args, 'data', call).map((part) => asText(part, 'data', call));
    return parts.join(asText(args['separator'] ?? '', 'separator', call));
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
