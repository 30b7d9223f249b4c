/** Opens the operators of the package and those of the configured registries, for services and for commands. */
import { join } from 'node:path';
import type { Config } from './config.ts';
import type { Log } from './log.ts';
import { openRegistry } from './operators/registry/installed.ts';
import { NodeCache } from './operators/registry/node-cache.ts';
import { OperatorIndex } from './operators/registry/operator-index.ts';
import { openPlace, type PlaceSettings } from './operators/registry/place.ts';
import { Trust } from './operators/trust/trust.ts';
import { createLocalStore } from './storage/local.ts';
import type { ObjectStore } from './storage/object-store.ts';
import { openS3Store } from './storage/s3.ts';

export interface OpenOperatorsOptions {
  /** Folder of the operators of the package. */
  readonly installed: string;
  readonly log: Log;
  /** The object store of the service, where it is open already. */
  readonly store?: () => Promise<ObjectStore>;
}

/** Nobody has been asked yet: see `find`, `refresh` and `keepFresh`. */
export async function openOperators(config: Config, { installed, log, store }: OpenOperatorsOptions): Promise<OperatorIndex> {
  const settings = placeSettings(config, store);
  const places = config.operators.map((place) => openPlace(place, settings));
  const directory = join(config.data, 'operators');
  const trust = await Trust.open({ keys: config.operatorKeys, unsigned: config.unsignedOperators, log });
  const cache = new NodeCache(directory, { maxBytes: config.operatorCacheBytes, log });
  return new OperatorIndex({ installed: (await openRegistry(installed)).list(), places, cache, trust, directory: join(directory, 'answers'), log });
}

/** What opening a registry needs of the configuration. A command makes no data directory where it is started: only what is written makes one. */
export function placeSettings(config: Config, store = () => storeOf(config)): PlaceSettings {
  return { store, s3: config.s3 };
}

async function storeOf({ s3, data }: Config): Promise<ObjectStore> {
  return s3 === null ? createLocalStore(`${data}/objects`) : openS3Store(s3);
}
