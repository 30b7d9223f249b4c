/** Operators made for accelerators on workers that have none: what a run does, and what its log says. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lane, Task, TaskQueues } from '../../src/jobs/queue.ts';
import { EmbedBlocks, type BlockTask } from '../../src/layers/embed-blocks.ts';
import { EngineScope, type Engine } from '../../src/layers/scope.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import type { Accelerators } from '../../src/operators/accelerators.ts';
import type { Operator, OperatorRegistry, OperatorResources } from '../../src/operators/operator.ts';
import { createEmbedHandler } from '../../src/workers/embed.ts';
import { queuedComputer } from '../../src/workers/queued-computer.ts';
import { operator } from '../layers/fixtures.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';

const signal = new AbortController().signal;
const none: Accelerators = { threads: false, programs: false };
let folder: string;
const services: ToyService[] = [];
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-gpu-'))));
afterAll(async () => {
  for (const service of services) await service.close();
  await rm(folder, { recursive: true, force: true });
});

/** A run over two dates, whose blocks go through a queue to a worker with `has`; `fleet` is what the service knows of its workers. */
async function start(resources: OperatorResources, has: Accelerators, { fleet, caveat = null }: { readonly fleet?: Accelerators | null; readonly caveat?: string | null } = {}) {
  const own = await mkdtemp(join(folder, 'service-'));
  const service = await toyService(own, [await writeItem(own, 'a', '2021-05-01T00:00:00Z', () => 20), await writeItem(own, 'b', '2021-06-01T00:00:00Z', () => 30)]);
  services.push(service);
  const called: Operator = { ...operator, manifest: { ...operator.manifest, resources } };
  const operators: OperatorRegistry = { list: () => [called], resolve: () => called, caveat: () => caveat };
  const engine: Engine = { ...service.engine, operators };
  const handler = createEmbedHandler({ engine, store: service.store, runtime: service.runtime, log: silentLog, accelerators: has });
  const lanes: Lane[] = [];
  const done = new Map<string, unknown>();
  const queues = {
    add: async (lane: Lane, task: Task<BlockTask>) => {
      lanes.push(lane);
      done.set(task.id, await handler(task.payload, signal));
    },
    result: async (_: Lane, id: string) => done.get(id),
    remove: async () => {},
  } as unknown as TaskQueues;
  const logged: LogEntry[] = [];
  const blocks = new EmbedBlocks({ store: service.store, compute: queuedComputer(queues, service.store, 'batch') });
  const scope = new EngineScope({ ...engine, blocks, ...(fleet === undefined ? {} : { accelerators: () => fleet }) }, { signal, log: createLog((entry) => logged.push(entry)) });
  const read = async () => {
    const cube = await scope.loadCollection({ id: 'LAYER', spatialExtent: null, temporalExtent: null, bands: null, properties: null });
    return cube.read(cube.fullWindow());
  };
  return { read, lanes, service, warnings: () => logged.filter(({ level }) => level === 'warning').map(({ message }) => message) };
}

describe('an operator that is made for an accelerator', () => {
  it('is computed on the processor with one warning in the log of the run, however many blocks there are', async () => {
    const run = await start({ gpu: true }, none);
    await run.read();
    expect([run.service.runtime.runs, run.lanes]).toEqual([2, ['embed', 'embed']]);
    expect(run.warnings()).toEqual([expect.stringMatching(/'toy:1\.0\.0' is made for an accelerator \(a GPU\) and is computed on the processor/)]);
  });

  it('is no matter of warnings where there is one', async () => {
    const run = await start({ gpu: true }, { threads: true, programs: false });
    await run.read();
    expect(run.warnings()).toEqual([]);
  });
});

describe('an operator that needs an accelerator', () => {
  const needs = { gpu: true, accelerator_constrained: true };

  it('is refused before a block is queued when no worker has one', async () => {
    const run = await start(needs, none, { fleet: none });
    await expect(run.read()).rejects.toMatchObject({ code: 'NoAccelerator', status: 503 });
    expect(run.lanes).toEqual([]);
  });

  it('goes to the workers that have one, and to no others', async () => {
    const run = await start(needs, { threads: true, programs: false }, { fleet: { threads: true, programs: false } });
    await run.read();
    expect(run.lanes).toEqual(['accelerated', 'accelerated']);
  });
});

it('a registry that does not answer is told in the log of the run, once', async () => {
  const run = await start({}, none, { caveat: 'The registry of operators http://example.org can\'t be reached.' });
  await run.read();
  await run.read();
  expect(run.warnings()).toEqual(['The registry of operators http://example.org can\'t be reached.']);
});
