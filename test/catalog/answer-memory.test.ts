import { expect, it, vi } from 'vitest';
import { AnswerMemory } from '../../src/catalog/answer-memory.ts';

const known = (memory: AnswerMemory<unknown>, keys: string) => keys.split('').filter((key) => memory.find(key) !== undefined).join('');

it('keeps so many answers, those that were used last', () => {
  const memory = new AnswerMemory<number>(3);
  for (const [i, key] of ['a', 'b', 'c'].entries()) memory.keep(key, i);
  expect(memory.find('a')).toBe(0);
  memory.keep('d', 3);
  expect(known(memory, 'abcd')).toBe('acd');
});

it('keeps no more than may be weighed, however few they are', () => {
  const memory = new AnswerMemory<string>(100, 10);
  memory.keep('a', 'x', 4);
  memory.keep('b', 'x', 4);
  memory.keep('c', 'x', 4);
  expect(known(memory, 'abc')).toBe('bc');
  memory.keep('b', 'y', 1);
  memory.keep('d', 'x', 5);
  expect(known(memory, 'bcd')).toBe('bcd');
  memory.keep('e', 'x', 11);
  expect(known(memory, 'bcde')).toBe('bcd');
  memory.forget('c');
  memory.keep('f', 'x', 4);
  expect(known(memory, 'bcdf')).toBe('bdf');
});

it('an answer that grew too heavy is not left there as it was', () => {
  const memory = new AnswerMemory<string>(100, 10);
  memory.keep('a', 'old', 1);
  memory.keep('a', 'new', 11);
  expect(memory.find('a')).toBeUndefined();
});

it('asks once, also where the answer is that there is none, and again after a failure', async () => {
  const memory = new AnswerMemory<number | null>(3);
  const work = vi.fn<() => Promise<number | null>>().mockRejectedValueOnce(new Error('away')).mockResolvedValue(null);
  await expect(memory.ask('a', work)).rejects.toThrow('away');
  expect([await memory.ask('a', work), await memory.ask('a', work)]).toEqual([null, null]);
  expect(work).toHaveBeenCalledTimes(2);
});
