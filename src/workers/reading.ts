/** What one save_result read and wrote, for the log: cubes are lazy, so this is where the work is done. */
import type { StoredFile } from '../jobs/results.ts';
import type { RunFacts } from '../layers/scope.ts';
import type { Log } from '../log.ts';

export class Reading {
  readonly #facts: RunFacts;
  readonly #before: { readonly cached: number; readonly computed: number; readonly samples: number; readonly bytes: number };
  readonly #startedMs = performance.now();

  /** Begins to watch the facts of a run. */
  constructor(facts: RunFacts) {
    this.#facts = facts;
    this.#before = this.#now();
  }

  /** Writes one entry about what has happened since. */
  tell(log: Log, format: { readonly description: { readonly title: string } }, files: readonly StoredFile[]): void {
    const now = this.#now();
    const since = (name: keyof typeof now) => now[name] - this.#before[name];
    const [cached, computed, samples, bytes] = [since('cached'), since('computed'), since('samples'), since('bytes')];
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const written = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const parts = [
      `Wrote ${files.length} ${files.length === 1 ? 'file' : 'files'} (${format.description.title}, ${written} bytes) in ${seconds.toFixed(2)} s`,
      ...(samples > 0 ? [`read ${samples} source samples (${bytes} bytes decoded)`] : []),
      ...(cached + computed > 0 ? [`blocks: ${cached} from the cache, ${computed} computed`] : []),
    ];
    log.info(parts.join('; '), {
      data: { stage: 'write', seconds: Math.round(seconds * 1000) / 1000, files: files.map(({ name }) => name), bytes_written: written, samples_read: samples, bytes_read: bytes, blocks_cached: cached, blocks_computed: computed },
    });
  }

  #now() {
    const { cached, computed, samplesRead, bytesRead = 0 } = this.#facts;
    return { cached, computed, samples: samplesRead, bytes: bytesRead };
  }
}
