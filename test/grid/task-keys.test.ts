/** Names of tasks become keys and come back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryKey, keyOfTask, parseKey, taskOfKey } from '../../src/grid/task-keys.ts';
import { checkKey } from '../../src/storage/keys.ts';

describe('keys of tasks', () => {
  it.each([
    ['T32/tile_1.tif', 'T32/tile_1.tif'],
    ['a b', 'a~20b'],
    ['/data/x.tif', '~/data/x.tif'],
    ['../x', '~2e./x'],
    ['a@1', 'a~401'],
    ['ü', '~c3~bc'],
    ['~', '~7e'],
  ])('%s is %s', (task, key) => expect(keyOfTask(task)).toBe(key));

  it('gives back every name, as a key that any store takes and no other name has', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (task) => {
      const key = keyOfTask(task);
      expect(taskOfKey(key)).toBe(task);
      checkKey(entryKey(`tasks/${key}`, 1));
      expect(parseKey(entryKey(`tasks/${key}`, 12))).toEqual({ folder: `tasks/${key}`, file: { kind: 'entry', number: 12 } });
    }));
  });

  it.each(['', 'x'.repeat(300), 'ab/'.repeat(400), '\ud800'])('refuses a name without hope', (task) => expect(() => keyOfTask(task)).toThrow(/name/));

  it('sees nothing of its own in other keys', () => {
    for (const key of ['tasks/a/@0', 'tasks/a/1', 'tasks/@', 'tasks/a/@1.other']) expect(parseKey(key)).toBeNull();
  });
});
