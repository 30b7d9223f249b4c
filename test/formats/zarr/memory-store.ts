/** Objects of a Zarr store in memory, as zarrita reads them, counting the bytes asked for. */
import * as zarrita from 'zarrita';

export class MemoryStore {
  readonly #objects: ReadonlyMap<string, Uint8Array>;
  bytesRead = 0;

  constructor(objects: ReadonlyMap<string, Uint8Array>) {
    this.#objects = objects;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const object = this.#objects.get(key.slice(1));
    return object && this.#counted(object);
  }

  async getRange(key: string, range: { offset: number; length: number } | { suffixLength: number }): Promise<Uint8Array | undefined> {
    const object = this.#objects.get(key.slice(1));
    return object && this.#counted('offset' in range ? object.subarray(range.offset, range.offset + range.length) : object.subarray(-range.suffixLength));
  }

  /** Opens an array and reads a selection of it; without one all. */
  async read(name: string, selection: (number | null)[] | null = null): Promise<{ values: number[]; shape: number[] }> {
    const array = await zarrita.open.v3(zarrita.root(this).resolve(name), { kind: 'array' });
    const chunk = await zarrita.get(array, selection) as { data: Iterable<number>; shape: number[] };
    return { values: Array.from(chunk.data, Number), shape: chunk.shape };
  }

  #counted(bytes: Uint8Array): Uint8Array {
    this.bytesRead += bytes.byteLength;
    // A copy: readers take buffers to begin where the bytes do.
    return Uint8Array.from(bytes);
  }
}
