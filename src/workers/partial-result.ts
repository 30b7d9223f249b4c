/** The result of a run while it is being made: what can be downloaded before the end. */
import type { JobResult } from '../jobs/results.ts';
import type { RunContext } from '../jobs/run.ts';

/** Writing the list of files may take this part of the time at most. */
const KEEPING_SHARE = 0.05;

/** The files so far, written down after every file, or after several when there are so many that writing takes long. */
export class PartialResult {
  readonly #write: RunContext['keep'];
  #describe: (() => JobResult) | null = null;
  #nextMs = 0;

  constructor(write: RunContext['keep']) {
    this.#write = write;
  }

  /** A file more is there. */
  async keep(describe: () => JobResult): Promise<void> {
    this.#describe = describe;
    if (performance.now() >= this.#nextMs) await this.flush();
  }

  /** Writes what was not written yet: the run ends before its time. */
  async flush(): Promise<void> {
    const describe = this.#describe;
    if (describe === null) return;
    this.#describe = null;
    const began = performance.now();
    await this.#write(describe());
    const ended = performance.now();
    this.#nextMs = ended + (ended - began) / KEEPING_SHARE;
  }
}
