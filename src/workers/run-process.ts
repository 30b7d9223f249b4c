/** Runs a process graph and stores what its save_result nodes write. Sync results and batch jobs share this. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isOpenEOError, OpenEOError } from '../errors.ts';
import { product } from '../cube/block.ts';
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
import type { StageBook } from '../jobs/stages.ts';
import type { BlockOutcome, WantedBlock } from '../layers/embed-blocks.ts';
import type { Publication } from '../jobs/run.ts';
import type { Log } from '../log.ts';
import type { RuntimeChoice } from '../operators/runtime-choice.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { BlockProgress } from './block-progress.ts';
import { Exports, type ExportSettings } from './exports.ts';
import type { FailedBlocks } from './failed-blocks.ts';
import { fileChecksum } from './file-checksum.ts';
import { storedType } from './plan-run.ts';
import { Reading } from './reading.ts';
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
  /** Options of JSON for a value that nothing saves. */
  readonly valueOptions?: Readonly<Record<string, string>>;
  /** Who asks; absent: the service itself. */
  readonly user?: string;
  /** How operators are run; absent: as their references say. */
  readonly run?: RuntimeChoice;
  /** What export_collection needs; absent: it is refused. */
  readonly exports?: ExportSettings & Partial<WorkspaceSettings>;
  readonly onProgress?: (share: number) => void;
  /** Told whenever a file is in the object store: all files so far, and the cubes that they are of. */
  readonly onStored?: (files: readonly StoredFile[], saved: readonly SavedCube[]) => Promise<void>;
  /** Where what happens is counted; it may refuse more by throwing. */
  readonly facts?: RunFacts;
  /** Where it is noted what the run is at. */
  readonly stages?: StageBook;
  /** Told of each block that was computed. */
  readonly onComputed?: (outcome: BlockOutcome) => void;
  /** Takes note of blocks that can't be computed: the run goes on without them, keeps no more files, and fails at its end. Absent: the first one ends it. */
  readonly failures?: FailedBlocks;
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
  /** Told to whoever computes blocks for this run when it ends before its time. */
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  /** save_result nodes of the graph: each is a part of the progress. */
  readonly #saves: number;
  #savesDone = 0;
  #progress = new BlockProgress(null);
  #share = 0;
  readonly #saved: SavedCube[] = [];
  readonly #results = new SavedResults();
  /** What shows the results to others at the end. */
  readonly #publishers: readonly { publish(): Promise<Publication> }[];

  constructor(engine: Engine, store: ObjectStore, request: RunRequest, directory: string) {
    this.#engine = engine;
    this.#store = store;
    this.#request = request;
    this.#directory = directory;
    const { log, maxSamples, user = null, exports, facts, failures, onComputed, run } = request;
    const signal = AbortSignal.any([request.signal, this.#end.signal]);
    this.#signal = signal;
    this.#saves = Math.max(1, Object.values(request.process.process_graph).filter(({ process_id: id }) => id === 'save_result').length);
    // What is published is published after the run has ended.
    const common = { user, signal: request.signal, log, objects: store, operators: engine.operators, saved: this.#results };
    const collections = exports ? new Exports({ ...exports, ...common }) : null;
    const { workspaces, exclusively } = exports ?? {};
    const deliveries = exports && workspaces && exclusively ? new WorkspaceExports({ ...exports, workspaces, exclusively, ...common }) : null;
    this.#publishers = [collections, deliveries].filter((each) => each !== null);
    this.#scope = new EngineScope(engine, {
      signal, log, user, save: (save, at) => this.#save(save, at),
      modify: async (changes) => this.#results.modify(changes),
      ...(collections && { publish: (wanted) => collections.add(wanted) }),
      ...(deliveries && { deliver: (wanted) => deliveries.add(wanted) }),
      ...(maxSamples === undefined ? {} : { maxSamples }),
      blocks: { onBlock: (block) => this.#notice(block), ...(failures && { failures }), ...(onComputed && { onComputed }), ...(run && { run }) },
    }, facts);
  }

  async execute(): Promise<RunResult> {
    try {
      return await this.#execute();
    } catch (error) {
      // What gaps lead to says less than why there are gaps.
      if (!this.#signal.aborted && !isOpenEOError(error, 'BudgetInvalid')) this.#request.failures?.check(error);
      throw error;
    } finally {
      // An error in one window must not leave the blocks of the others waiting for a worker.
      this.#end.abort(new Error('The run has ended.'));
    }
  }

  async #execute(): Promise<RunResult> {
    const started = performance.now();
    const { stages, failures } = this.#request;
    stages?.begin('resolve');
    const value = await evaluate(this.#request.process, await this.#registry(), this.#scope);
    stages?.end('resolve');
    if (this.#files.length === 0 && !this.#hasFailed) await this.#saveValue(value);
    failures?.check();
    const { facts } = this.#scope;
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    const blocks = facts.cached + facts.computed > 0 ? `; embedding blocks: ${facts.cached} cached, ${facts.computed} computed` : '';
    this.#request.log.info(`Finished in ${seconds} s: ${this.#files.length} file(s), ${facts.samplesRead} source samples read${blocks}`, {
      data: { blocks_cached: facts.cached, blocks_computed: facts.computed, samples_read: facts.samplesRead, ...(facts.files && { files_opened: facts.files.size }) },
    });
    return { files: this.#files, facts, saved: this.#saved, publish: () => publishAll(this.#publishers) };
  }

  /** With the user-defined processes that there are now, at the start of the run. */
  async #registry(): Promise<ProcessRegistry> {
    const { registry, definitions } = this.#engine;
    const { process, user = null } = this.#request;
    return definitions ? linkDefinitions(process, registry, definitions, { user, signal: this.#signal }) : registry;
  }

  async #saveValue(value: Value): Promise<void> {
    if (value instanceof Cube) throw new OpenEOError('ProcessGraphInvalid', {}, { detail: 'It ends in a data cube that nothing saves: let it end in save_result.' });
    await this.#save({ data: value, format: 'JSON', options: this.#request.valueOptions ?? {}, origin: {} }, this.#request.log);
  }

  /** Writes the data in a directory of its own and moves the files to the object store. */
  async #save(save: SaveRequest, log: Log): Promise<Value> {
    this.#request.stages?.end('resolve');
    const reading = new Reading(this.#scope.facts);
    const format = findFormat(save.format);
    const directory = await mkdtemp(join(this.#directory, 'save-'));
    const cube = save.data instanceof Cube ? { cube: save.data, origin: save.origin } : null;
    const stored = new Map<string, StoredFile>();
    this.#progress = new BlockProgress(cube?.cube ?? null);
    this.#share = 0;
    const keep = async (file: WrittenFile) => {
      // A file with gaps is nobody's result.
      if (this.#hasFailed) return;
      if (!stored.has(file.path)) stored.set(file.path, await this.#keep(file, cube));
    };
    const written = await format.write(save.data as Cube, save.options, {
      directory, signal: this.#signal, log, onFile: keep, onProgress: (share) => this.#report(share),
    });
    for (const file of written) await keep(file);
    const bytes = [...stored.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (cube) this.#saved.push({ ...cube, written: { format: save.format, dtype: storedType(cube.cube), samples: product(cube.cube.shape), bytes } });
    this.#savesDone++;
    reading.tell(log, format, [...stored.values()]);
    await rm(directory, { recursive: true, force: true });
    return cube && this.#results.keep(this.#request.exports?.jobId ?? 'result', { ...cube, files: [...stored.values()] });
  }

  get #hasFailed(): boolean {
    return (this.#request.failures?.count ?? 0) > 0;
  }

  #notice(block: WantedBlock): void {
    if (this.#progress.note(block)) this.#report(this.#progress.share);
  }

  /** A share of the save_result that is written: the larger of what its writer and its blocks say. */
  #report(share: number): void {
    this.#request.stages?.begin('write');
    this.#share = Math.max(this.#share, share);
    this.#request.onProgress?.(Math.min(1, (this.#savesDone + this.#share) / this.#saves));
  }

  async #keep(file: WrittenFile, cube: SavedCube | null): Promise<StoredFile> {
    const { prefix, onStored } = this.#request;
    const name = uniqueName(file.name, new Set(this.#files.map((f) => f.name)));
    const checksum = await fileChecksum(file.path);
    const info = await this.#store.put(`${prefix}/${name}`, { path: file.path }, { contentType: file.mediaType });
    const stored: StoredFile = {
      objectKey: info!.key,
      name,
      mediaType: file.mediaType,
      roles: file.roles,
      sizeBytes: info!.sizeBytes,
      metadata: { ...file.metadata, 'file:checksum': checksum },
      ...(file.datetime === undefined ? {} : { datetime: file.datetime }),
    };
    this.#files.push(stored);
    this.#request.stages?.add('write', 1);
    await onStored?.([...this.#files], cube ? [...this.#saved, cube] : this.#saved);
    return stored;
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
