/** What may be done with materialisations: the list of them, their tasks and their files brought together. */
import type { Materialisation, MaterialisationRequest, Materialisations } from '../../catalog/materialisations.ts';
import type { StacItem } from '../../catalog/types.ts';
import { OpenEOError } from '../../errors.ts';
import { deleteObjects } from '../../jobs/files.ts';
import type { TaskQueues } from '../../jobs/queue.ts';
import type { Log } from '../../log.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

export interface MaterialiserDependencies {
  readonly store: Materialisations;
  readonly queues: TaskQueues;
  readonly objects: ObjectStore;
  readonly catalog: {
    items(query: { collection: string; bbox: null; interval: null }): Promise<readonly StacItem[]>;
    deleteItems(collection: string, ids: readonly string[]): Promise<number>;
  };
  /** Materialisations that a user may have waiting or running. */
  readonly maxQueued: number;
  readonly log: Log;
}

/** A task without a sign for so long may be lost: it is added again, which changes nothing if it is not. */
const SILENT_SECONDS = 30;

export class Materialiser {
  readonly store: Materialisations;
  readonly #dependencies: MaterialiserDependencies;

  constructor(dependencies: MaterialiserDependencies) {
    this.store = dependencies.store;
    this.#dependencies = dependencies;
  }

  /** Queues it in the lane for what nobody waits for. The request has been checked. Throws TooManyRequests. */
  async request(request: MaterialisationRequest, user: string | null): Promise<Materialisation> {
    const { maxQueued } = this.#dependencies;
    if (await this.store.countOpen(user) >= maxQueued) throw new OpenEOError('TooManyRequests', { limit: maxQueued, what: 'materialisations' }, { retryAfterSeconds: 60 });
    const record = await this.store.create(request, user);
    await this.#enqueue(record.id);
    return record;
  }

  /** Stops it, if it has not ended, and deletes its files and their items: requests compute again what they held. */
  async delete(record: Materialisation): Promise<void> {
    const { queues, objects, catalog } = this.#dependencies;
    await this.store.cancel(record.id);
    await queues.remove('backfill', taskId(record.id));
    const items = await catalog.items({ collection: record.files, bbox: null, interval: null });
    await catalog.deleteItems(record.files, items.filter((item) => item.properties['lamina:materialisation'] === record.id).map((item) => item.id));
    await deleteObjects(objects, `materialised/${record.id}/`);
    await this.store.delete(record.id);
  }

  /** Deletes everything that was written to a collection which goes. */
  async deleteAll(collection: string): Promise<void> {
    for (const id of await this.store.idsOf(collection)) {
      await deleteObjects(this.#dependencies.objects, `materialised/${id}/`);
      await this.store.delete(id);
    }
  }

  /** Gives those a task again whose task was lost. Harmless otherwise. */
  async requeueLost(): Promise<void> {
    for (const { id } of await this.store.silent(SILENT_SECONDS)) await this.#enqueue(id);
  }

  /** Does so every `intervalMs`; call the returned function to stop. */
  startCaring(intervalMs = 20_000): () => void {
    const timer = setInterval(() => {
      this.requeueLost().catch((error: unknown) => this.#dependencies.log.warning(`Looking after materialisations failed: ${String(error)}`));
    }, intervalMs).unref();
    return () => clearInterval(timer);
  }

  async #enqueue(id: string): Promise<void> {
    await this.#dependencies.queues.add('backfill', { id: taskId(id), payload: { kind: 'materialise', payload: { id } } });
  }
}

function taskId(id: string): string {
  return `materialise-${id}`;
}
