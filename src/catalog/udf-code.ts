/** Scripts of run_udf that are not in the graph itself: from the web, or from the files of the user. */
import { invalidArgument, isOpenEOError, OpenEOError } from '../errors.ts';
import type { Fetch } from '../formats/http-source.ts';
import type { UserFiles } from '../storage/user-files.ts';
import { download, readBounded, Unreadable } from './remote/download.ts';

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
    const isUrl = /^https?:\/\//i.test(source);
    const bytes = isUrl ? download(source, { fetch: this.#parts.fetch, bytes: LARGEST_BYTES, timeMs: LONGEST_MS }, signal) : this.#open(source, user);
    return bytes.then((code) => code.toString('utf8'), refuse);
  }

  async #open(path: string, user: string | null): Promise<Buffer> {
    const wanted = path.replace(/^(\.?\/)+/, '');
    if (user === null) throw new OpenEOError('FileNotFound', { file: wanted }, { detail: 'Only users have files.' });
    try {
      const stream = await this.#parts.files.stream(await this.#parts.files.get(user, wanted));
      if (stream) return await readBounded(stream as AsyncIterable<Uint8Array>, LARGEST_BYTES, `'${wanted}'`);
    } catch (error) {
      // Outside of the workspace, and where no file can be, there is none.
      if (!isOpenEOError(error, 'FilePathInvalid', 'FileOperationUnsupported')) throw error;
    }
    throw new OpenEOError('FileNotFound', { file: wanted });
  }
}

function refuse(error: unknown): never {
  throw error instanceof Unreadable ? invalidArgument('run_udf', 'udf', error.message, { cause: error.cause ?? error }) : error;
}
