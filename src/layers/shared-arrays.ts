/** Float32 arrays in shared memory, lent and taken back. */

/** Keeps what is given back, up to a limit in bytes; the rest is left to the garbage collector. */
export class SharedArrays {
  readonly #free = new Map<number, Float32Array[]>();
  readonly #limit: number;
  #kept = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** An array of this length. What it holds is arbitrary. */
  take(length: number): Float32Array {
    const known = this.#free.get(length)?.pop();
    if (known) this.#kept -= known.byteLength;
    return known ?? new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
  }

  /** Takes an array back that nobody reads or writes any more. */
  giveBack(array: Float32Array): void {
    // Other lengths are of an operator that is no longer in use: they would stay for ever.
    while (this.#kept + array.byteLength > this.#limit && this.#dropOther(array.length));
    if (this.#kept + array.byteLength > this.#limit) return;
    this.#free.set(array.length, [...(this.#free.get(array.length) ?? []), array]);
    this.#kept += array.byteLength;
  }

  #dropOther(length: number): boolean {
    for (const [other, arrays] of this.#free) {
      const dropped = other === length ? undefined : arrays.pop();
      if (!dropped) continue;
      this.#kept -= dropped.byteLength;
      return true;
    }
    return false;
  }
}
