/** What is added to hrefs of other catalogs goes to the place that it is for, however the href is written. */
import { expect, it } from 'vitest';
import { assetFetch } from '../../src/federation/asset-fetch.ts';
import type { Access } from '../../src/federation/definition.ts';
import type { FetchOptions } from '../../src/formats/http-source.ts';

const secrets = { bucket: { access_key: 'AKIDEXAMPLE', secret_key: 'hush' } };
const s3: Access = { type: 's3', prefix: 's3://scenes/', region: 'eu-central-1', endpoint: 'https://s3.example.org', credentials: 'bucket' };

/** The requests that reading a URL leads to. */
async function requestsFor(url: string, access: Access): Promise<{ url: string; init: FetchOptions }[]> {
  const sent: { url: string; init: FetchOptions }[] = [];
  const fetch = assetFetch({
    secrets, accesses: async () => [{ collection: 'away', access }],
    fetch: async (asked, init = {}) => {
      sent.push({ url: asked, init });
      return asked.endsWith('/token') ? Response.json({ token: 'sig=abc' }) : new Response('pixels');
    },
  });
  await fetch(url);
  return sent;
}

it('objects of the bucket are signed', async () => {
  const [request] = await requestsFor('https://s3.example.org/scenes/a/../b.tif', s3);
  expect(request!.init.headers).toMatchObject({ authorization: expect.stringContaining('AKIDEXAMPLE') as string });
  expect(request!.url).toBe('https://s3.example.org/scenes/b.tif');
});

it.each(['https://s3.example.org/scenes/year=2024/a+b.tif', 'https://s3.example.org/scenes/year%3D2024/a%2Bb.tif', 'https://s3.example.org/scenes/year%3d2024/a.tif'])('%s is an object below year=2024, however that is written', async (url) => {
  const [request] = await requestsFor(url, { ...s3, prefix: 's3://scenes/year=2024/' });
  expect(request!.init.headers).toMatchObject({ authorization: expect.stringContaining('AKIDEXAMPLE') as string });
  expect(request!.url).toBe(url);
});

it.each(['https://s3.example.org/scenes/../private/key', 'https://s3.example.org/scenes%2F..%2Fprivate/key', 'https://s3.example.org/scenes%2Fkey', 'https://s3.example.org/scenes/%2e%2e/private/key', 'https://s3.example.org/scenes/..\\private/key', 'https://s3.example.org/scenes2/key'])('%s is no object of the bucket and is not signed', async (url) => {
  const [request] = await requestsFor(url, s3);
  expect(request!.init.headers).toBeUndefined();
});

it('a token of one container is not sent to another one', async () => {
  const sas: Access = { type: 'sas', prefix: 'https://account.example.org/open/', token_url: 'https://tokens.example.org/token' };
  expect((await requestsFor('https://account.example.org/open/a.tif', sas)).map(({ url }) => url)).toEqual(['https://tokens.example.org/token', 'https://account.example.org/open/a.tif?sig=abc']);
  expect((await requestsFor('https://account.example.org/open/../closed/a.tif', sas)).map(({ url }) => url)).not.toContain('https://tokens.example.org/token');
});
