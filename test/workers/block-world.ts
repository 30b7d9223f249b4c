/** For tests: a folder, a database with the list of cached blocks, and services of the toy operator. All of it goes with the tests of a file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlockCatalogStore } from '../../src/catalog/block-catalog.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import type { Database } from '../../src/database/connection.ts';
import { startFreshDatabase } from '../database/fresh-database.ts';
import { toyService, type ToyService } from '../layers/service.ts';

export interface BlockWorld {
  readonly folder: string;
  readonly database: Database;
  /** Written when a test says so. */
  readonly cache: BlockCatalogStore;
  /** A service over these scenes, with objects of its own. */
  serve(items: readonly StacItem[]): Promise<ToyService>;
  close(): Promise<void>;
}

export async function openBlockWorld(): Promise<BlockWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-blocks-'));
  const fresh = await startFreshDatabase();
  const cache = new BlockCatalogStore(fresh.database, { flushMs: 3_600_000 });
  const services: ToyService[] = [];
  return {
    folder, cache, database: fresh.database,
    async serve(items) {
      const service = await toyService(await mkdtemp(join(folder, 'service-')), [...items]);
      services.push(service);
      return service;
    },
    async close() {
      for (const service of services) await service.close();
      await cache.close();
      await fresh.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
