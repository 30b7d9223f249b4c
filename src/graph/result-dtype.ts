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
