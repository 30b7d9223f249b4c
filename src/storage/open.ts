/** Chooses the object store of a deployment. */
import { mkdir } from 'node:fs/promises';
import { createLocalStore } from './local.ts';
import type { ObjectStore } from './object-store.ts';
import { openS3Store } from './s3.ts';
import type { S3Settings } from './s3.ts';

export interface StoreSettings {
  /** Where objects lie when there is no S3 server. */
  readonly directory: string;
  readonly s3: S3Settings | null;
}

/** Opens the bucket when S3 is configured, else the directory. */
export async function openObjectStore(settings: StoreSettings): Promise<ObjectStore> {
  if (settings.s3 !== null) return openS3Store(settings.s3);
  await mkdir(settings.directory, { recursive: true });
  return createLocalStore(settings.directory);
}
