/**
 * Pixel-interleaved rows → rows with one run per band, in place, undoing predictor 2 (differences between
 * neighbours) on the way. One pass, one row at a time: the row stays in the processor's cache and no
 * second block has to be allocated, which costs more than the arithmetic.
 *
 * The same loop stands here for each word size on purpose: V8 compiles a loop for the array types it has
 * met, and one that has met several runs at a fraction of the speed.
 */

export interface Interleaved {
  readonly columns: number;
  readonly rows: number;
  readonly bands: number;
  readonly bytesPerSample: number;
}

/** Turns [row, column, band] into [row, band, column]; words are in machine order. */
export function separateBands(bytes: Uint8Array, shape: Interleaved, isDifferenced: boolean): void {
  // All ones keep the running sum, zero forgets it.
  const keep = isDifferenced ? -1 : 0;
  const rowLength = shape.columns * shape.bands;
  switch (shape.bytesPerSample) {
    case 1:
      separateBytes(bytes, new Uint8Array(rowLength), shape, keep);
      break;
    case 2:
      separateWords(words(bytes, Uint16Array), new Uint16Array(rowLength), shape, keep);
      break;
    case 4:
      separateLongs(words(bytes, Int32Array), new Int32Array(rowLength), shape, keep);
      break;
    default:
      separateLongLongs(words(bytes, BigInt64Array), new BigInt64Array(rowLength), shape, BigInt(keep));
  }
}

type View<T> = { new (buffer: ArrayBufferLike, offset: number, length: number): T; readonly BYTES_PER_ELEMENT: number };

function words<T>(bytes: Uint8Array, type: View<T>): T {
  return new type(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / type.BYTES_PER_ELEMENT));
}

function separateBytes(data: Uint8Array, row: Uint8Array, { columns, rows, bands }: Interleaved, keep: number): void {
  for (let start = 0, to = 0; start < rows * row.length; start += row.length) {
    row.set(data.subarray(start, start + row.length));
    for (let band = 0; band < bands; band++) {
      for (let from = band, end = to + columns, sum = 0; to < end; to++, from += bands) {
        sum = ((sum & keep) + row[from]!) & 0xff;
        data[to] = sum;
      }
    }
  }
}

function separateWords(data: Uint16Array, row: Uint16Array, { columns, rows, bands }: Interleaved, keep: number): void {
  for (let start = 0, to = 0; start < rows * row.length; start += row.length) {
    row.set(data.subarray(start, start + row.length));
    for (let band = 0; band < bands; band++) {
      for (let from = band, end = to + columns, sum = 0; to < end; to++, from += bands) {
        sum = ((sum & keep) + row[from]!) & 0xffff;
        data[to] = sum;
      }
    }
  }
}

function separateLongs(data: Int32Array, row: Int32Array, { columns, rows, bands }: Interleaved, keep: number): void {
  for (let start = 0, to = 0; start < rows * row.length; start += row.length) {
    row.set(data.subarray(start, start + row.length));
    for (let band = 0; band < bands; band++) {
      for (let from = band, end = to + columns, sum = 0; to < end; to++, from += bands) {
        sum = ((sum & keep) + row[from]!) | 0;
        data[to] = sum;
      }
    }
  }
}

function separateLongLongs(data: BigInt64Array, row: BigInt64Array, { columns, rows, bands }: Interleaved, keep: bigint): void {
  for (let start = 0, to = 0; start < rows * row.length; start += row.length) {
    row.set(data.subarray(start, start + row.length));
    for (let band = 0; band < bands; band++) {
      for (let from = band, end = to + columns, sum = 0n; to < end; to++, from += bands) {
        sum = BigInt.asIntN(64, (sum & keep) + row[from]!);
        data[to] = sum;
      }
    }
  }
}
