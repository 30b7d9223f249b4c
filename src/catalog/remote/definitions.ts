/** Where graphs get user-defined processes from: the store, and URLs. */
import type { Fetch } from '../../formats/http-source.ts';
import type { DefinitionSource } from '../../graph/link.ts';
import { download, Unreadable } from './download.ts';

/** A list of processes with their graphs is larger than one, but no archive. */
const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

/**
 * Definitions of users from the store, and remote ones over http. Nothing is kept: each run asks anew.
 *
 * @param fetch reaches only what a user may reach (guardedFetch)
 */
export function definitionSource(store: Pick<DefinitionSource, 'ofUser'>, fetch: Fetch): DefinitionSource {
  return {
    ofUser: (user, ids, onlyPublic) => store.ofUser(user, ids, onlyPublic),
    at: (url, signal) => definitionsAt(url, fetch, signal),
  };
}

async function definitionsAt(url: string, fetch: Fetch, signal: AbortSignal): Promise<unknown> {
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') throw new Unreadable('it holds a user name or password, which are not sent');
  const bytes = await download(url, { fetch, bytes: MAX_BYTES, timeMs: TIMEOUT_MS, accept: 'application/json' }, signal);
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    throw new Unreadable('it is not JSON');
  }
}
