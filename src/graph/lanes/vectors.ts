/** Constant vectors and shuffles, as the 16 bytes that instructions take. */

const bytesOf = (values: Float64Array | Float32Array | Int32Array) => new Uint8Array(values.buffer);

export const doubles = (value: number): Uint8Array => bytesOf(Float64Array.of(value, value));
export const singles = (value: number): Uint8Array => bytesOf(Float32Array.of(value, value, value, value));
export const integers = (value: number): Uint8Array => bytesOf(Int32Array.of(value, value, value, value));

const words = (...from: readonly number[]) => from.flatMap((word) => [0, 1, 2, 3].map((byte) => word * 4 + byte));

/** Shuffles pick 32-bit words; 0 to 3 are those of the first vector, 4 to 7 those of the second. */
export const upperHalf: readonly number[] = words(2, 3, 2, 3);
export const lowHalves: readonly number[] = words(0, 1, 4, 5);
export const evenWords: readonly number[] = words(0, 2, 4, 6);
