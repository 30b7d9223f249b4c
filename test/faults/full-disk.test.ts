/** A disk without room: told as such, and nothing half written stays behind. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenEOError } from '../../src/errors.ts';
import { diskFailure, remoteFailure } from '../../src/storage/failures.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-full-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a script in a process whose files may have 64 KiB at most: writes beyond that fail as on a full disk. */
function runLimited(path: string): unknown {
  const { stdout, stderr, status } = spawnSync('sh', ['-c', `trap '' XFSZ; ulimit -f 128; exec "$0" "$1"`, process.execPath, path], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

it('a file that finds no room is StorageFailure, the old object stays and no temporary file is left', async () => {
  const script = join(folder, 'write.mts');
  await writeFile(script, `
    import { createLocalStore } from ${JSON.stringify(pathToFileURL(resolve('src/storage/local.ts')).href)};
    import { Readable } from 'node:stream';
    const store = createLocalStore(${JSON.stringify(join(folder, 'objects'))});
    await store.put('blocks/kept', Buffer.from('old'));
    const large = new Uint8Array(200_000);
    const outcomes = [];
    for (const [key, body] of [['blocks/kept', large], ['blocks/new', large], ['blocks/stream', Readable.from([large.subarray(0, 40_000), large])]]) {
      outcomes.push(await store.put(key, body).then(() => 'stored', (error) => [error.code, error.message]));
    }
    await store.put('blocks/small', Buffer.from('fits'));
    outcomes.push(Buffer.from(await store.get('blocks/kept')).toString());
    process.stdout.write(JSON.stringify(outcomes));
  `);
  const failure = ['StorageFailure', expect.stringContaining('There is no room left')];
  expect(runLimited(script)).toEqual([failure, failure, failure, 'old']);
  expect((await readdir(join(folder, 'objects', 'blocks'))).sort()).toEqual(['kept', 'small']);
});

it('knows what disks and servers call it, and leaves other errors as they are', () => {
  const error = (fields: object) => Object.assign(new Error('text with /a/path'), fields);
  for (const code of ['ENOSPC', 'EDQUOT']) expect(diskFailure(error({ code }))).toMatchObject({ code: 'StorageFailure', message: expect.not.stringContaining('/a/path') as unknown });
  const other = error({ code: 'EACCES' });
  expect(diskFailure(other)).toBe(other);
  for (const fields of [{ name: 'XMinioStorageFull', $metadata: { httpStatusCode: 507 } }, { $metadata: { httpStatusCode: 507 } }]) {
    expect((remoteFailure(error(fields)) as OpenEOError).message).toContain('There is no room left');
  }
  expect(remoteFailure(other)).toBe(other);
});
