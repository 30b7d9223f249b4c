/** Blocks that are empty, broken or unlucky: what the lane does with them, with a real catalog. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { retryFailed } from '../../src/catalog/cache-report.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { OpenEOError } from '../../src/errors.ts';
import { blockObjectKey } from '../../src/layers/embed-block.ts';
import { EmbedBlocks, type BlockComputer, type BlockTask } from '../../src/layers/embed-blocks.ts';
import { EngineScope } from '../../src/layers/scope.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import type { OperatorRuntime } from '../../src/operators/operator.ts';
import { createEmbedHandler } from '../../src/workers/embed.ts';
import { writeItem, type ToyService } from '../layers/service.ts';
import { openBlockWorld, type BlockWorld } from './block-world.ts';

const signal = new AbortController().signal;
let world: BlockWorld;
beforeAll(async () => {
  world = await openBlockWorld();
});
afterAll(() => world.close());

interface Lane {
  readonly service: ToyService;
  /** Tasks that reached the lane. */
  readonly tasks: BlockTask[];
  readonly logged: LogEntry[];
  /** The layer in a process that remembers nothing. */
  open(): Promise<Cube>;
}

/** A lane that tries a task three times, as the real one does. */
async function startLane(item: StacItem, runtime?: OperatorRuntime, firstAttempt = 1): Promise<Lane> {
  const service = await world.serve([item]);
  const logged: LogEntry[] = [];
  const log = createLog((entry) => logged.push(entry));
  const handler = createEmbedHandler({ engine: service.engine, store: service.store, runtime: runtime ?? service.runtime, log, catalog: world.cache });
  const tasks: BlockTask[] = [];
  const compute: BlockComputer = async (task) => {
    tasks.push(task);
    for (let attempt = firstAttempt; ; attempt++) {
      try {
        return await handler(task, signal, attempt);
      } catch (error) {
        if (attempt >= firstAttempt + 2 || (error instanceof OpenEOError && error.status < 500)) throw error;
      }
    }
  };
  const open = async () => {
    const blocks = new EmbedBlocks({ store: service.store, compute, catalog: world.cache, log });
    const scope = new EngineScope({ ...service.engine, blocks }, { signal, log: silentLog });
    return scope.loadCollection({ id: 'LAYER', spatialExtent: null, temporalExtent: null, bands: null, properties: null });
  };
  return { service, tasks, logged, open };
}

const read = async (lane: Lane) => {
  const cube = await lane.open();
  return cube.read(cube.fullWindow());
};
const broken = (error: () => Error): OperatorRuntime & { runs: number } => {
  const runtime = { runs: 0, run: async () => {
    runtime.runs++;
    throw error();
  }, close: async () => {} };
  return runtime;
};
const rowOf = async (lane: Lane) => {
  const key = blockObjectKey(lane.tasks[0]!.key);
  return (await world.cache.find([key])).get(key);
};
const endBackOff = () => world.database.query(`update cache_objects set failed = failed - interval '1 hour', retry = retry - interval '1 hour' where state = 'failed'`);

describe('a block that can\'t be computed', () => {
  it('is set aside after three tries; requests are told why at once, until the back-off is over', async () => {
    const runtime = broken(() => new Error('/secret/path: illegal instruction'));
    const lane = await startLane(await writeItem(world.folder, 'poison', '2021-05-01T00:00:00Z', () => 20), runtime);
    await expect(read(lane)).rejects.toThrow('illegal instruction');
    expect(runtime.runs).toBe(3);
    expect(await rowOf(lane)).toMatchObject({ state: 'failed', attempts: 3, layer: 'LAYER', label: '2021-05-01T00:00:00Z', operator: 'toy@sha256:00' });
    expect(lane.logged.some(({ level, message }) => level === 'error' && message.includes('set aside'))).toBe(true);

    const refusal = await read(lane).catch((error: unknown) => error as OpenEOError);
    expect(refusal).toMatchObject({ code: 'Internal', message: expect.stringMatching(/layer 'LAYER' around 4\.4\d+, 50\.5\d+ .* on 2021-05-01.*can't be computed: an unforeseen error.*It failed 3 times.*tried again after 20/) as unknown });
    expect((refusal as OpenEOError).message).not.toContain('secret');
    expect([runtime.runs, lane.tasks.length]).toEqual([3, 1]);

    await endBackOff();
    await expect(read(lane)).rejects.toThrow('illegal instruction');
    expect(await rowOf(lane)).toMatchObject({ state: 'failed', attempts: 6 });
    await expect(read(lane)).rejects.toThrow(/It failed 6 times/);
    expect(await retryFailed(world.database, 'LAYER')).toBe(1);
    await expect(read(lane)).rejects.toThrow('illegal instruction');
    expect(runtime.runs).toBe(9);
  });

  it('is set aside when the workers that begin it die', async () => {
    const runtime = broken(() => new Error('never reached'));
    const lane = await startLane(await writeItem(world.folder, 'deadly', '2021-05-02T00:00:00Z', () => 20), runtime, 6);
    await expect(read(lane)).rejects.toThrow(/the workers that computed it died/);
    expect(runtime.runs).toBe(0);
    await expect(read(lane)).rejects.toThrow(/can't be computed: the workers that computed it died/);
  });

  it.each([
    ['a refusal', () => new OpenEOError('OperatorGridUnsuitable', { operator: 'toy', reason: 'no' })],
    ['a full disk', () => new OpenEOError('StorageFailure', {})],
    ['a queue that is away', () => new OpenEOError('InfrastructureBusy', {})],
  ])('%s says nothing about the block', async (name, error) => {
    const lane = await startLane(await writeItem(world.folder, `fine-${name}`, '2021-05-03T00:00:00Z', () => 20), broken(error));
    await expect(read(lane)).rejects.toThrow(OpenEOError);
    expect(await rowOf(lane)).toBeUndefined();
  });

  it('is a block like any other once a try succeeds', async () => {
    let isBroken = true;
    const lane = await startLane(await writeItem(world.folder, 'mended', '2021-05-04T00:00:00Z', () => 20), {
      run: async (...args) => {
        if (isBroken) throw new Error('broken');
        return lane.service.runtime.run(...args);
      },
      close: async () => {},
    });
    await expect(read(lane)).rejects.toThrow('broken');
    isBroken = false;
    await endBackOff();
    expect((await read(lane)).nulls?.includes(0) ?? true).toBe(true);
    await world.cache.flush();
    expect(await rowOf(lane)).toMatchObject({ state: 'stored', attempts: 0, reason: null });
  });
});

describe('a block without a valid patch', () => {
  it('gets a row and no object, and is no work for other processes', async () => {
    const lane = await startLane(await writeItem(world.folder, 'empty', '2021-05-05T00:00:00Z', () => 0));
    expect((await read(lane)).nulls!.every((n) => n === 1)).toBe(true);
    await world.cache.flush();
    expect(await rowOf(lane)).toMatchObject({ state: 'empty', bytes: 0 });
    expect(await lane.service.store.head(blockObjectKey(lane.tasks[0]!.key))).toBeNull();
    expect((await read(lane)).nulls!.every((n) => n === 1)).toBe(true);
    expect([lane.tasks.length, lane.service.runtime.runs]).toEqual([1, 0]);
  });
});

describe('a block that is damaged, gone or in a file', () => {
  it('is computed again and the damage is told', async () => {
    const lane = await startLane(await writeItem(world.folder, 'damaged', '2021-05-06T00:00:00Z', (band, x, y) => 1 + band + x + y));
    const good = await read(lane);
    const key = blockObjectKey(lane.tasks[0]!.key);
    const bytes = (await lane.service.store.get(key))!;
    for (const at of [2, 7, 20, 70, bytes.length >> 1, bytes.length - 1]) {
      const flipped = bytes.slice();
      flipped[at]! ^= 0x10;
      await lane.service.store.put(key, flipped);
      expect((await read(lane)).data, `byte ${at}`).toEqual(good.data);
      expect((await lane.service.store.get(key))!.length).toBe(bytes.length);
    }
    expect(lane.logged.filter(({ level, message }) => level === 'warning' && message.includes('damaged'))).toHaveLength(6);
    await lane.service.store.delete(key);
    expect((await read(lane)).data).toEqual(good.data);
  });
});
