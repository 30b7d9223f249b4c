/** How a worker learns that a run it works on does not count any more: canceled, started again, or deleted. */
import type { JobStore, Run } from './store.ts';

export interface WatchedRun {
  /** Aborted within about `intervalMs` after the run stopped counting. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** Looks after all runs of a process with one query per interval, and none while there is nothing to watch. */
export class RunWatch {
  readonly #store: JobStore;
  readonly #intervalMs: number;
  readonly #watched = new Map<Run, AbortController>();
  #isScheduled = false;

  constructor(store: JobStore, intervalMs = 500) {
    this.#store = store;
    this.#intervalMs = intervalMs;
  }

  watch(run: Run): WatchedRun {
    const controller = new AbortController();
    this.#watched.set(run, controller);
    this.#schedule();
    return { signal: controller.signal, stop: () => void this.#watched.delete(run) };
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => void this.#look(), this.#intervalMs).unref();
  }

  async #look(): Promise<void> {
    const runs = [...this.#watched.keys()];
    if (runs.length > 0) await this.#abortStale(runs);
    this.#isScheduled = false;
    if (this.#watched.size > 0) this.#schedule();
  }

  async #abortStale(runs: readonly Run[]): Promise<void> {
    try {
      const current = new Set(await this.#store.current(runs));
      for (const run of runs) {
        if (!current.has(run)) this.#watched.get(run)?.abort(new Error('The job was canceled.'));
      }
    } catch {
      // The database is away for a moment: no news is no cancellation.
    }
  }
}
