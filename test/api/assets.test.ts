/** Signed links, and the files behind them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAsset } from '../../src/api/assets/links.ts';
import { LinkSigner } from '../../src/api/assets/sign.ts';
import { deriveKey } from '../../src/api/auth/secret.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { startService } from './service.ts';
import type { TestService } from './service.ts';

const key = deriveKey('a secret of at least thirty-two characters', 'links');
const digits = '0123456789';

describe('a signed link', () => {
  const signer = new LinkSigner(key, 1, () => 1_000_000_000_000);
  const queryOf = (path: string) => Object.fromEntries(new URL(path, 'http://x').searchParams);

  it('is good for its path until it expires', () => {
    const { path, expires } = signer.sign('/assets/a');
    expect(Date.parse(expires)).toBeGreaterThanOrEqual(1_000_000_000_000 + 3_600_000);
    expect(() => signer.check('/assets/a', queryOf(path))).not.toThrow();
    const later = new LinkSigner(key, 1, () => Date.parse(expires) + 1);
    expect(() => later.check('/assets/a', queryOf(path))).toThrow(expect.objectContaining({ code: 'ResultLinkExpired', status: 410 }));
  });

  it('is the same for a while, so that caches work', () => {
    const soon = new LinkSigner(key, 1, () => 1_000_000_000_000 + 1000);
    expect(soon.sign('/assets/a').path).toBe(signer.sign('/assets/a').path);
  });

  it('is good for nothing else', () => {
    const query = queryOf(signer.sign('/assets/a').path);
    const refused = expect.objectContaining({ code: 'PermissionsInsufficient', status: 403 });
    expect(() => signer.check('/assets/b', query)).toThrow(refused);
    expect(() => signer.check('/assets/a', { ...query, expires: String(Number(query.expires) + 1) })).toThrow(refused);
    expect(() => signer.check('/assets/a', { ...query, signature: 'x' })).toThrow(refused);
    expect(() => signer.check('/assets/a', { ...query, expires: '1e99' })).toThrow(refused);
    expect(() => signer.check('/assets/a', { ...query, signature: ['a', 'b'] })).toThrow(refused);
    expect(() => signer.check('/assets/a', {})).toThrow(refused);
  });

  it('ends with the key it was signed with', () => {
    const other = new LinkSigner(deriveKey('another secret of thirty-two characters', 'links'), 1);
    expect(() => other.check('/assets/a', queryOf(signer.sign('/assets/a').path))).toThrow(expect.objectContaining({ code: 'ResultLinkExpired' }));
  });
});

describe('the files of items', () => {
  let service: TestService;
  let url: string;
  const signer = new LinkSigner(key, 1);
  const linkTo = (asset: string, name?: string) => service.url + signAsset(signer, { collection: 'S2/L2A', item: 'scene 1', key: asset, ...(name === undefined ? {} : { name }) }).path;

  beforeAll(async () => {
    service = await startService();
    const path = join(service.folder, 'B04 ü.tif');
    await writeFile(path, digits);
    await service.objects.put('layers/x.tif', Buffer.from('object'));
    service.items.set('scene 1', {
      type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: 'scene 1', collection: 'S2/L2A', geometry: null, bbox: [], properties: { datetime: null }, links: [],
      assets: {
        B04: { href: pathToFileURL(path).href, type: 'image/tiff; application=geotiff' },
        stored: { href: 'object:layers/x.tif' },
        remote: { href: 'https://example.org/x.tif' },
        gone: { href: pathToFileURL(join(service.folder, 'gone.tif')).href },
        folder: { href: pathToFileURL(service.folder).href },
      },
    } satisfies StacItem);
    url = linkTo('B04', 'B04 ü.tif');
  });
  afterAll(() => service.close());

  it('are served whole, with what a client needs to read them in parts', async () => {
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(digits);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/tiff; application=geotiff', 'content-length': '10', 'accept-ranges': 'bytes', 'access-control-allow-origin': '*', etag: expect.stringMatching(/^"\w+"$/),
      'last-modified': expect.any(String), 'content-disposition': `inline; filename*=UTF-8''B04%20%C3%BC.tif`,
    });
    expect(await (await fetch(linkTo('stored'))).text()).toBe('object');
  });

  it('answer HEAD with the same headers and no body', async () => {
    const answer = await fetch(url, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-length')).toBe('10');
    expect(await answer.text()).toBe('');
  });

  it.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=8-', 206, '89', 'bytes 8-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-99', 206, digits, 'bytes 0-9/10'],
    ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
    ['bytes=10-', 416, 'RangeNotSatisfiable', 'bytes */10'],
    ['bytes=-0', 416, 'RangeNotSatisfiable', 'bytes */10'],
    ['bytes=5-2', 200, digits, null],
    ['bytes=0-1,3-4', 200, digits, null],
    ['lines=1-2', 200, digits, null],
  ])('answer Range: %s with %d', async (range, status, body, contentRange) => {
    const answer = await fetch(url, { headers: { Range: range } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-range')).toBe(contentRange);
    const sent = await answer.text();
    expect(status === 416 ? (JSON.parse(sent) as { code: string }).code : sent).toBe(body);
  });

  it('answer conditions on the ETag', async () => {
    const etag = (await fetch(url)).headers.get('etag')!;
    const known = await fetch(url, { headers: { 'If-None-Match': `"x", W/${etag}` } });
    expect(known.status).toBe(304);
    expect((await fetch(url, { headers: { Range: 'bytes=0-1', 'If-Range': etag } })).status).toBe(206);
    expect((await fetch(url, { headers: { Range: 'bytes=0-1', 'If-Range': '"old"' } })).status).toBe(200);
  });

  it('are to be had only with a signature, and only those that the item names', async () => {
    const status = async (link: string) => (await fetch(link)).status;
    expect(await status(url.split('?')[0]!)).toBe(403);
    expect(await status(url.replace('B04/', 'stored/'))).toBe(403);
    expect(await status(linkTo('nothing'))).toBe(404);
    expect(await status(linkTo('__proto__'))).toBe(404);
    expect(await status(linkTo('remote'))).toBe(404);
    expect(await status(linkTo('gone'))).toBe(404);
    expect(await status(linkTo('folder'))).toBe(404);
    expect(await status(service.url + signer.sign('/assets/items/S2/../../etc/passwd').path)).toBe(403);
  });

  it('tell nothing of where they lie', async () => {
    expect(await (await fetch(linkTo('gone'))).text()).not.toContain(service.folder);
  });
});
