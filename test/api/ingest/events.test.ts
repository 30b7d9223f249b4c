import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { answerErrors } from '../../../src/api/http/error-response.ts';
import { createEventRouter } from '../../../src/api/ingest/events.ts';
import type { TaskQueues } from '../../../src/jobs/queue.ts';
import { silentLog } from '../../../src/log.ts';

const TOKEN = 'a-token-of-the-bucket';

interface Added { readonly lane: string; readonly id: string; readonly payload: unknown }

async function start(token: string | null) {
  const added: Added[] = [];
  const queues = { add: async (lane: string, task: { id: string; payload: unknown }) => void added.push({ lane, ...task }) } as unknown as TaskQueues;
  const app = express();
  app.use('/ingest', createEventRouter({ queues, token }));
  app.use((_request, response) => void response.status(404).json({}));
  app.use(answerErrors(silentLog));
  const server = createServer(app);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ingest/events`;
  const send = async (body: unknown, authorization: string | null = `Bearer ${TOKEN}`) => {
    const response = await fetch(url, { method: 'POST', headers: authorization === null ? {} : { authorization }, body: typeof body === 'string' ? body : JSON.stringify(body) });
    return { status: response.status, body: await response.json() as Record<string, unknown> };
  };
  return { added, send };
}

const record = (key: string, sequencer = '1', eventName = 's3:ObjectCreated:Put') => ({ eventName, s3: { bucket: { name: 'lamina' }, object: { key, sequencer } } });

it('does not exist without a token', async () => {
  const { send } = await start(null);
  expect((await send({ Records: [] })).status).toBe(404);
});

it('takes events of who knows the token, and makes a task of each', async () => {
  const { send, added } = await start(TOKEN);
  expect(await send({ Records: [record('a.tif'), record('b.tif')] }, TOKEN)).toEqual({ status: 202, body: { accepted: 2 } });
  expect(added.map(({ lane, payload }) => [lane, payload])).toEqual(['a.tif', 'b.tif'].map((key) => ['backfill', { kind: 'object', payload: { bucket: 'lamina', key } }]));
  expect((await send({ Event: 's3:TestEvent' })).status).toBe(202);
  expect(added).toHaveLength(2);
});

it('gives an event that comes twice the same task, and later events others', async () => {
  const { send, added } = await start(TOKEN);
  for (const event of [record('a.tif'), record('a.tif'), record('a.tif', '2'), record('a.tif', '1', 's3:ObjectRemoved:Delete')]) await send({ Records: [event] });
  expect(new Set(added.map(({ id }) => id)).size).toBe(3);
});

it('refuses strangers before it reads what they send', async () => {
  const { send, added } = await start(TOKEN);
  expect([(await send('x', null)).status, (await send('x', 'Bearer wrong')).status, (await send('x', 'Bearer ')).status]).toEqual([401, 403, 403]);
  expect(added).toEqual([]);
});

it('says what is no notification', async () => {
  const { send } = await start(TOKEN);
  for (const body of ['{', { records: [] }, []]) expect((await send(body)).status).toBe(400);
  expect((await send({ Records: Array.from({ length: 1001 }, (_, i) => record(`${i}.tif`)) })).status).toBe(400);
});
