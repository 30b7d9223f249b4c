/**
 * Arrays as .npy files: how a program gets its input and gives its output. Only what the protocol of operators
 * needs: float32, C order, little endian. Written from numpy.lib.format's description of versions 1.0 to 3.0.
 */

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** The data begins at a multiple of this, so that it can be mapped. */
const ALIGNMENT = 64;
/** No header of an array of numbers comes near it. */
const LONGEST_HEADER = 64 * 1024;

/** An array of float32 in C order. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** What stands before the data of an array of this shape. */
export function npyHeader(shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((MAGIC.length + 4 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(length, ' ');
  MAGIC.copy(header);
  header.writeUInt8(1, 6);
  header.writeUInt8(0, 7);
  header.writeUInt16LE(length - MAGIC.length - 4, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', length - 1, 'latin1');
  return header;
}

/** The bytes of a .npy file. `data` has as many values as the shape says. */
export function encodeNpy(shape: readonly number[], data: Float32Array): Uint8Array {
  return Buffer.concat([npyHeader(shape), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

/** Reads a .npy file of float32 in C order. Throws RangeError that says in what the file is another one. */
export function decodeNpy(bytes: Uint8Array): NpyArray {
  const { shape, start } = parseHeader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const wanted = shape.reduce((a, b) => a * b, 1) * Float32Array.BYTES_PER_ELEMENT;
  if (bytes.length - start !== wanted) throw new RangeError(`its shape (${shape.join(', ')}) takes ${wanted} bytes and ${bytes.length - start} follow the header`);
  const data = new Float32Array(wanted / Float32Array.BYTES_PER_ELEMENT);
  new Uint8Array(data.buffer).set(bytes.subarray(start));
  return { shape, data };
}

/** Bytes that a file of this shape may have at most, whatever program wrote its header. */
export function largestNpy(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, Float32Array.BYTES_PER_ELEMENT) + LONGEST_HEADER + 16;
}

function parseHeader(bytes: Buffer): { shape: number[]; start: number } {
  if (bytes.length < 12 || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new RangeError('it is no .npy file');
  const isLong = bytes.readUInt8(6) >= 2;
  const length = isLong ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const start = (isLong ? 12 : 10) + length;
  if (length > LONGEST_HEADER || start > bytes.length) throw new RangeError('its header is cut off');
  const text = bytes.toString('latin1', isLong ? 12 : 10, start);
  const type = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  if (type !== '<f4') throw new RangeError(`its values are ${type === undefined ? 'a structure' : `'${type}'`} and not float32 ('<f4')`);
  if (!/'fortran_order':\s*False/.test(text)) throw new RangeError('it is in Fortran order and not in C order');
  const tuple = /'shape':\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (tuple === undefined) throw new RangeError('its header names no shape');
  return { shape: tuple.split(',').map((part) => part.trim()).filter((part) => part !== '').map(Number), start };
}
