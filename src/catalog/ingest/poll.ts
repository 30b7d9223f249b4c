/** Looks at the sources of an ingest again and again: new and changed files come in, vanished ones may go. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { findFiles } from './find-files.ts';
import { ingest } from './ingest.ts';
import type { IngestDependencies, IngestReport, IngestRequest } from './report.ts';
import { isStacSource } from './stac-source.ts';
import { withdrawVanished, type Withdrawn } from './vanished.ts';

export interface PollOptions {
  readonly everyMs: number;
  /** Items whose files vanished are withdrawn. */
  readonly withdraw: boolean;
  /** Ends the polling; a round that has begun is finished. */
  readonly signal: AbortSignal;
  /** Told after every round in which anything was looked at. */
  readonly onRound: (round: { readonly report: IngestReport; readonly withdrawn: Withdrawn }) => void;
}

/** Resolves when the signal aborts. A round that fails is logged, and the next one tries again. */
export async function pollSources(request: IngestRequest, dependencies: IngestDependencies, { everyMs, withdraw, signal, onRound }: PollOptions): Promise<void> {
  let seen: string | null = null;
  while (!signal.aborted) {
    try {
      const state = await stateOf(request.sources);
      // Files that nobody touched are not opened again.
      if (state === null || state !== seen) {
        const report = await ingest(request, dependencies);
        const withdrawn = withdraw ? await withdrawVanished(request.collection, request.sources, dependencies.store) : { items: [], warnings: [] };
        onRound({ report, withdrawn });
        seen = state;
      }
    } catch (error) {
      dependencies.log.warning(`A look at the sources of '${request.collection}' failed, the next one tries again: ${(error as Error).message}`);
    }
    await pause(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** A digest of paths, sizes and times; null when there are sources that have to be asked. */
async function stateOf(sources: readonly string[]): Promise<string | null> {
  if (sources.some((source) => isStacSource(source) || source.startsWith('s3://'))) return null;
  const { files } = await findFiles(sources);
  const digest = createHash('sha256');
  for (const file of files) {
    // A file that goes while we look is seen by the next round.
    const info = await stat(file).catch(() => null);
    digest.update(`${file}\0${info?.size}\0${info?.mtimeMs}\n`);
  }
  return digest.digest('hex');
}
