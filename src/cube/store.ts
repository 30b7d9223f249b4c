/** Writing computed numbers into typed arrays without wrap-around. */
import { isFloat, type DType, type Samples } from './dtype.ts';

const limits: Partial<Record<DType, readonly [number, number]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  uint32: [0, 4_294_967_295],
  int32: [-2_147_483_648, 2_147_483_647],
};

/** Stores a row of numbers in `data` from `to` on: integers are rounded (halves up) and held at the limits of the type. */
export function storeRow(values: Float64Array, data: Samples, dtype: DType, to: number): void {
  if (isFloat(dtype)) {
    data.set(values, to);
    return;
  }
  const [low, high] = limits[dtype]!;
  for (let i = 0; i < values.length; i++) {
    const rounded = Math.floor(values[i]! + 0.5);
    data[to + i] = rounded < low ? low : rounded > high ? high : rounded;
  }
}
