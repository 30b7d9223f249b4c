/** Where the files of a materialisation go: each is put into the object store whole, noted, and not made again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Materialisation, MaterialisedFile, Materialisations } from '../../catalog/materialisations.ts';
import type { WrittenFile } from '../../formats/writer.ts';
import type { Log } from '../../log.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

export interface OutputDependencies {
  readonly store: Materialisations;
  readonly objects: ObjectStore;
  /** A directory for temporary files. */
  readonly scratch: string;
  readonly log: Log;
}

/** All objects of a materialisation are below this prefix. */
function materialPrefix(id: string): string {
  return `materialised/${id}/`;
}

/** The materialisation was canceled or deleted: its worker stops. */
export class Unwanted extends Error {
  override readonly name = 'Unwanted';
}

export class Output {
  readonly record: Materialisation;
  readonly objects: ObjectStore;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly #store: Materialisations;
  readonly #scratch: string;
  readonly #done: Map<string, MaterialisedFile>;

  private constructor(record: Materialisation, done: readonly MaterialisedFile[], dependencies: OutputDependencies, signal: AbortSignal) {
    this.record = record;
    this.objects = dependencies.objects;
    this.log = dependencies.log;
    this.signal = signal;
    this.#store = dependencies.store;
    this.#scratch = dependencies.scratch;
    this.#done = new Map(done.map((file) => [file.name, file]));
  }

  /** With the files that an earlier try has finished. */
  static async open(record: Materialisation, dependencies: OutputDependencies, signal: AbortSignal): Promise<Output> {
    return new Output(record, await dependencies.store.files(record.id), dependencies, signal);
  }

  has(name: string): boolean {
    return this.#done.has(name);
  }

  /** Throws Unwanted when nobody wants the rest. */
  async report(progress: number): Promise<void> {
    this.signal.throwIfAborted();
    if (!(await this.#store.report(this.record.id, progress))) throw new Unwanted();
  }

  objectKey(name: string): string {
    return materialPrefix(this.record.id) + name;
  }

  /** Runs a writer in a directory of its own, which is deleted afterwards. */
  async inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(this.#scratch, 'material-'));
    try {
      return await work(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Stores a written file under a name; it counts as done only after `finish`. */
  async keep(name: string, file: WrittenFile): Promise<{ readonly objectKey: string; readonly bytes: number }> {
    const info = await this.objects.put(this.objectKey(name), { path: file.path }, { contentType: file.mediaType });
    return { objectKey: info!.key, bytes: info!.sizeBytes };
  }

  /** Notes that a file is whole and listed by an item. */
  async finish(file: MaterialisedFile): Promise<void> {
    await this.#store.addFile(this.record.id, file);
    this.#done.set(file.name, file);
  }
}
