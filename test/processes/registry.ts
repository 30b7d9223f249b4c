/** The real processes with their real descriptions, and a scope that offers nothing. */
import { silentLog } from '../../src/log.ts';
import type { Scope } from '../../src/graph/scope.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../src/processes/index.ts';

export const descriptions = await loadDescriptions(new URL('../../processes/', import.meta.url));
export const registry = createRegistry(descriptions, allProcesses);

/** A scope for graphs that need nothing from outside; whatever they ask for is an error. */
export function emptyScope(signal: AbortSignal = new AbortController().signal): Scope {
  const refuse = (what: string) => () => Promise.reject(new Error(`The test scope can't ${what}.`));
  return { signal, log: silentLog, loadCollection: refuse('load collections'), loadStac: refuse('load STAC'), loadUrl: refuse('load URLs'), embed: refuse('embed'), view: refuse('embed'), saveResult: refuse('save results'), exportCollection: refuse('export'), loadFiles: refuse('load files'), modifyStac: refuse('change STAC'), exportWorkspace: refuse('export') };
}
