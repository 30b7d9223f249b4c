/** CQL2 text cut into words, numbers, texts and signs, each with its place. */
import { Cql2Error } from './tree.ts';

export interface Token {
  /** 'name' was written in double quotes: never a keyword. */
  readonly kind: 'word' | 'name' | 'number' | 'text' | 'sign' | 'end';
  /** The word, the contents of a text or name, the digits or the sign. */
  readonly text: string;
  /** Counted from 1. */
  readonly position: number;
}

/** Longer texts are refused before anything is read. */
export const MAX_LENGTH = 50_000;

const patterns: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /\s+/y],
  ['number', /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['word', /[:_\p{L}\p{Nl}][:_.\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\u203F\u2040]*/uy],
  ['text', /'((?:[^'\\]|''|\\'|\\(?!'))*)'/y],
  ['name', /"((?:""|[^"])+)"/y],
  ['sign', /<>|<=|>=|[=<>+\-*/%^(),[\]]/y],
];

/** Throws Cql2Error for a sign that CQL2 does not have, and for a text that never ends. */
export function tokensOf(source: string): Token[] {
  if (source.length > MAX_LENGTH) throw new Cql2Error(`character ${MAX_LENGTH + 1}`, `the filter has more than ${MAX_LENGTH} characters`);
  const tokens: Token[] = [];
  let offset = 0;
  while (offset < source.length) {
    const [kind, match] = next(source, offset);
    if (kind !== 'space') tokens.push({ kind, text: contents(kind, match), position: offset + 1 });
    offset += match[0].length;
    if (kind === 'number' && /[_\p{L}]/u.test(source[offset] ?? '')) throw new Cql2Error(`character ${offset + 1}`, `a number can't be followed by '${source[offset]!}'`);
  }
  return [...tokens, { kind: 'end', text: '', position: source.length + 1 }];
}

function next(source: string, offset: number): [Token['kind'] | 'space', RegExpExecArray] {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = offset;
    const match = pattern.exec(source);
    if (match) return [kind, match];
  }
  const sign = String.fromCodePoint(source.codePointAt(offset)!);
  const place = `character ${offset + 1}`;
  if (sign === '\'') throw new Cql2Error(place, 'the text that begins here has no closing \'');
  if (sign === '"') throw new Cql2Error(place, 'the name that begins here is empty or has no closing "');
  throw new Cql2Error(place, `'${sign}' is no sign of CQL2`);
}

function contents(kind: Token['kind'], match: RegExpExecArray): string {
  if (kind === 'text') return match[1]!.replace(/''|\\'/g, '\'');
  if (kind === 'name') return match[1]!.replaceAll('""', '"');
  return match[0];
}
