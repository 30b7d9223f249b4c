/** mask_polygon: replaces the pixels outside of polygons, or those inside. */
import type { DType } from '../../cube/dtype.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Value } from '../../graph/value.ts';
import { cubeOf, kindOf } from './arguments.ts';
import { geometriesOf, requirePolygons } from './geometries.ts';
import { gridOf, maskByGeometries } from './polygon-mask.ts';

const ID = 'mask_polygon';

export const maskPolygon: Implementation = {
  run(args) {
    const data = cubeOf(args, ID);
    gridOf(data, ID);
    const mask = geometriesOf(args, ID, 'mask');
    requirePolygons(mask, ID, 'mask');
    return maskByGeometries(data, { geometries: mask.geometries, inside: args['inside'] === true, replacement: replacementOf(args['replacement'], data.dtype) });
  },
};

function replacementOf(value: Value | undefined, dtype: DType): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && dtype !== 'bool') return value;
  if (typeof value === 'boolean' && dtype === 'bool') return Number(value);
  throw invalidArgument(ID, 'replacement', `the values of the cube are ${dtype === 'bool' ? 'booleans' : 'numbers'}, so ${kindOf(value)} can't replace them`);
}
