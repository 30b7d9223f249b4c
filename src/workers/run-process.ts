/** Runs a process graph and stores what its save_result nodes write. Sync results and batch jobs share this. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenEOError } from '../errors.ts';
import { Cube } from '../cube/cube.ts';
import { evaluate } from '../graph/evaluate.ts';
import { linkDefinitions } from '../graph/link.ts';
import type { ProcessRegistry } from '../graph/process.ts';
import type { SaveRequest } from '../graph/scope.ts';
import type { Value } from '../graph/value.ts';
import type { ProcessDescription, ProcessGraph } from '../graph/wire.ts';
import { findFormat } from '../formats/index.ts';
import type { WrittenFile } from '../formats/writer.ts';
import { EngineScope, type Engine, type RunFacts } from '../layers/scope.ts';
import type { StoredFile } from '../jobs/results.ts';
import type { Publication } from '../jobs/run.ts';
import type { Log } from '../log.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { Exports, type ExportSettings } from './exports.ts';
import type { SavedCube } from './result-metadata.ts';
import { SavedResults } from './saved-results.ts';
import { WorkspaceExports, type WorkspaceSettings } from './workspace-exports.ts';

/** What a run left behind. */
export interface RunResult {
  readonly files: readonly StoredFile[];
  readonly facts: RunFacts;
  /** The cubes that were saved, for the metadata of the result. */
  readonly saved: readonly SavedCube[];
  /** Adds to collections what the run exports; nothing without export_collection. */
  readonly publish: () => Promise<Publication>;
}

export interface RunRequest {
  readonly process: { readonly process_graph: ProcessGraph; readonly parameters?: ProcessDescription['parameters'] };
  /** Prefix of the object keys, e.g. 'results/<job id>'. */
  readonly prefix: string;
  /** A directory for temporary files. */
  readonly scratch: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly maxSamples?: number;
  /** Who asks; absent: the service itself. */
  readonly user?: string;
  /** What export_collection needs; absent: it is refused. */
  readonly exports?: ExportSettings & Partial<WorkspaceSettings>;
  readonly onProgress?: (share: number) => void;
}

/**
 * Evaluates the graph. A graph that ends in a value other than a cube and saves nothing gives that value
 * as JSON; one that ends in a cube must save it.
 */
export async function runProcess(engine: Engine, store: ObjectStore, request: RunRequest): Promise<RunResult> {
  await mkdir(request.scratch, { recursive: true });
  const directory = await mkdtemp(join(request.scratch, 'run-'));
  const run = new Run(engine, store, request, directory);
  try {
    return await run.execute();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

class Run {
  readonly #store: ObjectStore;
  readonly #request: RunRequest;
  readonly #directory: string;
  readonly #engine: Engine;
  readonly #scope: EngineScope;
  readonly #files: StoredFile[] = [];
  readonly #saved: SavedCube[] = [];
  readonly #results = new SavedResults();
  /** What shows the results to others at the end. */
  readonly #publishers: readonly { publish(): Promise<Publication> }[];

  constructor(engine: Engine, store: ObjectStore, request: RunRequest, directory: string) {
    this.#engine = engine;
    this.#store = store;
    this.#request = request;
    this.#directory = directory;
    const { signal, log, maxSamples, user = null, exports } = request;
    const common = { user, signal, log, objects: store, operators: engine.operators, saved: this.#results };
    const collections = exports ? new Exports({ ...exports, ...common }) : null;
    const { workspaces, exclusively } = exports ?? {};
    const deliveries = exports && workspaces && exclusively ? new WorkspaceExports({ ...exports, workspaces, exclusively, ...common }) : null;
    this.#publishers = [collections, deliveries].filter((each) => each !== null);
    this.#scope = new EngineScope(engine, {
      signal, log, user, save: (save) => this.#save(save),
      modify: async (changes) => this.#results.modify(changes),
      ...(collections && { publish: (wanted) => collections.add(wanted) }),
      ...(deliveries && { deliver: (wanted) => deliveries.add(wanted) }),
      ...(maxSamples === undefined ? {} : { maxSamples }),
    });
  }

  async execute(): Promise<RunResult> {
    const started = performance.now();
    const value = await evaluate(this.#request.process, await this.#registry(), this.#scope);
    if (this.#files.length === 0) await this.#saveValue(value);
    const { facts } = this.#scope;
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    const blocks = facts.cached + facts.computed > 0 ? `; embedding blocks: ${facts.cached} cached, ${facts.computed} computed` : '';
    this.#request.log.info(`Finished in ${seconds} s: ${this.#files.length} file(s), ${facts.samplesRead} source samples read${blocks}`, {
      data: { blocks_cached: facts.cached, blocks_computed: facts.computed, samples_read: facts.samplesRead },
    });
    return { files: this.#files, facts, saved: this.#saved, publish: () => publishAll(this.#publishers) };
  }

  /** With the user-defined processes that there are now, at the start of the run. */
  async #registry(): Promise<ProcessRegistry> {
    const { registry, definitions } = this.#engine;
    const { process, user = null, signal } = this.#request;
    return definitions ? linkDefinitions(process, registry, definitions, { user, signal }) : registry;
  }

  async #saveValue(value: Value): Promise<void> {
    if (value instanceof Cube) throw new OpenEOError('ProcessGraphInvalid', {}, { detail: 'It ends in a data cube that nothing saves: let it end in save_result.' });
    await this.#save({ data: value, format: 'JSON', options: {}, origin: {} });
  }

  /** Writes the data in a directory of its own and moves the files to the object store. */
  async #save(save: SaveRequest): Promise<Value> {
    const { log, signal, onProgress, prefix } = this.#request;
    const format = findFormat(save.format);
    const directory = await mkdtemp(join(this.#directory, 'save-'));
    const written = await format.write(save.data as Cube, save.options, { directory, signal, log, ...(onProgress ? { onProgress } : {}) });
    const stored: StoredFile[] = [];
    for (const file of written) stored.push(await this.#keep(prefix, file));
    this.#files.push(...stored);
    if (save.data instanceof Cube) this.#saved.push({ cube: save.data, origin: save.origin });
    await rm(directory, { recursive: true, force: true });
    if (!(save.data instanceof Cube)) return null;
    return this.#results.keep(this.#request.exports?.jobId ?? 'result', { cube: save.data, origin: save.origin, files: stored });
  }

  async #keep(prefix: string, file: WrittenFile): Promise<StoredFile> {
    const name = uniqueName(file.name, new Set(this.#files.map((f) => f.name)));
    const info = await this.#store.put(`${prefix}/${name}`, { path: file.path }, { contentType: file.mediaType });
    return {
      objectKey: info!.key,
      name,
      mediaType: file.mediaType,
      roles: file.roles,
      sizeBytes: info!.sizeBytes,
      metadata: file.metadata,
      ...(file.datetime === undefined ? {} : { datetime: file.datetime }),
    };
  }
}

/** Publishes with all of them or with none. */
async function publishAll(publishers: readonly { publish(): Promise<Publication> }[]): Promise<Publication> {
  const done: Publication[] = [];
  const undo = async () => {
    for (const publication of done.splice(0).reverse()) await publication.undo();
  };
  try {
    for (const publisher of publishers) done.push(await publisher.publish());
  } catch (error) {
    await undo();
    throw error;
  }
  return {
    undo,
    settle: async () => {
      for (const publication of done) await publication.settle();
    },
  };
}

/** Two save_result nodes may write the same name: the second gets a number. */
function uniqueName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let i = 2; ; i++) if (!taken.has(`${stem}_${i}${ending}`)) return `${stem}_${i}${ending}`;
}
