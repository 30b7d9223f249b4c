/** In which type results are stored. */
import { arithmeticDType, isFloat, type DType } from '../cube/dtype.ts';

/** Integer types by what they hold. */
const ranges: Partial<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767],
  uint32: [0, 4294967295], int32: [-2147483648, 2147483647],
};

/** The type for arithmetic on values of these types: float64 when any of them asks for it. */
export function widestDType(dtypes: readonly DType[]): 'float32' | 'float64' {
  return dtypes.some((dtype) => arithmeticDType(dtype) === 'float64') ? 'float64' : 'float32';
}

/** The type that holds values of either type, for processes that select among them. */
export function commonDType(a: DType, b: DType): DType {
  if (a === b) return a;
  const [ra, rb] = [ranges[a], ranges[b]];
  if (!ra || !rb) return isFloat(a) && isFloat(b) && a !== 'float64' && b !== 'float64' ? 'float32' : widestDType([a, b]);
  const low = Math.min(ra[0], rb[0]);
  const high = Math.max(ra[1], rb[1]);
  const found = (Object.keys(ranges) as DType[]).find((dtype) => ranges[dtype]![0] <= low && ranges[dtype]![1] >= high);
  return found ?? 'float64';
}

/** The smallest type that holds a number exactly; float64 when only that does. */
export function dtypeOfNumber(value: number): DType {
  if (Number.isInteger(value) && !Object.is(value, -0)) {
    const found = (Object.keys(ranges) as DType[]).find((dtype) => ranges[dtype]![0] <= value && ranges[dtype]![1] >= value);
    if (found) return found;
  }
  return Object.is(Math.fround(value), value) ? 'float32' : 'float64';
}

/** What the dtype of a result is derived from: literals adapt to the rest. */
interface Typed {
  readonly dtype: DType;
  readonly literal?: number | boolean | null;
}

/** The type for the result of arithmetic. Literals do not widen it: 0.1 · float32 stays float32. */
export function arithmeticOf(operands: readonly Typed[]): DType {
  const measured = operands.filter((o) => o.literal === undefined);
  return widestDType((measured.length > 0 ? measured : operands).map((o) => o.dtype));
}

/** The type for the result of a selection among operands; a literal that fits into the rest's type leaves it. */
export function selectionOf(operands: readonly Typed[]): DType {
  const measured = operands.filter((o) => o.literal === undefined).map((o) => o.dtype);
  const literals = operands.map((o) => o.literal).filter((v) => typeof v === 'number');
  if (measured.length === 0) return literals.map(dtypeOfNumber).reduce(commonDType, 'uint8');
  const common = measured.reduce(commonDType);
  if (common === 'float16') return literals.length > 0 ? 'float32' : common;
  if (isFloat(common)) return common;
  const whole = literals.filter((v) => dtypeOfNumber(v) !== 'float32' && dtypeOfNumber(v) !== 'float64');
  return whole.length < literals.length ? widestDType([common]) : whole.map(dtypeOfNumber).reduce(commonDType, common);
}
