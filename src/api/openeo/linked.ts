/** The predefined processes together with the user-defined ones that a process needs. */
import { linkDefinitions } from '../../graph/link.ts';
import type { ProcessRegistry } from '../../graph/process.ts';
import type { Context } from './endpoint.ts';

/** Reading remote definitions must not keep a request of the API waiting for longer. */
const TIMEOUT_MS = 15_000;

/** What a process of whoever asks may mean. Errors of what can't be had come up when it is validated. */
export function linked({ registry, definitions, visitor }: Pick<Context, 'registry' | 'definitions' | 'visitor'>, process: unknown): Promise<ProcessRegistry> {
  return linkDefinitions(process, registry, definitions, { user: visitor, signal: AbortSignal.timeout(TIMEOUT_MS) });
}
