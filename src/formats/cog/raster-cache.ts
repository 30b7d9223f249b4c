/** The files and blocks that a process keeps at hand. One per process; every reader goes through it. */
import { fileURLToPath } from 'node:url';
import type { ObjectStore } from '../../storage/object-store.ts';
import { FileHandles, openFileSource } from '../file-source.ts';
import { openHttpSource, type HttpOptions } from '../http-source.ts';
import { missing } from '../byte-source.ts';
import { openObjectSource } from '../object-source.ts';
import type { ByteSource, RasterFile } from '../raster-file.ts';
import { OpenEOError } from '../../errors.ts';
import { isParquet, openVectorTable } from '../parquet/open-vectors.ts';
import { BlockCache } from './block-cache.ts';
import { openRaster } from './open.ts';

export interface RasterCacheOptions {
  /** Memory for decoded blocks; default 256 MiB. */
  readonly blockBytes?: number;
  /** Headers kept; default 1024. */
  readonly headers?: number;
  /** Local files kept open; default 128. */
  readonly openFiles?: number;
  /** Where 'object:<key>' references lie. */
  readonly store?: ObjectStore;
  readonly http?: HttpOptions;
  /** How long a remote file is used without asking its server whether it changed, milliseconds; default 60 s. */
  readonly revalidateMs?: number;
}

interface Opened {
  readonly file: Promise<RasterFile>;
  readonly openedAt: number;
}

/**
 * Opens rasters by reference and remembers headers and decoded blocks, both bounded. A file that
 * changed (size and time, or ETag) is opened anew, and blocks of its old version are never served.
 */
export class RasterCache {
  readonly blocks: BlockCache;
  readonly #handles: FileHandles;
  readonly #headers = new Map<string, Opened>();
  readonly #options: RasterCacheOptions;
  #views = 0;

  constructor(options: RasterCacheOptions = {}) {
    this.#options = options;
    this.blocks = new BlockCache(options.blockBytes ?? 256 * 1024 * 1024);
    this.#handles = new FileHandles(options.openFiles ?? 128);
  }

  /** Number of headers kept now. */
  get headerCount(): number {
    return this.#headers.size;
  }

  /**
   * Opens 'file:///…' or an absolute path, an http(s) URL, or 'object:<key>'. Throws FileNotFound,
   * FileContentInvalid or Internal as the sources and openRaster do.
   */
  async open(href: string, signal?: AbortSignal): Promise<RasterFile> {
    signal?.throwIfAborted();
    if (!/^https?:/i.test(href)) return this.openSource(await this.#localSource(href));
    return this.#openUrl(href, href, this.#options.http);
  }

  /**
   * A view of this cache for URLs that users gave: it opens http(s) URLs only, with these options, also
   * GeoParquet tables of vectors, and
   * shares nothing with other views but decoded blocks of equal URL and version.
   */
  forUrls(http: HttpOptions): { open(href: string, signal?: AbortSignal): Promise<RasterFile> } {
    const view = `urls ${++this.#views}`;
    return {
      open: async (href, signal) => {
        signal?.throwIfAborted();
        if (!/^https?:/i.test(href)) throw missing(href);
        return this.#openUrl(`${view}\0${href}`, href, http, (source) => this.#openAny(source));
      },
    };
  }

  async #openAny(source: ByteSource): Promise<RasterFile> {
    return (await isParquet(source)) ? openVectorTable(source) : openRaster(source, this.blocks);
  }

  #openUrl(key: string, href: string, http: HttpOptions | undefined, open = (source: ByteSource) => openRaster(source, this.blocks)): Promise<RasterFile> {
    const known = this.#headers.get(key);
    if (known && Date.now() - known.openedAt < (this.#options.revalidateMs ?? 60_000)) return this.#touch(key, known);
    return this.#remember(key, openHttpSource(href, http).then(open));
  }

  /** Opens bytes from anywhere; the header is remembered by id and version. */
  openSource(source: ByteSource): Promise<RasterFile> {
    const key = `${source.id}\0${source.version}`;
    const known = this.#headers.get(key);
    return known ? this.#touch(key, known) : this.#remember(key, openRaster(source, this.blocks));
  }

  /** Closes the files. The cache can be used again afterwards. */
  async close(): Promise<void> {
    this.#headers.clear();
    await this.#handles.close();
  }

  #localSource(href: string): Promise<ByteSource> {
    if (href.startsWith('object:')) {
      if (!this.#options.store) throw new OpenEOError('Internal', { message: 'No object store is configured.' });
      return openObjectSource(this.#options.store, href.slice('object:'.length));
    }
    return openFileSource(href.startsWith('file:') ? fileURLToPath(href) : href, this.#handles);
  }

  #touch(key: string, opened: Opened): Promise<RasterFile> {
    this.#headers.delete(key);
    this.#headers.set(key, opened);
    return opened.file;
  }

  #remember(key: string, file: Promise<RasterFile>): Promise<RasterFile> {
    const opened = { file, openedAt: Date.now() };
    this.#headers.set(key, opened);
    for (const oldest of this.#headers.keys()) {
      if (this.#headers.size <= (this.#options.headers ?? 1024)) break;
      this.#headers.delete(oldest);
    }
    file.catch(() => {
      if (this.#headers.get(key) === opened) this.#headers.delete(key);
    });
    return file;
  }
}
