/** create_data_cube: a cube without dimensions. */
import { arrayCube } from '../../cube/array-cube.ts';
import type { Implementation } from '../../graph/process.ts';

export const createDataCube: Implementation = {
  run: () => arrayCube({ dimensions: [], dtype: 'float64', data: new Float64Array(1), nulls: Uint8Array.of(1) }),
};
