/** Logging in at the API with tokens of a provider. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOidcSettings } from '../../../src/api/auth/oidc-settings.ts';
import { startService, type TestService } from '../service.ts';
import { startForger, type Forger } from './forger.ts';

const client = { id: 'web', grant_types: ['authorization_code+pkce', 'urn:ietf:params:oauth:grant-type:device_code+pkce', 'refresh_token'], redirect_urls: ['https://editor.openeo.org'] };

describe('a service with a provider', () => {
  let forger: Forger;
  let service: TestService;
  beforeAll(async () => {
    forger = await startForger();
    service = await startService({ oidc: [{ id: 'idp', title: 'IdP', issuer: forger.issuer, scopes: ['openid'], user_claim: 'sub', default_clients: [client] }] });
  });
  afterAll(async () => {
    await service.close();
    await forger.close();
  });
  const me = (authorization: string, version = '1.3') => fetch(`${service.url}/openeo/${version}/me`, { headers: { Authorization: authorization } });

  it('tells clients how to log in', async () => {
    const answer = await fetch(`${service.url}/openeo/1.3/credentials/oidc`);
    expect(await answer.json()).toEqual({ providers: [{ id: 'idp', issuer: forger.issuer, title: 'IdP', scopes: ['openid'], default_clients: [client] }] });
    const { endpoints } = await (await fetch(`${service.url}/openeo/1.3/`)).json() as { endpoints: { path: string }[] };
    expect(endpoints.map(({ path }) => path)).toEqual(expect.arrayContaining(['/credentials/oidc', '/credentials/basic']));
  });

  it('takes tokens with their prefix and plainly, beside its own', async () => {
    const token = await forger.sign({ sub: 'ann', name: 'Ann' });
    for (const given of [`Bearer oidc/idp/${token}`, `Bearer ${token}`]) {
      for (const version of ['1.2', '1.3']) expect(await (await me(given, version)).json()).toMatchObject({ user_id: 'idp~ann', name: 'Ann' });
    }
    const own = (await service.token())['Authorization']!;
    expect(await (await me(own)).json()).toMatchObject({ user_id: 'ann' });
    expect(await (await me(own.replace('Bearer ', 'Bearer basic//'))).json()).toMatchObject({ user_id: 'ann' });
  });

  it('shows a plain token that is no JWT to the provider', async () => {
    forger.users['opaque.of-ann'] = { sub: 'ann', name: 'Ann' };
    // As the JavaScript client sends it.
    expect(await (await me('Bearer opaque.of-ann')).json()).toMatchObject({ user_id: 'idp~ann' });
    expect(await (await me('Bearer nonsense')).json()).toMatchObject({ code: 'TokenInvalid' });
  });

  it('keeps users of the provider and its own apart', async () => {
    const token = await forger.sign({ sub: 'ann' });
    const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
    const made = await fetch(`${service.url}/openeo/1.3/jobs`, { method: 'POST', headers: { ...await service.token(), 'Content-Type': 'application/json' }, body: JSON.stringify({ process }) });
    const job = made.headers.get('openeo-identifier');
    const seen = await fetch(`${service.url}/openeo/1.3/jobs/${job}`, { headers: { Authorization: `Bearer oidc/idp/${token}` } });
    expect([made.status, seen.status]).toEqual([201, 404]);
  });

  it('refuses what is wrong with the codes that clients act on', async () => {
    const token = await forger.sign({ sub: 'ann' }, { expires: '-1h' });
    const cases: [string, number, string][] = [
      [`Bearer oidc/idp/${token}`, 403, 'TokenInvalid'], [`Bearer ${token}`, 403, 'TokenInvalid'], ['Bearer oidc/idp/', 403, 'TokenInvalid'], ['Bearer oidc/idp', 403, 'TokenInvalid'],
      [`Bearer oidc/other/${token}`, 403, 'AuthenticationSchemeInvalid'], [`Bearer saml/idp/${token}`, 403, 'AuthenticationSchemeInvalid'], [`Bearer oidc//${token}`, 403, 'AuthenticationSchemeInvalid'],
      [`Bearer basic//${await forger.sign({ sub: 'ann' })}`, 403, 'TokenInvalid'], ['Digest x', 403, 'AuthenticationSchemeInvalid'],
    ];
    for (const [given, status, code] of cases) {
      const answer = await me(given);
      expect([given.slice(0, 20), answer.status, (await answer.json() as { code: string }).code]).toEqual([given.slice(0, 20), status, code]);
    }
  });
});

describe('a service without passwords', () => {
  it('has no login with HTTP Basic and takes no token of its own', async () => {
    const forger = await startForger();
    const service = await startService({ isBasicOn: false, oidc: [{ id: 'idp', title: 'IdP', issuer: forger.issuer, scopes: ['openid'], user_claim: 'sub' }] });
    const basic = await fetch(`${service.url}/openeo/1.3/credentials/basic`, { headers: { Authorization: `Basic ${btoa('ann:secret')}` } });
    expect([basic.status, (await basic.json() as { code: string }).code]).toEqual([501, 'FeatureUnsupported']);
    const { endpoints } = await (await fetch(`${service.url}/openeo/1.3/`)).json() as { endpoints: { path: string }[] };
    expect(endpoints.map(({ path }) => path)).not.toContain('/credentials/basic');
    const me = await fetch(`${service.url}/openeo/1.3/me`, { headers: { Authorization: `Bearer ${await forger.sign({ sub: 'ann' })}` } });
    expect(me.status).toBe(200);
    await service.close();
    await forger.close();
  });

  it('has none of a provider where none is configured', async () => {
    const service = await startService();
    expect((await fetch(`${service.url}/openeo/1.3/credentials/oidc`)).status).toBe(501);
    await service.close();
  });
});

describe('the file of providers', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamina-oidc-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const read = async (content: unknown) => {
    const path = join(folder, 'oidc.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return readOidcSettings(path);
  };
  const minimal = { id: 'idp', issuer: 'https://idp.example.org/realm/' };

  it('needs little', async () => {
    expect(await read([minimal])).toEqual([{ id: 'idp', title: 'idp', issuer: 'https://idp.example.org/realm', scopes: ['openid'], user_claim: 'sub' }]);
    expect(await read([{ ...minimal, default_clients: [client] }])).toMatchObject([{ default_clients: [client] }]);
  });

  it.each([
    ['nonsense', /JSON/], [{}, /list of OpenID/], [[], /list of OpenID/], [[{ ...minimal, id: 'a~b' }], /provider 1: id/], [[{ id: 'x' }], /issuer/], [[{ ...minimal, issuer: 'ftp://x' }], /http/],
    [[{ ...minimal, scopes: ['email'] }], /openid/], [[{ ...minimal, colour: 'red' }], /no field colour/], [[minimal, minimal], /same id/], [[minimal, { ...minimal, id: 'b' }], /same issuer/],
    [[{ ...minimal, default_clients: [{ id: 'c', grant_types: ['password'] }] }], /grant type password/], [[{ ...minimal, required: { claim: 'groups', values: [] } }], /values of the required/],
  ])('is refused with the reason: %j', async (content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });
});
