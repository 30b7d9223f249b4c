/** Tokens of OpenID Connect providers: whom they name, and which are refused. */
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OidcProvider } from '../../../src/api/auth/oidc-provider.ts';
import type { OidcSettings } from '../../../src/api/auth/oidc-settings.ts';
import { silentLog } from '../../../src/log.ts';
import { startForger, type Forger } from './forger.ts';

let forger: Forger;
beforeEach(async () => {
  forger = await startForger();
});
afterEach(() => forger.close());

const provider = (more: Partial<OidcSettings> = {}) => new OidcProvider({ id: 'idp', title: 'IdP', issuer: forger.issuer, scopes: ['openid'], user_claim: 'sub', ...more }, silentLog);
const code = (name: string) => expect.objectContaining({ code: name }) as Error;

describe('a JWT of a provider', () => {
  it('names the user by provider and subject, and the person by what the provider calls him', async () => {
    const idp = provider();
    expect(await idp.identify(await forger.sign({ sub: 'ann', name: 'Ann O.' }))).toEqual({ userId: 'idp~ann', name: 'Ann O.', groups: [] });
    expect(await idp.identify(await forger.sign({ sub: 'bob' }))).toEqual({ userId: 'idp~bob', name: 'idp~bob', groups: [] });
    expect(forger.asked['/.well-known/openid-configuration']).toBe(1);
    expect(forger.asked['/keys']).toBe(1);
  });

  it('has a user id of openEO characters whatever the subject, and no two subjects share one', async () => {
    const idp = provider();
    const ids = await Promise.all(['ann@example.org', 'ann/example.org', '~ann', 'ä', 'a'.repeat(500)].map(async (sub) => (await idp.identify(await forger.sign({ sub }))).userId));
    for (const id of ids) expect(id).toMatch(/^idp~~[\w-]{43}$/);
    expect(new Set(ids).size).toBe(ids.length);
    // Whoever may choose his subject can't take the id of another.
    expect((await idp.identify(await forger.sign({ sub: ids[0]!.slice('idp~'.length) }))).userId).not.toBe(ids[0]);
  });

  it('is refused when it is expired, of another issuer, unsigned, signed by somebody else or by a shared secret', async () => {
    const idp = provider();
    const other = await startForger();
    const good = await forger.sign({ sub: 'ann' });
    const [head, body] = good.split('.') as [string, string];
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    const shared = await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).setIssuer(forger.issuer).setExpirationTime('1h').sign(Buffer.from('a secret that is long enough for it'));
    const bad = [
      await forger.sign({ sub: 'ann' }, { expires: '-2m' }), await forger.sign({ sub: 'ann' }, { issuer: other.issuer }), await other.sign({ sub: 'ann' }, { issuer: forger.issuer }),
      none, shared, `${head}.${body}.AAAA`, await forger.sign({}),
    ];
    for (const token of bad) await expect(idp.identify(token)).rejects.toEqual(code('TokenInvalid'));
    await other.close();
  });

  it('is taken for us only, when an audience is set', async () => {
    const idp = provider({ audience: ['lamina', 'clients'] });
    for (const claims of [{ aud: 'lamina' }, { aud: ['x', 'lamina'] }, { aud: 'x', azp: 'clients' }, { client_id: 'clients' }]) {
      expect((await idp.identify(await forger.sign({ sub: 'ann', ...claims }))).userId).toBe('idp~ann');
    }
    for (const claims of [{}, { aud: 'x' }, { azp: 'x' }]) await expect(idp.identify(await forger.sign({ sub: 'ann', ...claims }))).rejects.toEqual(code('TokenInvalid'));
    forger.users['opaque'] = { sub: 'ann' };
    await expect(idp.identify('opaque')).rejects.toEqual(code('TokenInvalid'));
  });

  it('lets in members of the required groups only', async () => {
    const idp = provider({ required: { claim: 'groups', values: ['eo'] } });
    expect((await idp.identify(await forger.sign({ sub: 'ann', groups: ['x', 'eo'] }))).userId).toBe('idp~ann');
    for (const groups of [undefined, 'x', ['x'], { eo: true }]) await expect(idp.identify(await forger.sign({ sub: 'ann', ...(groups !== undefined && { groups }) }))).rejects.toEqual(code('PermissionsInsufficient'));
  });

  it('is refused once its key is no longer published, and new keys are found', async () => {
    const first = provider();
    const old = await forger.sign({ sub: 'ann' });
    await first.identify(old);
    await forger.rotate();
    const later = provider();
    expect((await later.identify(await forger.sign({ sub: 'bob' }))).userId).toBe('idp~bob');
    await expect(later.identify(old)).rejects.toEqual(code('TokenInvalid'));
  });
});

describe('an opaque token', () => {
  it('is shown to the provider, once a minute', async () => {
    const idp = provider();
    forger.users['secret/with+signs'] = { sub: 'ann', email: 'ann@example.org' };
    for (let i = 0; i < 3; i++) expect(await idp.identify('secret/with+signs')).toEqual({ userId: 'idp~ann', name: 'ann@example.org', groups: [] });
    expect(forger.asked['/me']).toBe(1);
    await expect(idp.identify('forged')).rejects.toEqual(code('TokenInvalid'));
  });
});

describe('a provider that fails', () => {
  it('does not end sessions: the service says that it is busy, and goes on when the provider is back', async () => {
    const idp = provider();
    const token = await forger.sign({ sub: 'ann' });
    forger.isBroken = true;
    await expect(idp.identify(token)).rejects.toEqual(code('InfrastructureBusy'));
    await expect(idp.identify('opaque')).rejects.toEqual(code('InfrastructureBusy'));
    forger.isBroken = false;
    expect((await idp.identify(token)).userId).toBe('idp~ann');
  });

  it('is not believed when its discovery document speaks for another issuer', async () => {
    forger.discovery = { issuer: 'https://somebody.else' };
    await expect(provider().identify(await forger.sign({ sub: 'ann' }))).rejects.toEqual(code('InfrastructureBusy'));
  });
});
