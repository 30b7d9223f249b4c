/** load_url: a file with geometries from the web as a vector cube. It is read whole, within bounds. */
import type { Cube } from '../../cube/cube.ts';
import { vectorCube } from '../../cube/feature-values.ts';
import { invalidArgument, isOpenEOError, type OpenEOError } from '../../errors.ts';
import type { Fetch } from '../../formats/http-source.ts';
import { featureFormat, readFeatures } from '../../formats/read-features.ts';
import { GeometryError } from '../../geo/geometry.ts';
import type { LoadUrlRequest } from '../../graph/scope.ts';
import { shown } from './documents.ts';

export interface RemoteVectorsOptions {
  /** Reaches only what a user may reach (guardedFetch). */
  readonly fetch: Fetch;
  /** Largest file, bytes; default 64 MiB. */
  readonly bytes?: number;
  /** Longest time, milliseconds; default a minute. */
  readonly timeMs?: number;
}

const LARGEST = 64 * 1024 * 1024;
const LONGEST = 60_000;

export class RemoteVectors {
  readonly #options: RemoteVectorsOptions;

  constructor(options: RemoteVectorsOptions) {
    this.#options = options;
  }

  /**
   * The geometries, and the values of the properties that are asked for. Throws FormatUnsuitable for an unknown
   * format and for content of another one, and ProcessParameterInvalid (load_url) for a URL that can't be read.
   */
  async load({ url, format, properties }: LoadUrlRequest, signal: AbortSignal): Promise<Cube> {
    const name = featureFormat(format);
    const bytes = await this.#download(url, signal);
    const features = await readFeatures(name, bytes, shown(url));
    try {
      return vectorCube(features, properties);
    } catch (error) {
      if (!(error instanceof GeometryError)) throw error;
      throw invalidArgument('load_url', 'options', error.message, { cause: error });
    }
  }

  async #download(url: string, signal: AbortSignal): Promise<Uint8Array> {
    const { fetch, timeMs = LONGEST } = this.#options;
    const deadline = AbortSignal.timeout(timeMs);
    try {
      const response = await fetch(url, { headers: { accept: '*/*' }, signal: AbortSignal.any([signal, deadline]) });
      if (response.ok) return await this.#body(url, response);
      await response.body?.cancel();
      throw badUrl(`the server of ${shown(url)} answered with status ${response.status}`);
    } catch (error) {
      signal.throwIfAborted();
      if (isOpenEOError(error)) throw error;
      if (deadline.aborted) throw badUrl(`reading ${shown(url)} takes longer than ${timeMs / 1000} s`);
      throw badUrl(`${shown(url)} can't be reached`, error);
    }
  }

  async #body(url: string, response: Response): Promise<Uint8Array> {
    const { bytes: most = LARGEST } = this.#options;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      if (length > most) throw badUrl(`what is at ${shown(url)} has more than ${Math.floor(most / 1024 / 1024)} MiB`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

function badUrl(reason: string, cause?: unknown): OpenEOError {
  return invalidArgument('load_url', 'url', reason, cause === undefined ? {} : { cause });
}
