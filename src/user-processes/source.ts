/** Where graphs get user-defined processes from: the store, and URLs. */
import { isOpenEOError } from '../errors.ts';
import type { DefinitionSource } from '../graph/link.ts';
import type { UserProcessStore } from './store.ts';

/** A fetch that may be given URLs of users: it must refuse internal addresses itself. */
export type GuardedFetch = (url: string, init: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal }) => Promise<Response>;

/** A list of processes with their graphs is larger than one, but no archive. */
const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

/** Definitions of users from the store, and remote ones over http. Nothing is kept: each run asks anew. */
export function definitionSource(store: Pick<UserProcessStore, 'ofUser'>, fetch: GuardedFetch): DefinitionSource {
  return {
    ofUser: (user, ids, onlyPublic) => store.ofUser(user, ids, onlyPublic),
    at: (url, signal) => download(url, fetch, signal),
  };
}

async function download(url: string, fetch: GuardedFetch, signal: AbortSignal): Promise<unknown> {
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') throw new Error('it holds a user name or password, which are not sent');
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, { headers: { accept: 'application/json' }, signal: AbortSignal.any([signal, timeout]) });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Refused(`the server answered with status ${response.status}`);
    }
    return parseJson(await textOf(response));
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(reasonOf(error, timeout), { cause: error });
  }
}

/** Has a message that users may see. */
class Refused extends Error {}

function reasonOf(error: unknown, timeout: AbortSignal): string {
  if (error instanceof Refused) return error.message;
  if (timeout.aborted) return `it takes longer than ${TIMEOUT_MS / 1000} s to read`;
  // The guard knows one error only, that of load_stac; what is said after the colon holds here too.
  if (isOpenEOError(error, 'ProcessParameterInvalid')) return error.message.split(' is invalid: ').slice(1).join(' is invalid: ');
  return 'it can\'t be reached';
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new Refused(`it has more than ${MAX_BYTES / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refused('it is not JSON');
  }
}
