/** Names of tasks as object keys, and back: readable where the name is harmless, escaped where it is not. */

/** Names in a folder of a task begin with it; names of tasks never have it in their keys. */
const MARK = '@';

/** Longest name of a file that object stores of all kinds take. */
const MAX_SEGMENT_BYTES = 240;
const MAX_KEY_BYTES = 900;

/**
 * 'a b/c.tif' → 'a~20b/c.tif'. Whatever is no letter, digit, '.', '_' or '-' is written as '~' and its
 * bytes; an empty segment is '~'.
 *
 * @throws {Error} for names that are empty or too long for a file system
 */
export function keyOfTask(task: string): string {
  const key = task.split('/').map(escapeSegment).join('/');
  if (task === '' || !task.isWellFormed()) throw new Error('A task has a name, in valid Unicode.');
  if (key.length > MAX_KEY_BYTES || key.split('/').some((segment) => segment.length > MAX_SEGMENT_BYTES)) {
    throw new Error(`The name of the task '${task.slice(0, 60)}…' is too long: ${MAX_SEGMENT_BYTES} characters for a part, ${MAX_KEY_BYTES} for all of it.`);
  }
  return key;
}

/** The name behind `keyOfTask`. */
export function taskOfKey(key: string): string {
  return key.split('/').map((segment) => (segment === '~' ? '' : unescapeSegment(segment))).join('/');
}

function escapeSegment(segment: string): string {
  if (segment === '') return '~';
  return segment.replace(/^\.|[^\w.-]/gu, (character) => [...Buffer.from(character)].map((byte) => `~${byte.toString(16).padStart(2, '0')}`).join(''));
}

function unescapeSegment(segment: string): string {
  return decodeURIComponent(segment.replaceAll('%', '%25').replaceAll('~', '%'));
}

/** What lies in the folder of a task. */
export type TaskFile =
  /** An entry of its log; the key can be made only once. */
  | { readonly kind: 'entry'; readonly number: number }
  /** Sign of life of the hold with this token. */
  | { readonly kind: 'beat'; readonly number: number }
  /** Says in a listing, without a read, that the task is done with this token. */
  | { readonly kind: 'done'; readonly number: number };

export const entryKey = (folder: string, number: number) => `${folder}/${MARK}${number}`;
export const beatKey = (folder: string, number: number) => `${folder}/${MARK}${number}.beat`;
export const doneKey = (folder: string, number: number) => `${folder}/${MARK}${number}.done`;
/** Beginning of all keys of a task and of no other. */
export const taskPrefix = (folder: string) => `${folder}/${MARK}`;

/** Splits a key into the folder of a task and what it is; null for keys of something else. */
export function parseKey(key: string): { readonly folder: string; readonly file: TaskFile } | null {
  const [, folder, number, kind] = /^(.*)\/@([1-9]\d{0,8})(?:\.(beat|done))?$/.exec(key) ?? [];
  if (folder === undefined) return null;
  return { folder, file: { kind: (kind ?? 'entry') as TaskFile['kind'], number: Number(number) } };
}
