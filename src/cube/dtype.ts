/** Sample types: the words are STAC's `data_type` (without the complex ones), plus bool for masks. */
export const dtypes = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float16: Float16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export type DType = keyof typeof dtypes;
export type Samples = InstanceType<(typeof dtypes)[DType]>;

/** A zeroed array for `length` samples. */
export function allocate(dtype: DType, length: number): Samples {
  return new dtypes[dtype](length);
}

/** Bytes of one sample. */
export function sampleSize(dtype: DType): number {
  return dtypes[dtype].BYTES_PER_ELEMENT;
}

export function isFloat(dtype: DType): boolean {
  return dtype.startsWith('float');
}

/** The type that results of arithmetic on `dtype` are stored in: float64 where float32 would lose digits. */
export function arithmeticDType(dtype: DType): 'float32' | 'float64' {
  return dtype === 'float64' || dtype === 'int32' || dtype === 'uint32' ? 'float64' : 'float32';
}
