/** A job says in what its operators run; embeddings and STAC metadata are the same, whatever it says. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { arrayCube } from '../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../../src/formats/index.ts';
import { EmbedBlocks, type BlockTask } from '../../src/layers/embed-blocks.ts';
import type { Engine } from '../../src/layers/scope.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import type { Operator, OperatorRuntime } from '../../src/operators/operator.ts';
import type { RuntimeName } from '../../src/operators/reference.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import { runAs, type RuntimeChoice } from '../../src/operators/runtime-choice.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../src/processes/index.ts';
import { createOperatorRuntime } from '../../src/runtimes/operator-runtime.ts';
import { openRuntime, processRuntimes, toolEnvironmentOf } from '../../src/runtimes/runtimes.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { chosenRuntime } from '../../src/workers/chosen-runtime.ts';
import { createEmbedHandler, directComputer } from '../../src/workers/embed.ts';
import { describeResult } from '../../src/workers/result-metadata.ts';
import { runProcess, type RunRequest } from '../../src/workers/run-process.ts';
import { catalogOf, rawCollection, writeItem } from '../layers/service.ts';
import { utmGrid } from '../layers/fixtures.ts';
import { whyNot } from '../runtimes/available.ts';
import { noSlurm, startSlurm, type SlurmCluster } from '../runtimes/slurm-cluster.ts';

const BANDS = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];
const EDGE = 96;
const NOW = new Date('2026-01-01T00:00:00Z');

let folder: string;
let item: StacItem;
let cluster: SlurmCluster | null = null;
let registry: Engine['registry'];
let operators: Engine['operators'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-choice-'));
  item = await nineBands(folder);
  registry = createRegistry(await loadDescriptions(new URL('../../processes/', import.meta.url)), allProcesses);
  operators = await openRegistry('operators');
  if (noSlurm() === null) cluster = await startSlurm();
}, 60_000);
afterAll(async () => {
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

const bands = BANDS.map((name) => ({ name }));
const collection: StacCollection = { ...rawCollection, summaries: { 'proj:code': ['EPSG:32631'], bands }, bands, 'cube:dimensions': { ...rawCollection['cube:dimensions'], bands: { type: 'bands', values: BANDS } } };

/** The item of RAW with nine bands instead of two. */
async function nineBands(to: string): Promise<StacItem> {
  const grid = utmGrid(EDGE, EDGE);
  const data = Uint16Array.from({ length: BANDS.length * EDGE * EDGE }, (_, i) => 500 + ((i * 7919) % 3989));
  const cube = arrayCube({ dimensions: [bandsDimension(BANDS), ...spatialDimensions(grid)], grid, dtype: 'uint16', data, nulls: null, attributes: { nodata: 0 } });
  const [file] = await resultFormats.GTiff.write(cube, {}, { directory: await mkdtemp(join(to, 'item-')), signal: new AbortController().signal, log: silentLog });
  const two = await writeItem(to, 'a', '2021-05-01T00:00:00Z', () => 7, grid);
  return { ...two, assets: { data: { ...two.assets['data']!, href: pathToFileURL(file!.path).href, bands } } };
}

const graphOf = (model: string) => ({
  load: { process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: null, temporal_extent: null } },
  embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'embed' }, format: 'GTiff' }, result: true },
}) as unknown as RunRequest['process']['process_graph'];

/** Runs the graph in a service of its own, with an empty cache and a queue that turns tasks into text. Gives the metadata of the result, which has the checksums of its files. */
async function result(model: string, run?: RuntimeChoice): Promise<{ metadata: unknown; tasks: BlockTask[]; ran: string[] }> {
  const store = createLocalStore(await mkdtemp(join(folder, 'objects-')));
  const rasters = new RasterCache();
  const ran: string[] = [];
  const runtime = noting(ran, createOperatorRuntime({
    onnx: createOnnxRuntime({ threads: 1, log: silentLog }), allowed: ['onnx', ...processRuntimes], concurrency: 1, log: silentLog,
    runtimes: (name) => openRuntime(name, { scratch: join(folder, 'runs'), toolEnvironment: { ...toolEnvironmentOf(process.env), ...cluster?.environment } }),
  }));
  const catalog = { ...catalogOf([item]), collection: async () => collection };
  const inner: Engine = { catalog, rasters, registry, operators, blocks: new EmbedBlocks({ store, compute: directComputer(store, runtime) }) };
  const work = createEmbedHandler({ engine: inner, store, runtime, log: silentLog });
  const tasks: BlockTask[] = [];
  const engine: Engine = { ...inner, blocks: new EmbedBlocks({ store, compute: async (task, _source, _position, { signal }) => {
    tasks.push(JSON.parse(JSON.stringify(task)) as BlockTask);
    return work(tasks.at(-1)!, signal);
  } }) };
  try {
    const { files, saved } = await runProcess(engine, store, { process: { process_graph: graphOf(model) }, prefix: 'results/job', scratch: join(folder, 'scratch'), log: silentLog, signal: new AbortController().signal, ...(run && { run }) });
    return { metadata: JSON.parse(JSON.stringify(describeResult(files, saved, operators, NOW))), tasks, ran };
  } finally {
    await runtime.close();
    await rasters.close();
  }
}

/** Notes in which runtime each block is computed. */
function noting(ran: string[], runtime: OperatorRuntime): OperatorRuntime {
  return {
    run: (operator: Operator, ...rest) => {
      ran.push(operator.runtime);
      return runtime.run(operator, ...rest);
    },
    close: () => runtime.close(),
  };
}

const names: readonly RuntimeName[] = ['onnx', 'containerless', 'bubblewrap', 'proot', 'podman', 'slurm+containerless', 'slurm+podman'];

describe('the same graph on the same tile', () => {
  let usual: Awaited<ReturnType<typeof result>>;
  beforeAll(async () => void (usual = await result('pca')));

  it('runs as the operator prefers where nobody says otherwise', () => {
    expect(usual.ran).toEqual(['onnx']);
    expect(usual.tasks[0]).not.toHaveProperty('run');
    expect(usual.metadata).toMatchObject({ files: [{ mediaType: expect.stringContaining('image/tiff'), metadata: { 'file:checksum': expect.any(String) } }], properties: { 'processing:datetime': NOW.toISOString() } });
  });

  describe.each(names)('in %s', (name) => {
    const missing = name === 'onnx' ? null : whyNot(name);
    if (missing !== null) {
      it.skip(`skipped: ${missing}`, () => {});
      return;
    }

    it('gives the same files and the same STAC metadata, and its blocks have the same keys', async () => {
      const chosen = await result('pca', { runtime: name });
      expect(chosen.ran).toEqual([name]);
      expect(chosen.metadata).toEqual(usual.metadata);
      expect(chosen.tasks.map(({ key }) => key)).toEqual(usual.tasks.map(({ key }) => key));
    }, 60_000);

    it('gives them with a prefix, too; only the names of the operator differ, by the prefix', async () => {
      const prefixed = await result(`${name}/pca`);
      expect(prefixed.ran).toEqual([name]);
      expect(JSON.parse(JSON.stringify(prefixed.metadata).replaceAll(`${name}/pca`, 'pca'))).toEqual(usual.metadata);
    }, 60_000);
  });

  it('can\'t run where its kind does not', () => {
    const program: Operator = { ...operators.resolve('pca'), manifest: { ...operators.resolve('pca').manifest, kind: 'exec', command: ['./x'], files: {} } as Operator['manifest'] };
    expect(() => runAs(program, { runtime: 'onnx' })).toThrow("it is of the kind 'exec', which 'onnx' can't run");
  });
});

it('an operator that nobody vouches for stays isolated, whatever a job says', () => {
  const stranger: Operator = { ...operators.resolve('pca'), isolated: 'it is not signed' };
  expect(runAs(stranger, { runtime: 'slurm+podman' }).runtime).toBe('slurm+podman');
  for (const runtime of ['onnx', 'containerless', 'proot', 'slurm+containerless'] as const) expect(() => runAs(stranger, { runtime })).toThrow('it is not signed, so it may run in');
});

describe('what a job says', () => {
  const rules = { runtimes: ['onnx', 'slurm+podman'], batch: { partition: ['low'], account: [], gres: [], seconds: 0, extra: [] } } as const;
  const chosen = (job_options: unknown, logged: LogEntry[] = []) => chosenRuntime({ job: { definition: { process: { process_graph: {} }, job_options } } as never, log: createLog((entry) => logged.push(entry)) }, rules);

  it('is read again when it runs, because the service may allow less by then', () => {
    expect([chosen(undefined), chosen(null), chosen({ tasks: 1 })]).toEqual([{}, {}, {}]);
    expect(chosen({ runtime: 'slurm+podman', slurm: { partition: 'low' } })).toEqual({ run: { runtime: 'slurm+podman', batch: { partition: 'low' } } });
    expect(() => chosen({ runtime: 'podman' })).toThrow(expect.objectContaining({ code: 'ProcessParameterInvalid' }));
  });

  it('is told to the job\'s log where nothing comes of it', () => {
    const logged: LogEntry[] = [];
    chosen({ 'driver-memory': '2g', runtime: 'onnx' }, logged);
    expect(logged).toMatchObject([{ level: 'warning', message: expect.stringContaining("knows nothing of 'driver-memory'") }]);
  });
});
