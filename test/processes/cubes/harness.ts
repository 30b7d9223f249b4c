/** What the tests of cube processes share: a registry, a scope that records what it is asked, and small cubes. */
import { arrayCube } from '../../../src/cube/array-cube.ts';
import type { Cube, CubeAttributes } from '../../../src/cube/cube.ts';
import { bandsDimension, spatialDimensions, temporalDimension, type Dimension } from '../../../src/cube/dimension.ts';
import { allocate, type DType } from '../../../src/cube/dtype.ts';
import { product, valueAt } from '../../../src/cube/block.ts';
import type { Grid } from '../../../src/geo/grid.ts';
import { evaluate } from '../../../src/graph/evaluate.ts';
import type { ProcessRegistry } from '../../../src/graph/process.ts';
import type { EmbedRequest, ExportRequest, LoadFilesRequest, LoadRequest, LoadStacRequest, LoadUrlRequest, ModifyRequest, SaveRequest, Scope, ViewRequest, WorkspaceRequest } from '../../../src/graph/scope.ts';
import type { Value } from '../../../src/graph/value.ts';
import { createLog, type LogEntry } from '../../../src/log.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../../src/processes/index.ts';

export const registry: ProcessRegistry = createRegistry(await loadDescriptions(new URL('../../../processes/', import.meta.url)), allProcesses);

/** A scope that answers load_collection with a given cube and notes all requests. */
export function recordingScope(cube?: Cube) {
  const log: LogEntry[] = [];
  const loads: LoadRequest[] = [];
  const stacs: LoadStacRequest[] = [];
  const urls: LoadUrlRequest[] = [];
  const embeds: EmbedRequest[] = [];
  const views: ViewRequest[] = [];
  const saves: SaveRequest[] = [];
  const exports: ExportRequest[] = [];
  const files: LoadFilesRequest[] = [];
  const modified: ModifyRequest[] = [];
  const delivered: WorkspaceRequest[] = [];
  const scope: Scope = {
    signal: new AbortController().signal,
    log: createLog((entry) => void log.push(entry), 'debug'),
    loadCollection: async (request) => { loads.push(request); return cube!; },
    loadStac: async (request) => { stacs.push(request); return cube!; },
    loadUrl: async (request) => { urls.push(request); return cube!; },
    embed: async (request) => { embeds.push(request); return request.data; },
    view: async (request) => { views.push(request); return request.data; },
    saveResult: async (request) => { saves.push(request); return 'saved'; },
    exportCollection: async (request) => { exports.push(request); return request.collection; },
    loadFiles: async (request) => { files.push(request); return cube!; },
    modifyStac: async (request) => { modified.push(request); return request.data; },
    exportWorkspace: async (request) => { delivered.push(request); return request.data; },
  };
  return { scope, log, loads, stacs, urls, embeds, views, saves, exports, files, modified, delivered };
}

/** Runs one process on arguments; callbacks are given as process graphs. */
export function run(process_id: string, args: Record<string, unknown>, scope: Scope = recordingScope().scope): Promise<Value> {
  const isGraph = (value: unknown) => typeof value === 'object' && value !== null && 'process_graph' in value;
  const isNested = (value: unknown) => typeof value === 'object' && value !== null && Object.values(value).some(isGraph);
  const parameters = Object.fromEntries(Object.entries(args).filter(([, value]) => !isGraph(value) && !isNested(value))) as Record<string, Value>;
  const given = Object.fromEntries(Object.entries(args).map(([name, value]) => [name, name in parameters ? { from_parameter: name } : value]));
  return evaluate({
    process_graph: { node: { process_id, arguments: given, result: true } },
    parameters: Object.keys(parameters).map((name) => ({ name, description: name, schema: {} })),
  }, registry, scope, parameters);
}

export const runCube = async (process_id: string, args: Record<string, unknown>) => (await run(process_id, args)) as Cube;

/** A callback of one process; `given` are its arguments. */
export const callback = (process_id: string, given: Record<string, unknown>) => ({ process_graph: { only: { process_id, arguments: given, result: true } } });
export const reducer = (process_id: string) => callback(process_id, { data: { from_parameter: 'data' } });

export const grid = (width: number, height: number, changes: Partial<Grid> = {}): Grid => (
  { crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 10, stepY: 10, width, height, ...changes });

export interface Sample {
  readonly t?: readonly string[];
  readonly bands?: readonly string[];
  readonly grid?: Grid;
  readonly dtype?: DType;
  readonly attributes?: CubeAttributes;
  /** Value of a sample by its index. */
  readonly value?: (index: number) => number | null;
}

/** A cube in memory with the dimensions that are named, values 0, 1, 2 … unless told otherwise. */
export function sample({ t, bands, grid: cells, dtype = 'float32', attributes, value = (i) => i }: Sample): Cube {
  const dimensions: Dimension[] = [...(t ? [temporalDimension(t)] : []), ...(bands ? [bandsDimension(bands)] : []), ...(cells ? spatialDimensions(cells) : [])];
  const data = allocate(dtype, product(dimensions.map((d) => d.size)));
  const nulls = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const v = value(i);
    if (v === null) nulls[i] = 1;
    else data[i] = v;
  }
  return arrayCube({ dimensions, grid: cells ?? null, dtype, data, nulls: nulls.includes(1) ? nulls : null, ...(attributes && { attributes }) });
}

/** Samples of a window, the whole cube unless told otherwise, as openEO values. */
export async function values(cube: Cube, start?: readonly number[], size?: readonly number[]): Promise<(number | boolean | null)[]> {
  const block = await cube.read(start ? { start, size: size! } : cube.fullWindow());
  return Array.from({ length: block.data.length }, (_, i) => valueAt(block, i));
}

export const fingerprint = (cube: Cube) => cube.fingerprint(cube.fullWindow());

/** The code of the error that a promise ends with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
}
