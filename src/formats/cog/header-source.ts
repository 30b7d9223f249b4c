/** Lets geotiff.js read the header of a file through a ByteSource, in pages so that small reads cost nothing. */
import type { GeoTIFF } from 'geotiff';
import type { ByteSource } from '../raster-file.ts';

type GeotiffSource = Parameters<typeof GeoTIFF.fromSource>[0];

/** The header of a typical cloud-optimized file fits in one page. */
const PAGE = 64 * 1024;

/** Reads pages of a source at most once each; dropped as soon as the header is parsed. */
export class HeaderSource {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  readonly #pages = new Map<number, Promise<Uint8Array>>();

  constructor(source: ByteSource, signal?: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  /** The bytes of a span; fewer where the file ends. */
  async bytes(offset: number, length: number): Promise<Uint8Array> {
    if (length > PAGE) return this.#source.read(offset, length, this.#signal);
    const first = Math.floor(offset / PAGE);
    const last = Math.floor((offset + length - 1) / PAGE);
    const pages = await Promise.all(first === last ? [this.#page(first)] : [this.#page(first), this.#page(last)]);
    const joined = pages.length === 1 ? pages[0]! : Buffer.concat(pages);
    return joined.subarray(offset - first * PAGE, offset - first * PAGE + length);
  }

  /** The same as a source of geotiff.js. */
  forGeotiff(): GeotiffSource {
    const fetchSlice = async ({ offset, length }: { offset: number; length: number }) => {
      const bytes = await this.bytes(offset, length);
      // geotiff.js wants a buffer that begins with the slice.
      return { offset, length, data: new Uint8Array(bytes).buffer };
    };
    return {
      fetchSlice,
      fetch: async (slices) => Promise.all(slices.map(async (slice) => (await fetchSlice(slice)).data)),
      fileSize: this.#source.sizeBytes,
      close: async () => {},
    };
  }

  #page(index: number): Promise<Uint8Array> {
    const known = this.#pages.get(index);
    if (known) return known;
    const page = this.#source.read(index * PAGE, PAGE, this.#signal);
    this.#pages.set(index, page);
    return page;
  }
}
