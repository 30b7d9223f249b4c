/** The three kinds of places that a grid can be in, each with fresh grids for tests. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGrid, type GridAccess } from '../../src/grid/open-grid.ts';
import type { Grid, GridOptions } from '../../src/grid/grid.ts';
import { silentLog } from '../../src/log.ts';
import { startFreshDatabase } from '../database/fresh-database.ts';
import { startS3 } from '../storage/s3-double.ts';

export type PlaceKind = 'directory' | 's3' | 'database';
export const placeKinds: readonly PlaceKind[] = ['directory', 's3', 'database'];

export interface TestPlace {
  readonly access: GridAccess;
  /** Address of a grid that nobody has used. */
  newAddress(): string;
  open(address: string, options?: Partial<GridOptions>): Promise<Grid>;
  stop(): Promise<void>;
}

export const options: GridOptions = { worker: 'test', leaseMs: 60_000, maxAttempts: 3 };

export async function startPlace(kind: PlaceKind): Promise<TestPlace> {
  const { access, newAddress, stop } = await start(kind);
  return { access, newAddress, stop, open: (address, more = {}) => openGrid(address, access, { ...options, ...more }) };
}

async function start(kind: PlaceKind): Promise<Pick<TestPlace, 'access' | 'newAddress' | 'stop'>> {
  const nothing = { s3: null, databaseUrl: null, log: silentLog };
  if (kind === 'directory') {
    const folder = await mkdtemp(join(tmpdir(), 'lamina-grid-'));
    return { access: nothing, newAddress: () => join(folder, randomUUID()), stop: () => rm(folder, { recursive: true, force: true }) };
  }
  if (kind === 'database') {
    const fresh = await startFreshDatabase();
    return { access: { ...nothing, databaseUrl: fresh.url }, newAddress: () => `database:${randomUUID()}`, stop: () => fresh.stop() };
  }
  const server = await startS3();
  const s3 = { endpoint: `http://127.0.0.1:${server.port}`, bucket: 'unused', region: 'us-east-1', accessKey: 'test', secretKey: 'test' };
  return { access: { ...nothing, s3 }, newAddress: () => `s3://grids/${randomUUID()}`, stop: () => server.stop() };
}
