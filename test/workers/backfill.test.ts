import { expect, it } from 'vitest';
import { createBackfillHandler } from '../../src/workers/backfill.ts';

const context = { taskId: 't', signal: new AbortController().signal, attempt: 1 };

it('gives a task to the handler of its kind, and what that gives back', async () => {
  const handle = createBackfillHandler({ warm: async (payload: { layer: string }, { taskId }) => [payload.layer, taskId] });
  expect(await handle({ kind: 'warm', payload: { layer: 'L' } }, context)).toEqual(['L', 't']);
});

it('refuses a kind that it does not know, also one that every object has', async () => {
  for (const kind of ['warm', 'toString']) {
    await expect(createBackfillHandler({})({ kind, payload: null }, context)).rejects.toMatchObject({ code: 'FeatureUnsupported', message: expect.stringContaining(`'${kind}'`) });
  }
});
