/**
 * Memory grows with the block, not with the extent: a median composite of 4096 × 4096 × 4 × 12 stays under
 * 1.5 GB and within 20 % of one of 2048 × 2048. Takes minutes, so it runs when SLOW_TESTS=1 is set.
 */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrayCube } from '../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import { resultFormats } from '../../src/formats/index.ts';
import { silentLog } from '../../src/log.ts';
import { Client, freePort, lamina, run, until, type Started } from './processes.ts';

const wanted = process.env['SLOW_TESTS'] === '1';
const SIZE = 4096;
const bands = ['B02', 'B03', 'B04', 'B08'];

/** Writes one scene that compresses about as well as a real one. */
async function writeScene(directory: string): Promise<string> {
  const data = new Uint16Array(bands.length * SIZE * SIZE);
  let state = 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = 1000 + ((i % SIZE) >> 3) + (state >>> 26);
  }
  const grid = { crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 10, stepY: 10, width: SIZE, height: SIZE };
  const cube = arrayCube({ dimensions: [bandsDimension(bands), ...spatialDimensions(grid)], grid, dtype: 'uint16', data });
  const [file] = await resultFormats.GTiff.write(cube, { overviews: false }, { directory, signal: new AbortController().signal, log: silentLog });
  return file!.path;
}

describe.skipIf(!wanted)(`memory of a composite${wanted ? '' : ' (skipped: slow; set SLOW_TESTS=1)'}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-memory-'));
  const data = join(directory, 'data');
  let service: Started;
  let client: Client;

  beforeAll(async () => {
    const scenes = join(directory, 'scenes');
    mkdirSync(scenes);
    const first = join(scenes, 'S2_2021-01-01.tif');
    renameSync(await writeScene(directory), first);
    // Twelve dates of one file: the reader knows files by their path, so nothing is shared between them.
    for (let month = 2; month <= 12; month++) linkSync(first, join(scenes, `S2_2021-${String(month).padStart(2, '0')}-01.tif`));
    const port = await freePort();
    const environment = { LAMINA_PORT: String(port), LAMINA_DATA: data, LAMINA_BASIC_USERS: 'test:test' };
    service = lamina(['serve'], environment);
    await until(() => (service.output().includes('Ctrl-C ends') ? true : null), 'the service', 120_000, service);
    const ingested = await run(lamina(['ingest', scenes, '--collection', 'LARGE'], environment));
    expect(ingested.output).toContain('12 items');
    client = new Client(`http://127.0.0.1:${port}`);
    await client.login('test', 'test');
  }, 300_000);

  afterAll(async () => {
    await service.end();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  const workerPid = (): number | null => {
    const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
    const row = rows.find((line) => line.trim().split(/\s+/)[1] === String(service.child.pid) && line.includes('worker.ts'));
    return row === undefined ? null : Number(row.trim().split(/\s+/)[0]);
  };

  /** Peak resident memory of a fresh worker that makes the composite of the north-west `size` pixels, MB. */
  async function peak(size: number): Promise<number> {
    const old = workerPid();
    if (old !== null) process.kill(old, 'SIGKILL');
    const pid = await until(() => {
      const now = workerPid();
      return now !== null && now !== old ? now : null;
    }, 'a fresh worker', 30_000);
    const graph = {
      load: { process_id: 'load_collection', arguments: { id: 'LARGE', spatial_extent: { west: 600_000, east: 600_000 + size * 10, north: 5_600_000, south: 5_600_000 - size * 10, crs: 32631 }, temporal_extent: null } },
      median: { process_id: 'reduce_dimension', arguments: { data: { from_node: 'load' }, dimension: 't', reducer: { process_graph: { m: { process_id: 'median', arguments: { data: { from_parameter: 'data' } }, result: true } } } } },
      save: { process_id: 'save_result', arguments: { data: { from_node: 'median' }, format: 'GTiff' }, result: true },
    };
    await client.finished(await client.startJob(graph), 600_000);
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
  }

  it('is flat and under 1.5 GB', async () => {
    const small = await peak(2048);
    const large = await peak(4096);
    process.stdout.write(`peak memory: ${small.toFixed(0)} MB at 2048², ${large.toFixed(0)} MB at 4096²\n`);
    expect(large).toBeLessThan(1500);
    expect(large).toBeLessThan(small * 1.2);
  }, 1_200_000);
});
