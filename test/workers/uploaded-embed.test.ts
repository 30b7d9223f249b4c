/** Embeddings of a user's files: another process computes the blocks, for the owner and from his files only. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UploadedFiles } from '../../src/catalog/uploaded/uploaded-files.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import { EmbedBlocks, type BlockTask } from '../../src/layers/embed-blocks.ts';
import { EngineScope, type Engine } from '../../src/layers/scope.ts';
import { silentLog } from '../../src/log.ts';
import { LocalCopies } from '../../src/storage/local-copies.ts';
import { UserFiles } from '../../src/storage/user-files.ts';
import { createEmbedHandler } from '../../src/workers/embed.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';

const { signal } = new AbortController();
let folder: string;
let service: ToyService;
let rasters: RasterCache;
let files: UserFiles;
let engine: Engine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-uploaded-embed-'));
  service = await toyService(folder, []);
  rasters = new RasterCache({ store: service.store });
  files = new UserFiles(service.store, { quotaBytes: 1e9, fileBytes: 1e9 });
  engine = { ...service.engine, rasters, files: new UploadedFiles({ files, rasters, copies: new LocalCopies(folder) }) };
  await upload('ann', 20);
  await upload('bob', 100);
});
afterAll(async () => {
  await rasters.close();
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

async function upload(user: string, first: number): Promise<void> {
  const { assets } = await writeItem(folder, user, '2021-05-01T00:00:00Z', (band) => first + band * 40);
  await files.put(user, 'scene.tif', { body: createReadStream(fileURLToPath(assets['data']!.href)), sizeBytes: null });
}

/** The task that a run of the user would put on the queue, as the queue hands it on. */
async function taskOf(user: string): Promise<BlockTask> {
  const noted: BlockTask[] = [];
  const blocks = new EmbedBlocks({ store: service.store, compute: async (task) => {
    noted.push(task);
    throw new Error('noted');
  } });
  const scope = new EngineScope({ ...engine, blocks }, { signal, log: silentLog, user });
  const cube = (await evaluate({ process_graph: {
    load: { process_id: 'load_uploaded_files', arguments: { paths: ['scene.tif'], format: 'GTiff' } },
    embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: 'toy' }, result: true },
  } }, engine.registry, scope)) as Cube;
  await expect(cube.read(cube.fullWindow())).rejects.toThrow('noted');
  return JSON.parse(JSON.stringify(noted[0])) as BlockTask;
}

it('tells whose files are meant, and keeps the blocks of two owners apart', async () => {
  const [ofAnn, ofBob] = [await taskOf('ann'), await taskOf('bob')];
  expect([ofAnn.filesOf, ofBob.filesOf]).toEqual(['ann', 'bob']);
  expect(ofAnn.origin).toEqual(ofBob.origin);
  expect(ofAnn.key).not.toBe(ofBob.key);
  const handler = createEmbedHandler({ engine, store: service.store, runtime: service.runtime, log: silentLog });
  expect(await handler(ofAnn, signal)).toMatchObject({ computed: true, samples: expect.any(Number) });
  expect(await handler(ofBob, signal)).toMatchObject({ computed: true, samples: expect.any(Number) });
});

it('computes nothing of the files of one user for another, nor for nobody', async () => {
  await upload('ann', 30);
  const task = await taskOf('ann');
  const handler = createEmbedHandler({ engine, store: service.store, runtime: service.runtime, log: silentLog });
  await expect(handler({ ...task, filesOf: 'bob' }, signal)).rejects.toMatchObject({ message: expect.stringContaining('source data changed') as unknown });
  const { filesOf: _, ...anonymous } = task;
  await expect(handler(anonymous, signal)).rejects.toMatchObject({ code: 'ProcessUnsupported' });
  expect(await handler(task, signal)).toMatchObject({ computed: true, samples: expect.any(Number) });
});
