import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbedBlocks } from '../../src/layers/embed-blocks.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import { directComputer } from '../../src/workers/embed.ts';
import { runProcess, type RunRequest, type RunResult } from '../../src/workers/run-process.ts';
import { utmGrid } from '../layers/fixtures.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';

let folder: string;
let service: ToyService;
let logged: LogEntry[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-run-'));
  service = await toyService(folder, [await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band) => 20 + band * 40), await writeItem(folder, 'b', '2021-06-01T00:00:00Z', () => 7)]);
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

type Graph = RunRequest['process']['process_graph'];
const load = (id = 'RAW') => ({ process_id: 'load_collection', arguments: { id, spatial_extent: null, temporal_extent: ['2021-05-01T00:00:00Z', '2021-05-02T00:00:00Z'] } });
const save = (from: string, format: string, result = false) => ({ process_id: 'save_result', arguments: { data: { from_node: from }, format }, ...(result ? { result } : {}) });

function run(process_graph: unknown, changes: Partial<RunRequest> = {}): Promise<RunResult> {
  logged = [];
  return runProcess(service.engine, service.store, {
    process: { process_graph: process_graph as Graph }, prefix: 'results/job/1', scratch: join(folder, 'scratch'),
    log: createLog((entry) => logged.push(entry), 'debug'), signal: new AbortController().signal, ...changes,
  });
}

const textOf = async (key: string) => Buffer.from((await service.store.get(key))!).toString();

describe('runProcess', () => {
  it('stores the file of a save_result node and tells what it took', async () => {
    const shares: number[] = [];
    const { files, facts, saved } = await run({ load: load(), save: save('load', 'GTiff', true) }, { onProgress: (share) => shares.push(share) });
    expect(files).toHaveLength(1);
    const [file] = files;
    expect(file).toMatchObject({ mediaType: expect.stringContaining('image/tiff') as unknown, roles: ['data'], metadata: { 'proj:code': 'EPSG:32631' } });
    expect(file!.objectKey).toBe(`results/job/1/${file!.name}`);
    expect((await service.store.head(file!.objectKey))!.sizeBytes).toBe(file!.sizeBytes);
    expect(facts).toEqual({ cached: 0, computed: 0, samplesRead: 2 * 128 * 128 });
    expect(saved).toHaveLength(1);
    expect(Object.values(saved[0]!.origin)).toMatchObject([{ process_id: 'load_collection', arguments: { id: 'RAW' } }]);
    expect(shares.length).toBeGreaterThan(0);
    expect(shares.every((share) => share > 0 && share <= 1)).toBe(true);
    expect(logged.at(-1)).toMatchObject({ level: 'info', message: expect.stringMatching(/^Finished in .* 1 file\(s\), 32768 source samples read$/) as unknown, data: { blocks_cached: 0, blocks_computed: 0, samples_read: 32768 } });
  });

  it('keeps the files of several save_result nodes apart, also where they have one name', async () => {
    const { files } = await run({ load: load(), one: save('load', 'GTiff'), two: save('load', 'GTiff'), three: save('load', 'netCDF', true) });
    expect(files).toHaveLength(3);
    expect(new Set(files.map((f) => f.name)).size).toBe(3);
    const [first, second] = files.filter((f) => f.mediaType.startsWith('image/tiff')).map((f) => f.name);
    expect(second).toBe(first!.replace('.tif', '_2.tif'));
    for (const { objectKey } of files) expect(await service.store.head(objectKey)).not.toBeNull();
  });

  it('counts blocks of embeddings, computed and cached', async () => {
    const graph = { load: load('LAYER'), save: save('load', 'GTiff', true) };
    expect((await run(graph)).facts).toMatchObject({ cached: 0, computed: 1 });
    expect(logged.at(-1)!.message).toContain('embedding blocks: 0 cached, 1 computed');
    expect((await run(graph)).facts).toMatchObject({ cached: 1, computed: 0 });
  });

  it.each([
    ['a number', { add: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } }, 3],
    ['null', { add: { process_id: 'add', arguments: { x: null, y: 2 }, result: true } }, null],
    ['an array', { sort: { process_id: 'sort', arguments: { data: [3, 1, 2] }, result: true } }, [1, 2, 3]],
  ])('gives %s that a graph ends in as JSON', async (_, graph, expected) => {
    const { files, saved } = await run(graph);
    expect(files).toMatchObject([{ mediaType: 'application/json' }]);
    expect(JSON.parse(await textOf(files[0]!.objectKey))).toEqual(expected);
    expect(saved).toEqual([]);
  });

  it('refuses a cube that nothing saves', async () => {
    await expect(run({ load: { ...load(), result: true } })).rejects.toMatchObject({ code: 'ProcessGraphInvalid', message: expect.stringContaining('let it end in save_result') as unknown });
  });

  it('refuses an unknown format by name and lists those there are', async () => {
    await expect(run({ load: load(), save: save('load', 'Excel', true) })).rejects.toThrow(/Excel.*GTiff, netCDF, Zarr, Parquet, PNG, .*CSV/);
  });

  it('refuses to read more samples than it may', async () => {
    await expect(run({ load: load(), save: save('load', 'GTiff', true) }, { maxSamples: 1000 })).rejects.toMatchObject({ code: 'ProcessGraphComplexity', message: expect.stringContaining('1000 samples') as unknown });
  });

  it('stops when it is told to', async () => {
    await expect(run({ load: load(), save: save('load', 'GTiff', true) }, { signal: AbortSignal.abort(new Error('canceled')) })).rejects.toThrow('canceled');
  });

  it('leaves nothing in the scratch directory, however it ends', async () => {
    expect(await readdir(join(folder, 'scratch'))).toEqual([]);
  });
});

describe('progress of embeddings', () => {
  it.each(['GTiff', 'netCDF', 'Zarr'])('is that of their blocks, one by one (%s)', async (format) => {
    const own = await mkdtemp(join(folder, 'progress-'));
    const many = await toyService(own, [await writeItem(own, 'wide', '2021-05-01T00:00:00Z', () => 5, utmGrid(640, 256)), await writeItem(own, 'later', '2021-06-01T00:00:00Z', () => 6, utmGrid(640, 256))]);
    let done = 0;
    const compute = directComputer(many.store, many.runtime);
    const seen: [share: number, done: number][] = [];
    const blocks = new EmbedBlocks({ store: many.store, compute });
    await runProcess({ ...many.engine, blocks }, many.store, {
      process: { process_graph: { load: { process_id: 'load_collection', arguments: { id: 'LAYER', spatial_extent: null, temporal_extent: null } }, save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format }, result: true } } },
      prefix: 'results/progress', scratch: folder, log: silentLog, signal: new AbortController().signal,
      onComputed: () => void done++, onProgress: (share) => void seen.push([share, done]),
    });
    await many.close();
    expect(done).toBe(20);
    expect(seen.map(([share]) => share)).toEqual(seen.map(([share]) => share).toSorted((a, b) => a - b));
    // The first of them is told when the first block is there.
    expect(new Set(seen.map(([share]) => Math.round(share * 20))).size).toBe(20);
    for (const [share, blocksDone] of seen) expect(Math.abs(share * 20 - blocksDone)).toBeLessThanOrEqual(1);
  });
});
