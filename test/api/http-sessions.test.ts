/** Tokens that end before their time, groups of users, and how many requests are answered. */
import type { Request } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearerIdentity, bearerUser, visitorOf, type Authentication } from '../../src/api/auth/authenticate.ts';
import { configuredUsers, type UserDirectory } from '../../src/api/auth/users.ts';
import { LoginGuard } from '../../src/api/auth/login-guard.ts';
import { RateLimiter } from '../../src/api/http/rate-limit.ts';
import { startForger, type Forger } from './oidc/forger.ts';
import { startService } from './service.ts';
import type { TestService } from './service.ts';

type Headers = Record<string, string>;

const me = async (service: TestService, headers: Headers) => {
  const answer = await fetch(`${service.url}/openeo/1.3/me`, { headers });
  return { status: answer.status, headers: answer.headers, body: await answer.json() as Record<string, unknown> };
};

describe('a token of the service', () => {
  let service: TestService;
  let users: UserDirectory;
  beforeAll(async () => {
    const now: UserDirectory = { verify: (...given) => users.verify(...given), credential: (name) => users.credential(name) };
    users = configuredUsers([{ name: 'ann', password: 'secret' }, { name: 'bob', password: 'other' }]);
    service = await startService({ users: now });
  });
  afterAll(() => service.close());
  const end = (headers: Headers, query = '') => fetch(`${service.url}/openeo/1.3/credentials/basic${query}`, { method: 'DELETE', headers });

  it('ends when its user says so, and no other with it', async () => {
    const [one, other, ofBob] = [await service.token(), await service.token(), await service.token('bob')];
    expect((await end(one)).status).toBe(204);
    expect(await me(service, one)).toMatchObject({ status: 403, body: { code: 'TokenInvalid' } });
    expect((await end(one)).status).toBe(403);
    for (const headers of [other, ofBob]) expect((await me(service, headers)).status).toBe(200);
  });

  it('ends with all others of its user', async () => {
    const [one, other, ofBob] = [await service.token(), await service.token(), await service.token('bob')];
    expect((await end(one, '?all=true')).status).toBe(204);
    for (const headers of [one, other]) expect(await me(service, headers)).toMatchObject({ status: 403, body: { code: 'TokenInvalid' } });
    expect((await me(service, ofBob)).status).toBe(200);
    expect((await me(service, await service.token())).status).toBe(200);
  });

  it('ends with the password, and comes back with no other', async () => {
    const before = await service.token();
    const was = users;
    users = configuredUsers([{ name: 'ann', password: 'changed' }, { name: 'bob', password: 'other' }]);
    expect(await me(service, before)).toMatchObject({ status: 403, body: { code: 'TokenInvalid' } });
    users = configuredUsers([{ name: 'bob', password: 'other' }]);
    expect((await me(service, before)).status).toBe(403);
    users = was;
    expect((await me(service, before)).status).toBe(200);
  });

  it('is forgotten when it would have expired anyway', async () => {
    await service.database.query(`insert into ended_tokens (id, expires) values ('old', now() - interval '1 hour')`);
    await end(await service.token());
    const left = await service.database.query<{ id: string }>('select id from ended_tokens');
    expect(left.map(({ id }) => id)).not.toContain('old');
    expect(left.length).toBeGreaterThan(0);
  });

  it('needs itself to be ended', async () => {
    expect((await end({})).status).toBe(401);
    expect((await end({ Authorization: `Basic ${btoa('ann:secret')}` })).status).toBe(403);
    const { endpoints } = await (await fetch(`${service.url}/openeo/1.3/`)).json() as { endpoints: { path: string; methods: string[] }[] };
    expect(endpoints.find(({ path }) => path === '/credentials/basic')?.methods).toEqual(['GET']);
  });

  it('tells nothing of the password', async () => {
    const { Authorization: header } = await service.token() as { Authorization: string };
    const claims = JSON.parse(Buffer.from(header.split('.')[1]!, 'base64url').toString()) as object;
    expect(Object.keys(claims).toSorted()).toEqual(['aud', 'cred', 'exp', 'gen', 'iat', 'iss', 'jti', 'sub']);
    expect(JSON.stringify(claims)).not.toContain('secret');
  });
});

describe('groups of a provider', () => {
  let forger: Forger;
  let service: TestService;
  beforeAll(async () => {
    forger = await startForger();
    const billing = { currency: 'EUR', defaultPlan: 'Research', plans: [{ name: 'research', description: 'For members.', paid: false, prices: {}, groups: ['eo'] }] };
    service = await startService({ billing, oidc: [{ id: 'idp', title: 'IdP', issuer: forger.issuer, scopes: ['openid'], user_claim: 'sub', groups_claim: 'roles', authorization_parameters: { prompt: 'consent' } }] });
  });
  afterAll(async () => {
    await service.close();
    await forger.close();
  });
  const as = async (claims: object): Promise<Headers> => ({ Authorization: `Bearer ${await forger.sign({ sub: 'ann', ...claims })}` });

  it('are those of the claim, one or a list, and decide about plans', async () => {
    expect((await me(service, await as({ roles: ['eo', 7, 'x'] }))).body).toMatchObject({ user_id: 'idp~ann', 'lamina:groups': ['eo', 'x'], default_plan: 'research' });
    expect((await me(service, await as({ roles: 'eo' }))).body).toMatchObject({ 'lamina:groups': ['eo'] });
    for (const claims of [{}, { roles: { eo: true } }, { roles: null }]) {
      const { body } = await me(service, await as(claims));
      expect(body).not.toHaveProperty('lamina:groups');
      expect(body).not.toHaveProperty('default_plan');
    }
  });

  it('come from tokens whose session the provider ends', async () => {
    const answer = await fetch(`${service.url}/openeo/1.3/credentials/basic`, { method: 'DELETE', headers: await as({}) });
    expect([answer.status, await answer.json()]).toEqual([403, expect.objectContaining({ code: 'AuthenticationSchemeInvalid', message: expect.stringContaining('provider') })]);
  });

  it('is told with what clients need for a login', async () => {
    const { providers } = await (await fetch(`${service.url}/openeo/1.3/credentials/oidc`)).json() as { providers: object[] };
    expect(providers[0]).toHaveProperty('authorization_parameters', { prompt: 'consent' });
  });

  it('are looked up once per request, however many ask', async () => {
    let asked = 0;
    const provider = { settings: { id: 'idp' }, identify: async () => ({ userId: `user ${++asked}`, name: 'N', groups: [] }) };
    const authentication = { providers: [provider] } as unknown as Authentication;
    const request = () => ({ headers: { authorization: 'Bearer oidc/idp/token' } }) as unknown as Request;
    const one = request();
    expect([await bearerUser(one, authentication), await visitorOf(one, authentication), (await bearerIdentity(one, authentication)).userId]).toEqual(['user 1', 'user 1', 'user 1']);
    expect(await bearerUser(request(), authentication)).toBe('user 2');
  });
});

describe('a service with limits', () => {
  it('answers a user so often, and everybody else still', async () => {
    const service = await startService({ rateLimits: { ofAddress: 0, ofUser: 5 } });
    const [ann, bob] = [await service.token(), await service.token('bob')];
    for (let i = 0; i < 5; i++) expect((await me(service, ann)).status).toBe(200);
    const refused = await me(service, ann);
    expect(refused).toMatchObject({ status: 429, body: { code: 'RateLimitExceeded', message: expect.stringMatching(/'ann'.*5 per minute/) } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await me(service, bob)).status).toBe(200);
    expect((await fetch(`${service.url}/openeo/1.3/processes`)).status).toBe(200);
    await service.close();
  });

  it('answers an address so often, health checks and preflights always', async () => {
    const service = await startService({ rateLimits: { ofAddress: 3, ofUser: 0 } });
    const get = (path: string, headers: Headers = {}, method = 'GET') => fetch(service.url + path, { headers, method });
    for (let i = 0; i < 3; i++) expect((await get('/openeo/1.3/conformance')).status).toBe(200);
    const refused = await get('/nothing', { 'X-Forwarded-For': '9.9.9.9' });
    expect([refused.status, refused.headers.get('access-control-allow-origin'), Number(refused.headers.get('retry-after')) > 0]).toEqual([429, '*', true]);
    expect(await refused.json()).toMatchObject({ code: 'RateLimitExceeded', id: refused.headers.get('x-request-id') });
    expect((await get('/health')).status).toBe(200);
    expect((await get('/openeo/1.3/jobs', {}, 'OPTIONS')).status).toBe(204);
    await service.close();
  });

  it('believes what a trusted proxy says of the address', async () => {
    const service = await startService({ rateLimits: { ofAddress: 1, ofUser: 0 }, trustedProxies: ['127.0.0.1', '::1'] });
    const from = async (address: string) => (await fetch(`${service.url}/openeo/1.3/conformance`, { headers: { 'X-Forwarded-For': address } })).status;
    expect([await from('1.1.1.1'), await from('1.1.1.1'), await from('2.2.2.2'), await from('6.6.6.6, 1.1.1.1')]).toEqual([200, 429, 200, 429]);
    await service.close();
  });
});

describe('the counter of requests', () => {
  it('fills again with time, and no further than full', () => {
    let now = 0;
    const limiter = new RateLimiter(60, () => now);
    for (let i = 0; i < 60; i++) expect(limiter.take('a')).toBe(0);
    expect(limiter.take('a')).toBe(1);
    expect(limiter.take('b')).toBe(0);
    now = 2000;
    expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([0, 0, 1]);
    now = 3_600_000;
    for (let i = 0; i < 60; i++) expect(limiter.take('a')).toBe(0);
    expect(limiter.take('a')).toBe(1);
    const slow = new RateLimiter(1, () => now);
    expect([slow.take('a'), slow.take('a')]).toEqual([0, 60]);
  });

  it('may be off', () => {
    const limiter = new RateLimiter(0);
    for (let i = 0; i < 1000; i++) expect(limiter.take('a')).toBe(0);
  });
});

describe('the guard of logins', () => {
  it('stops an address that tries many names', () => {
    const guard = new LoginGuard(() => 0);
    for (let i = 0; i < 99; i++) guard.failed(`name ${i}`, '1.1.1.1');
    expect(guard.waitSeconds('ann', '1.1.1.1')).toBe(0);
    guard.failed('one more', '1.1.1.1');
    expect(guard.waitSeconds('ann', '1.1.1.1')).toBe(300);
    expect(guard.waitSeconds('ann', '2.2.2.2')).toBe(0);
    guard.succeeded('ann', '1.1.1.1');
    expect(guard.waitSeconds('ann', '1.1.1.1')).toBe(300);
  });
});
