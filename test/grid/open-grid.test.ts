/** Addresses of grids, and stores that can't hold one. */
import { startFauxqs } from 'fauxqs';
import { describe, expect, it } from 'vitest';
import { openGrid } from '../../src/grid/open-grid.ts';
import { silentLog } from '../../src/log.ts';
import { options } from './places.ts';

const nothing = { s3: null, databaseUrl: null, log: silentLog };

describe('openGrid', () => {
  it.each([
    ['https://example.org/grid', /no address of a grid/],
    ['postgres://user:geheim@host/db', /no address of a grid/],
    ['postgres://user:p@geheim@host/db', /no address of a grid/],
    ['s3://bucket/prefix', /LAMINA_S3_ENDPOINT/],
    ['database:scenes', /LAMINA_DATABASE_URL/],
    ['database:', /needs a name/],
    ['database:a b', /needs a name/],
  ])('refuses %s', async (address, reason) => {
    const error = await openGrid(address, nothing, options).catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message).toMatch(reason);
    expect((error as Error).message).not.toContain('geheim');
  });

  it('refuses a bucket whose server lets several writers create the same object', async () => {
    const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
    const s3 = { endpoint: `http://127.0.0.1:${server.port}`, bucket: 'unused', region: 'us-east-1', accessKey: 'test', secretKey: 'test' };
    await expect(openGrid('s3://grids/a', { ...nothing, s3 }, options)).rejects.toThrow(/can't hold a grid.*If-None-Match/);
    await server.stop();
  });
});
