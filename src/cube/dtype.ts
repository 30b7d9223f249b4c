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

const integerBits: Partial<Record<DType, { readonly bits: number; readonly signed: boolean }>> = {
  uint8: { bits: 8, signed: false },
  int8: { bits: 8, signed: true },
  uint16: { bits: 16, signed: false },
  int16: { bits: 16, signed: true },
  uint32: { bits: 32, signed: false },
  int32: { bits: 32, signed: true },
};

/** The smallest type that holds the values of both without loss (float64 at most). */
export function commonDType(a: DType, b: DType): DType {
  if (a === b) return a;
  if (a === 'bool') return b;
  if (b === 'bool') return a;
  const [ia, ib] = [integerBits[a], integerBits[b]];
  if (ia && ib) return commonInteger(ia, ib);
  const digits = Math.max(significantBits(a), significantBits(b));
  return digits <= 24 ? 'float32' : 'float64';
}

function commonInteger(a: { bits: number; signed: boolean }, b: { bits: number; signed: boolean }): DType {
  const signed = a.signed || b.signed;
  // An unsigned type needs one bit more where negative numbers come in.
  const bits = Math.max(a.bits + (signed && !a.signed ? 1 : 0), b.bits + (signed && !b.signed ? 1 : 0));
  const name = `${signed ? '' : 'u'}int${bits <= 8 ? 8 : bits <= 16 ? 16 : 32}`;
  return bits > 32 ? 'float64' : (name as DType);
}

/** Bits that a type's numbers need in a float's mantissa. */
function significantBits(dtype: DType): number {
  if (dtype === 'float64') return 53;
  if (dtype === 'float32') return 24;
  if (dtype === 'float16') return 11;
  return integerBits[dtype]?.bits ?? 1;
}

/** The smallest type that holds the values of `dtype` and this number. */
export function dtypeWith(dtype: DType, value: number): DType {
  if (isFloat(dtype)) return dtype;
  if (!Number.isInteger(value)) return commonDType(dtype, 'float32');
  const fitting = (['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32'] as const).filter((name) => allocate(name, 1).fill(value)[0] === value);
  return fitting.map((name) => commonDType(dtype === 'bool' ? name : dtype, name)).sort((a, b) => sampleSize(a) - sampleSize(b))[0] ?? 'float64';
}
