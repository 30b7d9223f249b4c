import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig, settingNames } from '../src/config.ts';

describe('readConfig', () => {
  it('needs nothing', () => {
    expect(readConfig({ PATH: '/bin', LAMINA_REDIS_URL: '' })).toMatchObject({
      port: 8080, host: '127.0.0.1', data: resolve('data'), publicUrl: null, databaseUrl: null, redisUrl: null, s3: null, basicUsers: null,
      secret: null, logLevel: 'info',
    });
  });

  it('reads every setting', () => {
    const config = readConfig({
      LAMINA_PORT: '9000', LAMINA_PUBLIC_URL: 'https://eo.example/lamina/', LAMINA_DATABASE_URL: 'postgres://u:p@db/x', LAMINA_REDIS_URL: 'redis://r:6379',
      LAMINA_S3_ENDPOINT: 'http://s3:9000', LAMINA_S3_ACCESS_KEY: 'a', LAMINA_S3_SECRET_KEY: 'b', LAMINA_BASIC_USERS: 'ann:s:e=c, bob:x ',
      LAMINA_CACHE_MIB: '64', LAMINA_LOG_LEVEL: 'Debug', LAMINA_SECRET: 'x'.repeat(32),
    });
    expect(config).toMatchObject({
      port: 9000, publicUrl: 'https://eo.example/lamina', databaseUrl: 'postgres://u:p@db/x', redisUrl: 'redis://r:6379', cacheBytes: 64 * 1024 * 1024, logLevel: 'debug',
      s3: { endpoint: 'http://s3:9000', bucket: 'lamina', region: 'us-east-1', accessKey: 'a', secretKey: 'b' },
      basicUsers: [{ name: 'ann', password: 's:e=c' }, { name: 'bob', password: 'x' }],
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('names all problems at once and repeats no password', () => {
    const attempt = () => readConfig({
      LAMINA_PORT: 'http', LAMINA_LOG_LEVEL: 'loud', LAMINA_BASIC_USERS: 'ann:hush,bad name:hush', LAMINA_DATABASE_URL: 'mysql://u:hush@db', LAMINA_S3_ENDPOINT: 'http://s3',
      LAMINA_SECRET: 'hush', LAMINA_PRT: '1',
    });
    expect(attempt).toThrow(/LAMINA_PORT.*\n.*LAMINA_DATABASE_URL.*\n.*LAMINA_BASIC_USERS.*entry 2.*\n.*LAMINA_SECRET.*\n.*LAMINA_LOG_LEVEL.*"loud"\n.*LAMINA_S3_ACCESS_KEY.*\n.*LAMINA_PRT/);
    expect(attempt).not.toThrow(/hush/);
  });
});

describe('LAMINA_OPERATORS', () => {
  const s3 = { LAMINA_S3_ENDPOINT: 'http://s3', LAMINA_S3_ACCESS_KEY: 'a', LAMINA_S3_SECRET_KEY: 'b' };

  it('names registries in their order; the object store of the service is the usual one', () => {
    expect(readConfig({}).operators).toEqual(['store']);
    expect(readConfig({ LAMINA_OPERATORS: 'none' }).operators).toEqual([]);
    expect(readConfig({ ...s3, LAMINA_OPERATORS: '/srv/models/, store,s3://models/eo, https://anna:pw@models.example.org/lamina' }).operators)
      .toEqual(['/srv/models', 'store', 's3://models/eo', 'https://anna:pw@models.example.org/lamina']);
  });

  it.each(['models', 'ftp://x/y', 'https://', 's3://X', 'store,,none'])("refuses '%s', without repeating it", (text) => {
    expect(() => readConfig({ ...s3, LAMINA_OPERATORS: text })).toThrow(/LAMINA_OPERATORS must be 'none', or 'store'/);
  });

  it('needs an S3 server for a bucket', () => {
    expect(() => readConfig({ LAMINA_OPERATORS: 's3://bucket' })).toThrow(/LAMINA_S3_ENDPOINT/);
  });
});

describe('LAMINA_WORKSPACES', () => {
  const s3 = { LAMINA_S3_ENDPOINT: 'http://s3:9000', LAMINA_S3_ACCESS_KEY: 'a', LAMINA_S3_SECRET_KEY: 'b' };

  it('names directories and buckets', () => {
    expect(readConfig({}).workspaces).toEqual([]);
    expect(readConfig({ ...s3, LAMINA_WORKSPACES: 'lab=/data/lab/, public=s3://results/eo/,all=s3://everything' }).workspaces).toEqual([
      { name: 'lab', place: { directory: '/data/lab' } },
      { name: 'public', place: { bucket: 'results', prefix: 'eo/' } },
      { name: 'all', place: { bucket: 'everything', prefix: '' } },
    ]);
  });

  it.each(['lab', 'lab=relative', 'user=/data', 'a b=/data', 'a=/x,a=/y', 'a=s3://B'])('%s is refused', (text) => {
    expect(() => readConfig({ ...s3, LAMINA_WORKSPACES: text })).toThrow(/LAMINA_WORKSPACES/);
  });

  it('wants a server for its buckets', () => {
    expect(() => readConfig({ LAMINA_WORKSPACES: 'a=s3://bucket' })).toThrow(/LAMINA_S3_ENDPOINT/);
  });
});

describe('the documentation of the settings', () => {
  it('lists exactly the table, in its order', () => {
    const documented = [...readFileSync('docs/configuration.md', 'utf8').matchAll(/^\| `(LAMINA_\w+)` \|/gm)].map((match) => match[1]);
    expect(documented).toEqual(settingNames);
  });

  it('is what the example of the composed deployment uses', () => {
    expect(existsSync('.env.example')).toBe(true);
    // LAMINA_BIND is docker-compose.yml's own: the address of the host machine, which no container knows.
    const used = [...readFileSync('.env.example', 'utf8').matchAll(/^#?\s*(LAMINA_\w+)=/gm)].map((match) => match[1]).filter((name) => name !== 'LAMINA_BIND');
    expect(used.length).toBeGreaterThan(0);
    expect(settingNames).toEqual(expect.arrayContaining(used));
  });
});
