/** Scripts of run_udf that are not in the graph itself: from the web, or from the files of the user. */
import { invalidArgument, isOpenEOError, OpenEOError } from '../errors.ts';
import type { Fetch } from '../formats/http-source.ts';
import type { UserFiles } from '../storage/user-files.ts';
import { shown } from './remote/documents.ts';

/** A script is text for people. */
const LARGEST_BYTES = 1_000_000;
const LONGEST_MS = 20_000;

export interface UdfCodeParts {
  /** Reaches only what a user may reach (guardedFetch). */
  readonly fetch: Fetch;
  readonly files: Pick<UserFiles, 'get' | 'stream'>;
}

export class UdfCode {
  readonly #parts: UdfCodeParts;

  constructor(parts: UdfCodeParts) {
    this.#parts = parts;
  }

  /**
   * The code at an http(s) address, or at a path of the user's files (null: there are none). Throws
   * FileNotFound, and ProcessParameterInvalid (run_udf) for what can't be read or is too long.
   */
  read(source: string, user: string | null, signal: AbortSignal): Promise<string> {
    return /^https?:\/\//i.test(source) ? this.#download(source, signal) : this.#open(source, user);
  }

  async #download(url: string, signal: AbortSignal): Promise<string> {
    const deadline = AbortSignal.timeout(LONGEST_MS);
    try {
      const response = await this.#parts.fetch(url, { headers: { accept: '*/*' }, signal: AbortSignal.any([signal, deadline]) });
      if (response.ok) return await textOf(response.body ?? [], shown(url));
      await response.body?.cancel();
      throw unreadable(`the server of ${shown(url)} answered with status ${response.status}`);
    } catch (error) {
      signal.throwIfAborted();
      if (isOpenEOError(error)) throw error;
      throw unreadable(deadline.aborted ? `reading ${shown(url)} takes longer than ${LONGEST_MS / 1000} s` : `${shown(url)} can't be reached`, error);
    }
  }

  async #open(path: string, user: string | null): Promise<string> {
    const wanted = path.replace(/^(\.?\/)+/, '');
    if (user === null) throw new OpenEOError('FileNotFound', { file: wanted }, { detail: 'Only users have files.' });
    try {
      const stream = await this.#parts.files.stream(await this.#parts.files.get(user, wanted));
      if (stream) return await textOf(stream as AsyncIterable<Uint8Array>, `'${wanted}'`);
    } catch (error) {
      // Outside of the workspace, and where no file can be, there is none.
      if (!isOpenEOError(error, 'FilePathInvalid', 'FileOperationUnsupported')) throw error;
    }
    throw new OpenEOError('FileNotFound', { file: wanted });
  }
}

async function textOf(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > LARGEST_BYTES) throw unreadable(`${name} has more than ${LARGEST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const unreadable = (reason: string, cause?: unknown) => invalidArgument('run_udf', 'udf', reason, cause === undefined ? {} : { cause });
