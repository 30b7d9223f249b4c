/** The recorder finds answers that openEO does not allow: a proof by wrong ones. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { standardOf } from './recorder/documents.ts';
import { Recorder } from './recorder/recorder.ts';

const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Link' };
const error = { id: '1', code: 'NotFound', message: 'Nothing.' };

/** What the recorder says of an answer. */
async function problemsOf(path: string, status: number, body: unknown, headers: Record<string, string> = {}, method = 'GET'): Promise<string[]> {
  const recorder = new Recorder();
  const server = createServer(recorder.listener((_request, response) => {
    for (const [name, value] of Object.entries({ ...cors, 'Content-Type': 'application/json', ...headers })) if (value !== '') response.setHeader(name, value);
    response.statusCode = status;
    if (body === undefined) response.end();
    else response.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
  })).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method })).arrayBuffer();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return recorder.problems;
}

describe('the recorder', () => {
  const standard = standardOf('1.3.0');
  if (typeof standard === 'string') return void it.skip(`skipped: ${standard}`, () => {});

  it('has nothing against what is right, and against what is no openEO', async () => {
    expect(await problemsOf('/openeo/1.3/jobs', 200, { jobs: [], links: [] })).toEqual([]);
    expect(await problemsOf('/openeo/1.2/jobs/a', 404, error)).toEqual([]);
    expect(await problemsOf('/openeo/1.3/nothing', 404, error)).toEqual([]);
    expect(await problemsOf('/stac', 200, 'anything')).toEqual([]);
  });

  it.each([
    ['a field that is missing', '/openeo/1.3/jobs', 200, { jobs: [] }, {}, 'GET', 'links'],
    ['a field of the wrong type', '/openeo/1.2/jobs', 200, { jobs: [{ id: 'a', status: 'asleep', created: '2020-01-01T00:00:00Z' }], links: [] }, {}, 'GET', 'status'],
    ['a null that not every client takes', '/openeo/1.3/me', 200, { user_id: 'ann', budget: null }, {}, 'GET', 'budget'],
    ['a status that the operation does not have', '/openeo/1.3/jobs', 203, { jobs: [], links: [] }, {}, 'GET', 'no such status'],
    ['an error without a code', '/openeo/1.3/jobs/a', 404, { message: 'Nothing.' }, {}, 'GET', 'code'],
    ['an error where nothing is', '/openeo/1.3/nothing', 404, { error: 'Nothing.' }, {}, 'GET', 'code'],
    ['an unforeseen error', '/openeo/1.3/jobs', 500, error, {}, 'GET', 'unforeseen'],
    ['an error that is a page', '/openeo/1.3/jobs', 400, '<html>', { 'Content-Type': 'text/html' }, 'GET', 'not JSON'],
    ['bytes that are no UTF-8', '/openeo/1.3/jobs', 200, Buffer.from([0x7b, 0xff, 0x7d]), {}, 'GET', 'utf-8'],
    ['a header that is missing', '/openeo/1.3/jobs', 201, undefined, {}, 'POST', 'Location'],
    ['an answer that scripts can not read', '/openeo/1.3/jobs', 200, { jobs: [], links: [] }, { 'Access-Control-Allow-Origin': '' }, 'GET', 'other origins'],
    ['OPTIONS with another status', '/openeo/1.3/jobs', 200, undefined, {}, 'OPTIONS', '204'],
  ])('finds %s', async (_, path, status, body, headers, method, word) => {
    const problems = await problemsOf(path, status, body, headers, method);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(word);
  });
});
