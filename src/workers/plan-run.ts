/**
 * What a process graph would read, compute and write, found without doing it: the graph is evaluated as always,
 * but blocks are only counted, and files are opened and give no samples. Of a large result some windows are
 * looked at, spread over all of it.
 */
import { createNullBlock, product, type Window } from '../cube/block.ts';
import { Cube } from '../cube/cube.ts';
import { sampleSize } from '../cube/dtype.ts';
import { isOpenEOError, OpenEOError } from '../errors.ts';
import type { RasterOpener } from '../catalog/read-asset.ts';
import type { RasterFile } from '../formats/raster-file.ts';
import { evaluate } from '../graph/evaluate.ts';
import { linkDefinitions } from '../graph/link.ts';
import type { SaveRequest } from '../graph/scope.ts';
import type { Value } from '../graph/value.ts';
import type { PlannedFormat, PlanTask, RunPlan } from '../jobs/payloads.ts';
import { operatorWork } from '../jobs/throughput.ts';
import type { BlockCatalog } from '../layers/block-catalog.ts';
import { blockKey, isEmbedSource, windowOf } from '../layers/block-source.ts';
import { blockObjectKey } from '../layers/embed-block.ts';
import type { WantedBlock } from '../layers/embed-blocks.ts';
import { EngineScope, type Engine, type RunFacts } from '../layers/scope.ts';
import { silentLog } from '../log.ts';

export interface PlanDependencies {
  /** Its `blocks` and `udf` are replaced; its readers must open files through `withoutSamples`. */
  readonly engine: Engine;
  /** Knows which blocks are cached. */
  readonly catalog: Pick<BlockCatalog, 'find'>;
  /** For looking at windows; default 4 s. What was not looked at by then is taken to be alike. */
  readonly milliseconds?: number;
  /** For everything; default 20 s. A graph that takes longer before it is read needs its data. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 20_000;
/** What save_result gives to the nodes behind it. */
const ITEM: Value = { type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: 'result', geometry: null, properties: { datetime: null }, links: [], assets: {} };
const USUAL_EDGE = 256;

/** Makes the handler of the lane 'plan'. Throws what is wrong with the process, and EstimateComplexity for one that can't be planned. */
export function createPlanHandler(dependencies: PlanDependencies): (task: PlanTask, signal: AbortSignal) => Promise<RunPlan> {
  return (task, signal) => withPatience(dependencies.patienceMs ?? PATIENCE_MS, signal, (stop) => new Planning(dependencies, task, stop).run());
}

/** Throws EstimateComplexity when the time is up, also when nobody looks at the signal. */
async function withPatience<T>(ms: number, signal: AbortSignal, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const late = new OpenEOError('EstimateComplexity', {}, { detail: 'Finding out took too long.' });
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(late), ms);
  const ended = new Promise<never>((_, reject) => stop.signal.addEventListener('abort', () => reject(late)));
  try {
    return await Promise.race([work(AbortSignal.any([signal, stop.signal])), ended]);
  } finally {
    clearTimeout(timer);
  }
}

/** Opens files as `rasters` does, but none of them has a sample. */
export function withoutSamples(rasters: RasterOpener): RasterOpener {
  return { open: async (href) => emptied(await rasters.open(href)) };
}

function emptied(file: RasterFile): RasterFile {
  const { source, dtype, bands, levels, grid, gridProblem, tags } = file;
  return {
    source, dtype, bands, levels, grid, tags, ...(gridProblem !== undefined && { gridProblem }),
    read: async ({ window, bands: wanted }) => createNullBlock(dtype, [wanted.length, window.height, window.width]),
  };
}

/** A block that the run would want. */
interface Touched {
  readonly work: string;
  readonly samples: number;
}

/** Knows whether something was read that is not there: until then an error is the graph's own. */
class PretendedFacts implements RunFacts {
  cached = 0;
  computed = 0;
  isPretended = false;
  #samplesRead = 0;

  get samplesRead(): number {
    return this.#samplesRead;
  }

  set samplesRead(count: number) {
    this.isPretended = true;
    this.#samplesRead = count;
  }
}

class Planning {
  readonly #dependencies: PlanDependencies;
  readonly #task: PlanTask;
  readonly #signal: AbortSignal;
  readonly #engine: Engine;
  readonly #facts = new PretendedFacts();
  /** Content key → the block. */
  readonly #touched = new Map<string, Touched>();
  readonly #saved: SaveRequest[] = [];

  constructor(dependencies: PlanDependencies, task: PlanTask, signal: AbortSignal) {
    this.#dependencies = dependencies;
    this.#task = task;
    this.#signal = signal;
    const refuse = (): never => {
      throw new OpenEOError('EstimateComplexity', {}, { detail: 'Nobody knows how long a user-defined function runs.' });
    };
    const { engine } = dependencies;
    this.#engine = {
      ...engine,
      blocks: { read: (wanted, _wish, put) => this.#touch(wanted, (of) => put(null, of)) },
      ...(engine.udf && { udf: { open: refuse, code: { read: async () => refuse() } } }),
    };
  }

  async run(): Promise<RunPlan> {
    try {
      await this.#evaluate();
      const share = await this.#look();
      return await this.#plan(share);
    } catch (error) {
      if (isOpenEOError(error) && (error.code === 'EstimateComplexity' || !this.#facts.isPretended)) throw error;
      throw new OpenEOError('EstimateComplexity', {}, { detail: 'What it does depends on values that have to be computed first.', cause: error });
    }
  }

  async #evaluate(): Promise<void> {
    const { registry, definitions } = this.#engine;
    const { process, userId: user } = this.#task;
    const scope = new EngineScope(this.#engine, {
      signal: this.#signal, log: silentLog, user,
      save: async (save) => {
        this.#saved.push(save);
        return save.data instanceof Cube ? ITEM : null;
      },
      publish: async ({ collection }) => collection,
      modify: async ({ data }) => data,
      deliver: async ({ data }) => data,
    }, this.#facts);
    const linked = definitions ? await linkDefinitions(process, registry, definitions, { user, signal: this.#signal }) : registry;
    await evaluate(process, linked, scope);
  }

  async #touch<W extends WantedBlock>(wanted: readonly W[], put: (of: W) => void): Promise<void> {
    this.#facts.isPretended = true;
    for (const want of wanted) {
      this.#signal.throwIfAborted();
      const { source, position, index } = want;
      const window = windowOf(source, position, index);
      if (!source.cube.isEmpty?.(window)) {
        const work = operatorWork(isEmbedSource(source) ? source.operator.reference : null);
        this.#touched.set(await blockKey(source, position, index), { work, samples: product(window.size) });
      }
      put(want);
    }
  }

  /** Reads windows of what is saved, until the time is up; gives the share of them that was looked at. */
  async #look(): Promise<number> {
    const until = performance.now() + (this.#dependencies.milliseconds ?? 4000);
    const cubes = this.#saved.map(({ data }) => data).filter((data) => data instanceof Cube);
    let [seen, all] = [0, 0];
    for (const cube of cubes) {
      const windows = windowsIn(cube);
      all += windows.count;
      for (let i = 0; i < windows.count && (seen === 0 || performance.now() < until); i++, seen++) await cube.read(windows.at(i), this.#signal);
    }
    return all === 0 ? 1 : seen / all;
  }

  async #plan(share: number): Promise<RunPlan> {
    const scaled = (count: number) => Math.round(count / share);
    const cached = await this.#cached();
    const blocks = new Map<string, { all: number; cached: number; samples: number }>();
    for (const [key, { work, samples }] of this.#touched) {
      const sum = blocks.get(work) ?? { all: 0, cached: 0, samples: 0 };
      const isCached = cached.has(key);
      blocks.set(work, { all: sum.all + 1, cached: sum.cached + Number(isCached), samples: sum.samples + (isCached ? 0 : samples) });
    }
    return {
      samplesRead: scaled(this.#facts.samplesRead),
      blocks: [...blocks].map(([work, sum]) => ({ work, all: scaled(sum.all), cached: scaled(sum.cached), samples: scaled(sum.samples) })),
      saved: this.#saved.flatMap(formatOf),
      share,
    };
  }

  async #cached(): Promise<ReadonlySet<string>> {
    const keys = [...this.#touched.keys()];
    const rows = await this.#dependencies.catalog.find(keys.map(blockObjectKey));
    return new Set(keys.filter((key) => ['stored', 'empty', 'filed'].includes(rows.get(blockObjectKey(key))?.state ?? '')));
  }
}

function formatOf({ data, format }: SaveRequest): PlannedFormat[] {
  if (!(data instanceof Cube)) return [];
  const dtype = storedType(data);
  return [{ format, dtype, samples: product(data.shape), bytes: product(data.shape) * sampleSize(dtype) }];
}

/** The type of the samples in a file; that of the codes for quantized embeddings. */
export function storedType({ attributes, dtype }: Cube): Cube['dtype'] {
  return attributes.encoding?.dtype ?? dtype;
}

/** All windows of a cube, one block each: all bands, and one position on the other dimensions. `at` hops over them, so that the first ones are spread. */
function windowsIn(cube: Cube): { readonly count: number; at(i: number): Window } {
  const edge = cube.attributes.blockSize ?? USUAL_EDGE;
  const steps = cube.dimensions.map((d) => (d.type === 'bands' ? Math.max(1, d.size) : d.axis ? edge : 1));
  const counts = cube.shape.map((size, i) => Math.ceil(size / steps[i]!));
  const count = product(counts);
  const hop = coprime(Math.max(1, Math.round(count * 0.618)), count);
  return {
    count,
    at(i) {
      let rest = (i * hop) % count;
      const start: number[] = counts.map(() => 0);
      for (let axis = counts.length - 1; axis >= 0; axis--) {
        start[axis] = (rest % counts[axis]!) * steps[axis]!;
        rest = Math.floor(rest / counts[axis]!);
      }
      return { start, size: start.map((from, axis) => Math.min(steps[axis]!, cube.shape[axis]! - from)) };
    },
  };
}

/** The next number that has no divisor in common with `count`. */
function coprime(from: number, count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let hop = from;
  while (count > 1 && divisor(hop, count) !== 1) hop++;
  return hop;
}
