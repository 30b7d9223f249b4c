/** Passwords, users, tokens and the secret they rest on. */
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LoginGuard } from '../../src/api/auth/login-guard.ts';
import { equalTexts, hashPassword, verifyPassword } from '../../src/api/auth/passwords.ts';
import { deriveKey, loadSecret } from '../../src/api/auth/secret.ts';
import { Tokens } from '../../src/api/auth/tokens.ts';
import { configuredUsers, ensureDevelopmentUser, storedUsers } from '../../src/api/auth/users.ts';
import { openDatabase } from '../../src/database/connection.ts';
import type { Database } from '../../src/database/connection.ts';
import { migrate } from '../../src/database/migrations.ts';
import { startPostgres } from '../jobs/servers.ts';
import type { TestServer } from '../jobs/servers.ts';

describe('a password', () => {
  it('is known by its hash, which tells nothing and differs each time', async () => {
    const hash = await hashPassword('pässword');
    expect(hash).toMatch(/^scrypt:16384:8:1:/);
    expect(hash).not.toBe(await hashPassword('pässword'));
    expect(await verifyPassword('pässword', hash)).toBe(true);
    expect(await verifyPassword('pa\u0308ssword', hash)).toBe(true);
    expect(await verifyPassword('passwort', hash)).toBe(false);
    expect(await verifyPassword('', 'nonsense')).toBe(false);
  });

  it('is compared whatever the lengths', () => {
    expect(equalTexts('a', 'a')).toBe(true);
    expect(equalTexts('a', 'ab')).toBe(false);
  });
});

describe('users', () => {
  let server: TestServer;
  let database: Database;

  beforeAll(async () => {
    server = await startPostgres();
    database = openDatabase(server.url);
    await migrate(database);
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  it('may come from the configuration', async () => {
    const users = configuredUsers([{ name: 'ann', password: 'a' }]);
    expect(await users.verify('ann', 'a')).toBe(true);
    expect(await users.verify('ann', 'b')).toBe(false);
    expect(await users.verify('eve', '')).toBe(false);
    expect([await users.credential('ann'), await users.credential('eve')]).toEqual(['a', null]);
  });

  it('may come from the database, where the first start makes one', async () => {
    const made = (await ensureDevelopmentUser(database))!;
    expect(made).toEqual({ name: 'dev', password: expect.stringMatching(/^[\w-]{12}$/) });
    expect(await ensureDevelopmentUser(database)).toBeNull();
    const users = storedUsers(database);
    expect(await users.verify('dev', made.password)).toBe(true);
    expect(await users.verify('dev', 'wrong')).toBe(false);
    expect(await users.verify('eve', made.password)).toBe(false);
    expect(await users.verify('a\0b', 'x')).toBe(false);
    expect([await users.credential('dev'), await users.credential('eve')]).toEqual([expect.stringMatching(/^scrypt:/), null]);
  });

  it('share a secret that is made once, unless one is configured', async () => {
    const [one, other] = await Promise.all([loadSecret(database, null), loadSecret(database, null)]);
    expect(one).toBe(other);
    expect(one.length).toBeGreaterThan(32);
    expect(await loadSecret(database, 'my own')).toBe('my own');
  });
});

describe('a token', () => {
  const tokens = new Tokens(deriveKey('secret', 'tokens'), 1);
  const invalid = expect.objectContaining({ code: 'TokenInvalid', status: 403 });

  it('names its user, and knows with which credential he logged in', async () => {
    const claims = await tokens.verify(await tokens.issue({ userId: 'ann', credential: 'password', generation: 3 }, 'http://x'));
    expect(claims).toMatchObject({ userId: 'ann', generation: 3, tokenId: expect.stringMatching(/^[\w-]{36}$/) });
    expect(claims.fingerprint).not.toContain('password');
    expect([tokens.isOf(claims, 'password'), tokens.isOf(claims, 'another')]).toEqual([true, false]);
  });

  it('is refused when it is old, of another purpose, of another key, or unsigned', async () => {
    const sign = (key: Uint8Array, change: (jwt: SignJWT) => SignJWT) => change(new SignJWT({ gen: 0, cred: 'x' }).setProtectedHeader({ alg: 'HS256' }).setIssuer('x').setSubject('ann').setJti('1').setAudience('lamina').setExpirationTime('1h')).sign(key);
    const key = deriveKey('secret', 'tokens');
    expect(await tokens.verify(await sign(key, (jwt) => jwt))).toMatchObject({ userId: 'ann' });
    await expect(tokens.verify(await sign(key, (jwt) => jwt.setExpirationTime(1)))).rejects.toEqual(invalid);
    await expect(tokens.verify(await sign(key, (jwt) => jwt.setAudience('other')))).rejects.toEqual(invalid);
    await expect(tokens.verify(await sign(deriveKey('secret', 'links'), (jwt) => jwt))).rejects.toEqual(invalid);
    await expect(tokens.verify(await sign(deriveKey('other', 'tokens'), (jwt) => jwt))).rejects.toEqual(invalid);
    await expect(tokens.verify('')).rejects.toEqual(invalid);
  });
});

describe('the guard of logins', () => {
  it('lets a name wait after ten failures from one address, and forgets it after a while or a success', () => {
    let now = 0;
    const guard = new LoginGuard(() => now);
    for (let i = 0; i < 9; i++) guard.failed('ann', '1.1.1.1');
    expect(guard.waitSeconds('ann', '1.1.1.1')).toBe(0);
    guard.failed('ann', '1.1.1.1');
    expect(guard.waitSeconds('ann', '1.1.1.1')).toBe(300);
    expect(guard.waitSeconds('ann', '2.2.2.2')).toBe(0);
    expect(guard.waitSeconds('bob', '1.1.1.1')).toBe(0);
    now = 301_000;
    expect(guard.waitSeconds('ann', '1.1.1.1')).toBe(0);
    for (let i = 0; i < 9; i++) guard.failed('ann', '1.1.1.1');
    guard.succeeded('ann', '1.1.1.1');
    guard.failed('ann', '1.1.1.1');
    expect(guard.waitSeconds('ann', '1.1.1.1')).toBe(0);
  });
});
