import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAllowedHost, isPublicAddress } from '../../../src/catalog/remote/address.ts';
import { guardedFetch } from '../../../src/catalog/remote/guarded-fetch.ts';
import { startStacServer, type StacServer } from './stac-server.ts';

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::1'])('%s is', (address) => expect(isPublicAddress(address)).toBe(true));
  it.each([
    '127.0.0.1', '127.255.255.254', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '100.100.100.200', '192.0.0.192',
    '198.18.0.1', '203.0.113.9', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254', 'fc00::1',
    'ff02::1', '64:ff9b::7f00:1', '2001::1', '2002:7f00:1::', '2001:db8::1', 'localhost', '', '2130706433',
  ])('%j is not', (address) => expect(isPublicAddress(address)).toBe(false));
});

it('compares hosts with and without port', () => {
  const allowed = ['stac.lan', 'files.lan:8080', '[::1]:9000'];
  const check = (url: string) => isAllowedHost(new URL(url), allowed);
  expect(['http://stac.lan/', 'https://STAC.lan:99/x', 'http://files.lan:8080/', 'http://[::1]:9000/', 'http://stac.lan./'].map(check)).toEqual([true, true, true, true, true]);
  expect(['http://files.lan/', 'http://stac.lan.evil/', 'http://[::1]/', 'http://evil-stac.lan/'].map(check)).toEqual([false, false, false, false]);
});

describe('guardedFetch', () => {
  let server: StacServer;
  let port: string;
  beforeAll(async () => {
    server = await startStacServer();
    port = server.host.split(':')[1]!;
    server.documents.set('/here', { here: true });
    server.documents.set('/away', (request, response) => response.writeHead(302, { location: decodeURIComponent(new URL(request.url!, 'http://x').searchParams.get('to')!) }).end());
    server.documents.set('/round', (_, response) => response.writeHead(307, { location: '/round' }).end());
  });
  afterAll(() => server.close());

  const refusal = (code: RegExp) => ({ code: 'ProcessParameterInvalid', status: 400, message: expect.stringMatching(code) as string });
  const closed = guardedFetch({ allowedHosts: [] });
  const open = () => guardedFetch({ allowedHosts: [server.host] });

  it('reads allowed hosts, also over redirects', async () => {
    expect(await (await open()(`${server.url}/here`)).json()).toEqual({ here: true });
    const response = await open()(`${server.url}/away?to=/here`);
    expect(response.url).toBe(`${server.url}/here`);
    expect(await response.json()).toEqual({ here: true });
  });

  // All of these are the loopback address, in forms that have fooled others.
  it.each(['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:127.0.0.1]', 'localhost', '0.0.0.0', '①②⑦.⓪.⓪.①'])('refuses http://%s', async (host) => {
    const before = server.requests.length;
    await expect(closed(`http://${host}:${port}/here`)).rejects.toMatchObject(refusal(/not a public address/));
    expect(server.requests.length).toBe(before);
  });

  it.each(['http://169.254.169.254/latest/meta-data/', 'http://[fd00:ec2::254]/', 'http://10.0.0.1/', 'https://192.168.0.1/', 'http://100.100.100.200/'])('refuses %s', async (url) => {
    await expect(closed(url)).rejects.toMatchObject(refusal(/not a public address/));
  });

  it.each(['file:///etc/passwd', 'ftp://example.org/', 'gopher://127.0.0.1:70/', 'data:application/json,{}', 'object:results/1', 'nonsense'])('refuses %s', async (url) => {
    await expect(closed(url)).rejects.toMatchObject(refusal(/begins with http/));
  });

  it.each(['http://127.0.0.2:9/', 'http://[::1]:9/', 'http://169.254.169.254/', 'http://2130706434/'])('refuses a redirect to %s', async (target) => {
    await expect(open()(`${server.url}/away?to=${encodeURIComponent(target)}`)).rejects.toMatchObject(refusal(/not a public address/));
  });

  it('refuses a redirect to a file, and one that never ends', async () => {
    await expect(open()(`${server.url}/away?to=${encodeURIComponent('file:///etc/passwd')}`)).rejects.toMatchObject(refusal(/begins with http/));
    await expect(open()(`${server.url}/round`)).rejects.toMatchObject(refusal(/redirects more than/));
  });

  it('refuses a name with any internal address, and connects to the address that was checked', async () => {
    const asked: string[] = [];
    // Rebinding: the name is public when it is checked, and would be internal the next time.
    const answers = [['93.184.216.34', '127.0.0.1'], ['127.0.0.1']];
    const resolve = ((name: string, _: object, done: (error: null, list: object[]) => void) => {
      asked.push(name);
      done(null, answers.shift()!.map((address) => ({ address, family: 4 })));
    }) as never;
    const fetch = guardedFetch({ allowedHosts: [], resolve });
    await expect(fetch(`http://rebind.example:${port}/here`)).rejects.toMatchObject(refusal(/'rebind.example' is not a public address/));
    await expect(fetch(`http://rebind.example:${port}/here`)).rejects.toMatchObject(refusal(/not a public address/));
    expect(asked).toEqual(['rebind.example', 'rebind.example']);
    expect(server.requests.some((path) => path.includes('rebind'))).toBe(false);
  });

  it('uses one look-up per connection: what was checked is what is connected to', async () => {
    let lookups = 0;
    const resolve = ((_: string, __: object, done: (error: null, list: object[]) => void) => {
      lookups++;
      done(null, [{ address: '127.0.0.1', family: 4 }]);
    }) as never;
    const fetch = guardedFetch({ allowedHosts: ['stac.lan'], resolve });
    expect(await (await fetch(`http://stac.lan:${port}/here`)).json()).toEqual({ here: true });
    expect(lookups).toBe(1);
  });

  it('is aborted by its signal', async () => {
    server.documents.set('/slow', () => {});
    const control = new AbortController();
    const waiting = open()(`${server.url}/slow`, { signal: control.signal });
    control.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow();
  });
});
