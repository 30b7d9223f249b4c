/**
 * TIFF predictors. 2 stores differences between neighbouring samples of a row; 3 (floating point) stores
 * a row as byte planes, most significant first, and then differences of bytes. Rows are independent.
 *
 * Each width has its own loop on purpose: one loop over several array types would run at half the speed.
 */

export interface RowShape {
  /** Samples of a row, all bands counted. */
  readonly samplesPerRow: number;
  /** Distance between samples of the same band: bands per block. */
  readonly stride: number;
  readonly rows: number;
  readonly bytesPerSample: number;
}

/** Undoes predictor 2 in place. Words must be in the machine's byte order already. */
export function undoDifferences(bytes: Uint8Array, shape: RowShape): void {
  const length = shape.samplesPerRow * shape.rows;
  if (shape.bytesPerSample === 1) sumBytes(bytes, shape);
  else if (shape.bytesPerSample === 2) sumWords(new Uint16Array(bytes.buffer, bytes.byteOffset, length), shape);
  else if (shape.bytesPerSample === 4) sumLongs(new Uint32Array(bytes.buffer, bytes.byteOffset, length), shape);
  else sumLongLongs(new BigUint64Array(bytes.buffer, bytes.byteOffset, length), shape);
}

/** Applies predictor 2 in place, last sample of a row first. */
export function applyDifferences(bytes: Uint8Array, shape: RowShape): void {
  const length = shape.samplesPerRow * shape.rows;
  if (shape.bytesPerSample === 1) subtractBytes(bytes, shape);
  else if (shape.bytesPerSample === 2) subtractWords(new Uint16Array(bytes.buffer, bytes.byteOffset, length), shape);
  else if (shape.bytesPerSample === 4) subtractLongs(new Uint32Array(bytes.buffer, bytes.byteOffset, length), shape);
  else throw new RangeError('predictor 2 is written for samples of at most 4 bytes');
}

/** Undoes predictor 3: gives little-endian floats. Changes `bytes` on the way. */
export function undoFloatPlanes(bytes: Uint8Array, shape: RowShape): Uint8Array {
  const rowBytes = shape.samplesPerRow * shape.bytesPerSample;
  const out = new Uint8Array(rowBytes * shape.rows);
  sumBytes(bytes, { ...shape, samplesPerRow: rowBytes });
  if (shape.bytesPerSample === 4) joinLongs(bytes, new Uint32Array(out.buffer), shape);
  else movePlanes(shape, (plane, sample) => {
    out[sample] = bytes[plane]!;
  });
  return out;
}

/** Applies predictor 3 to little-endian floats. */
export function applyFloatPlanes(bytes: Uint8Array, shape: RowShape): Uint8Array {
  const rowBytes = shape.samplesPerRow * shape.bytesPerSample;
  const out = new Uint8Array(rowBytes * shape.rows);
  if (shape.bytesPerSample === 4) splitLongs(new Uint32Array(bytes.buffer, bytes.byteOffset, out.length / 4), out, shape);
  else movePlanes(shape, (plane, sample) => {
    out[plane] = bytes[sample]!;
  });
  subtractBytes(out, { ...shape, samplesPerRow: rowBytes });
  return out;
}

/** Visits every byte with its place among the planes and its place in the samples. */
function movePlanes({ samplesPerRow, rows, bytesPerSample }: RowShape, move: (plane: number, sample: number) => void): void {
  const rowBytes = samplesPerRow * bytesPerSample;
  for (let row = 0; row < rows; row++) {
    for (let plane = 0; plane < bytesPerSample; plane++) {
      let from = row * rowBytes + plane * samplesPerRow;
      let to = row * rowBytes + (bytesPerSample - 1 - plane);
      for (let i = 0; i < samplesPerRow; i++, to += bytesPerSample) move(from++, to);
    }
  }
}

/** movePlanes for the commonest type, four bytes at a time. */
function splitLongs(longs: Uint32Array, out: Uint8Array, { samplesPerRow, rows }: RowShape): void {
  for (let row = 0, i = 0; row < rows; row++) {
    for (let to = row * samplesPerRow * 4, end = to + samplesPerRow; to < end; to++) {
      const value = longs[i++]!;
      out[to] = value >>> 24;
      out[to + samplesPerRow] = value >>> 16;
      out[to + samplesPerRow * 2] = value >>> 8;
      out[to + samplesPerRow * 3] = value;
    }
  }
}

function joinLongs(bytes: Uint8Array, longs: Uint32Array, { samplesPerRow, rows }: RowShape): void {
  for (let row = 0, i = 0; row < rows; row++) {
    for (let from = row * samplesPerRow * 4, end = from + samplesPerRow; from < end; from++) {
      longs[i++] = (bytes[from]! << 24) | (bytes[from + samplesPerRow]! << 16) | (bytes[from + samplesPerRow * 2]! << 8) | bytes[from + samplesPerRow * 3]!;
    }
  }
}

function sumBytes(data: Uint8Array, { samplesPerRow, stride, rows }: RowShape): void {
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * samplesPerRow;
    for (let i = row * samplesPerRow + stride; i < end; i++) data[i] = data[i]! + data[i - stride]!;
  }
}

function sumWords(data: Uint16Array, { samplesPerRow, stride, rows }: RowShape): void {
  if (stride === 1) return sumNeighbours(data, samplesPerRow, rows);
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * samplesPerRow;
    for (let i = row * samplesPerRow + stride; i < end; i++) data[i] = data[i]! + data[i - stride]!;
  }
}

/** sumWords for planes of one band: the sum stays in a register. */
function sumNeighbours(data: Uint16Array, samplesPerRow: number, rows: number): void {
  for (let row = 0, i = 0; row < rows; row++) {
    let sum = 0;
    for (const end = (row + 1) * samplesPerRow; i < end; i++) {
      sum = (sum + data[i]!) & 0xffff;
      data[i] = sum;
    }
  }
}

function sumLongs(data: Uint32Array, { samplesPerRow, stride, rows }: RowShape): void {
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * samplesPerRow;
    for (let i = row * samplesPerRow + stride; i < end; i++) data[i] = (data[i]! + data[i - stride]!) | 0;
  }
}

function sumLongLongs(data: BigUint64Array, { samplesPerRow, stride, rows }: RowShape): void {
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * samplesPerRow;
    for (let i = row * samplesPerRow + stride; i < end; i++) data[i] = data[i]! + data[i - stride]!;
  }
}

function subtractBytes(data: Uint8Array, { samplesPerRow, stride, rows }: RowShape): void {
  for (let row = 0; row < rows; row++) {
    const first = row * samplesPerRow + stride;
    for (let i = (row + 1) * samplesPerRow - 1; i >= first; i--) data[i] = data[i]! - data[i - stride]!;
  }
}

function subtractWords(data: Uint16Array, { samplesPerRow, stride, rows }: RowShape): void {
  for (let row = 0; row < rows; row++) {
    const first = row * samplesPerRow + stride;
    for (let i = (row + 1) * samplesPerRow - 1; i >= first; i--) data[i] = data[i]! - data[i - stride]!;
  }
}

function subtractLongs(data: Uint32Array, { samplesPerRow, stride, rows }: RowShape): void {
  for (let row = 0; row < rows; row++) {
    const first = row * samplesPerRow + stride;
    for (let i = (row + 1) * samplesPerRow - 1; i >= first; i--) data[i] = (data[i]! - data[i - stride]!) | 0;
  }
}
