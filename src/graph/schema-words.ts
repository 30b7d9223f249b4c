/** Puts schemas and values into words for error messages. */
import { Cube } from '../cube/cube.ts';
import { Callback } from './callback.ts';
import { subtypeNames } from './subtypes.ts';
import { LabeledArray } from './value.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly subtype?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: unknown;
}

/** How the types of JSON Schema are called in messages. */
export const typeNames: Readonly<Record<string, string>> = {
  string: 'a string', number: 'a number', integer: 'an integer', boolean: 'a boolean', object: 'an object', array: 'an array', null: 'null',
};

/** 'a number or null', 'one of "a", "b"', 'a data cube'. */
export function describeSchema(alternatives: readonly Schema[]): string {
  return joinWords([...new Set(alternatives.flatMap(wordsFor))]);
}

function wordsFor(schema: Schema): string[] {
  if (schema.subtype !== undefined && Object.hasOwn(subtypeNames, schema.subtype)) return [subtypeNames[schema.subtype]!];
  if (schema.enum) return [`one of ${schema.enum.map((v) => JSON.stringify(v)).join(', ')}`];
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  return [schema.type ?? []].flat().map((type) => typeNames[type] ?? type);
}

function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words[0] ?? 'a value' : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** 'the string "abc"', 'a boolean', 'a data cube'. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (value instanceof Cube) return 'a data cube';
  if (value instanceof Callback) return 'a process graph';
  if (value instanceof LabeledArray) return 'a labeled array';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return `the boolean ${value}`;
  return 'an object';
}
