/** A workspace with files that the service itself wrote, for tests of loading them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReadStream } from 'node:fs';
import { UploadedFiles } from '../../../src/catalog/uploaded/uploaded-files.ts';
import type { Cube } from '../../../src/cube/cube.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { findFormat } from '../../../src/formats/index.ts';
import { silentLog } from '../../../src/log.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { LocalCopies } from '../../../src/storage/local-copies.ts';
import { UserFiles, type UserFile } from '../../../src/storage/user-files.ts';

export interface Workspace {
  readonly folder: string;
  readonly store: ObjectStore;
  readonly files: UserFiles;
  readonly uploaded: UploadedFiles;
  /** Samples that were asked for. */
  readonly read: { samples: number };
  /** Saves a cube in a format and uploads its first file. */
  save(path: string, cube: Cube, format?: string, options?: Record<string, unknown>, user?: string): Promise<UserFile>;
  upload(path: string, content: string | Uint8Array, user?: string): Promise<UserFile>;
  load(paths: readonly string[], format?: string, options?: Record<string, string | string[]>, user?: string): Promise<Cube>;
  close(): Promise<void>;
}

export async function openWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-uploaded-'));
  const store = createLocalStore(join(folder, 'objects'));
  const rasters = new RasterCache({ store });
  const files = new UserFiles(store, { quotaBytes: 1e9, fileBytes: 1e9 });
  const copies = new LocalCopies(folder);
  const uploaded = new UploadedFiles({ files, rasters, copies });
  const read = { samples: 0 };
  const { signal } = new AbortController();
  return {
    folder, store, files, uploaded, read,
    async save(path, cube, format = 'GTiff', options = {}, user = 'ann') {
      const directory = await mkdtemp(join(folder, 'save-'));
      const [written] = await findFormat(format).write(cube, options, { directory, signal, log: silentLog });
      return files.put(user, path, { body: createReadStream(written!.path), sizeBytes: null });
    },
    upload: (path, content, user = 'ann') => files.put(user, path, { body: (async function* () { yield Buffer.from(content); })(), sizeBytes: null }),
    load: (paths, format = 'GTiff', options = {}, user = 'ann') => uploaded.load({ paths, format, options }, { user, signal, onRead: (samples) => void (read.samples += samples) }),
    async close() {
      await rasters.close();
      await copies.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
