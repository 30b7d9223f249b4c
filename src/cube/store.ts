/** Writing computed numbers into typed arrays without wrap-around. */
import { isFloat, type DType, type Samples } from './dtype.ts';

export type Store = (index: number, value: number) => void;

const limits: Partial<Record<DType, readonly [number, number]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  uint32: [0, 4_294_967_295],
  int32: [-2_147_483_648, 2_147_483_647],
};

/** A function that stores a number in `data`: integers are rounded (halves up) and held at the limits of the type. */
export function storeIn(data: Samples, dtype: DType): Store {
  if (isFloat(dtype)) {
    return (index, value) => {
      data[index] = value;
    };
  }
  const [low, high] = limits[dtype]!;
  return (index, value) => {
    const rounded = Math.floor(value + 0.5);
    data[index] = rounded < low ? low : rounded > high ? high : rounded;
  };
}
