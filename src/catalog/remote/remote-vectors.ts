/** load_url: a file with geometries from the web as a vector cube. It is read whole, within bounds. */
import type { Cube } from '../../cube/cube.ts';
import { vectorCube } from '../../cube/feature-values.ts';
import { invalidArgument } from '../../errors.ts';
import type { Fetch } from '../../formats/http-source.ts';
import { featureFormat, readFeatures } from '../../formats/read-features.ts';
import { GeometryError } from '../../geo/geometry.ts';
import type { LoadUrlRequest } from '../../graph/scope.ts';
import { shown } from './documents.ts';
import { download, Unreadable } from './download.ts';

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
    const { fetch, bytes: most = LARGEST, timeMs = LONGEST } = this.#options;
    const bytes = await download(url, { fetch, bytes: most, timeMs }, signal).catch(refuse);
    const features = await readFeatures(name, bytes, shown(url));
    try {
      return vectorCube(features, properties);
    } catch (error) {
      if (!(error instanceof GeometryError)) throw error;
      throw invalidArgument('load_url', 'options', error.message, { cause: error });
    }
  }
}

function refuse(error: unknown): never {
  throw error instanceof Unreadable ? invalidArgument('load_url', 'url', error.message, { cause: error.cause ?? error }) : error;
}
