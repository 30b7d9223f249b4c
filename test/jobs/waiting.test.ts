import { describe, expect, it } from 'vitest';
import { answered, Patience } from '../../src/jobs/waiting.ts';

describe('the patience of a waiter', () => {
  const at = { ms: 0 };
  const patience = () => {
    at.ms = 0;
    return new Patience(() => at.ms);
  };

  it('ends when a task stays away', () => {
    const one = patience();
    one.absent();
    at.ms = 499;
    one.absent();
    at.ms = 500;
    expect(() => one.absent()).toThrow(expect.objectContaining({ code: 'Internal' }));
  });

  it('begins anew when the task is seen', () => {
    const one = patience();
    one.absent();
    one.found();
    at.ms = 600;
    expect(() => one.absent()).not.toThrow();
  });

  it('lasts a minute for a queue that does not answer', () => {
    const one = patience();
    one.away(new Error('gone'));
    at.ms = 59_000;
    one.away(new Error('gone'));
    at.ms = 60_000;
    expect(() => one.away(new Error('gone'))).toThrow(expect.objectContaining({ code: 'InfrastructureBusy', status: 503 }));
  });
});

describe('a command', () => {
  it('has time to answer, but not for ever', async () => {
    expect(await answered(Promise.resolve(1), 50)).toBe(1);
    await expect(answered(new Promise(() => {}), 50)).rejects.toMatchObject({ code: 'InfrastructureBusy' });
    await expect(answered(Promise.reject(new Error('mine')), 50)).rejects.toThrow('mine');
  });
});
